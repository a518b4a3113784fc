# Hybrid networks: the result table of each task, the figures in the paper's order, additional figures, the claims.


rule hybrid_networks_results:
    input:
        measured_networks,
        published=PUBLISHED,
    output:
        **table(
            "hybrid_networks/{dataset}",
            "Results",
            "md",
            "tex",
            caption="results",
            task="{dataset}",
        ),
        trials=f"{HYBRID_OUT}/{{dataset}}_trials.csv",
        facts=f"{HYBRID_OUT}/{{dataset}}.facts.json",
    params:
        **parts(
            *(HYBRID_ARCHITECTURES, HYBRID_ACTIVATIONS, HYBRID_NOTE),
            "hybrid_networks/{dataset}/keep",
            "hybrid_networks/{dataset}/selection",
            "hybrid_networks/{dataset}/label",
        ),
        folder=subpath(output.csv, parent=True),
    message:
        "Result table of {wildcards.dataset}: mean and sd over the kept trials, beside the published values"
    shell:
        "regulens hybrid-networks results {params.folder:q} --task {wildcards.dataset} --published {input.published:q}"
        " {params.parts} --csv {output.csv:q} --trials {output.trials:q} --md {output.md:q} --tex {output.tex:q}"
        " --facts {output.facts:q} 2> {log:q}"


rule hybrid_networks_figure1:
    output:
        **figure("hybrid_networks/figure1", "Figure 1"),
    params:
        **parts(HYBRID_ARCHITECTURES, HYBRID_ACTIVATIONS, "hybrid_networks/designs"),
    message:
        "Figure 1: the networks as configured"
    shell:
        "regulens hybrid-networks figure1 {params.parts} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_figure2:
    input:
        f"{HYBRID_OUT}/task1.csv",
    output:
        **figure("hybrid_networks/figure2", "Figure 2"),
    message:
        "Figure 2: performance and filter motifs, exponential against ReLU"
    shell:
        "regulens hybrid-networks figure2 {input:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_figure3:
    input:
        f"{HYBRID_OUT}/task2.csv",
    output:
        **figure("hybrid_networks/figure3", "Figure 3"),
    message:
        "Figure 3: performance and saliency maps, exponential against ReLU"
    shell:
        "regulens hybrid-networks figure3 {input:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_filters:
    input:
        meme=f"{HYBRID_OUT}/task1/{{architecture}}/{{activation}}/filters.meme",
        filters=f"{HYBRID_OUT}/task1/{{architecture}}/{{activation}}/filters.csv",
        trials=f"{HYBRID_OUT}/task1_trials.csv",
    output:
        **figure(
            "hybrid_networks/filters_{architecture}_{activation}",
            "Filters",
            caption="filters",
            network="{architecture}",
            activation="{activation}",
        ),
    params:
        **parts(
            "hybrid_networks/task1/selection",
            label="hybrid_networks/labels/{architecture}",
        ),
    message:
        "Logos of the first-layer filters of {wildcards.architecture}, {wildcards.activation}"
    shell:
        "regulens hybrid-networks filters {input.meme:q} --matches {input.filters:q} --trials {input.trials:q}"
        " --architecture {wildcards.architecture} --activation {wildcards.activation} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_saliency_logo:
    input:
        examples=expand(
            f"{HYBRID_OUT}/task2/{{architecture}}/{{activation}}/saliency_examples.h5",
            activation=HYBRID.activations,
            allow_missing=True,
        ),
        trials=f"{HYBRID_OUT}/task2_trials.csv",
    output:
        **figure(
            "hybrid_networks/saliency_{architecture}_{example}",
            "Saliency of example {example}",
            caption="saliency_logo",
            network="{architecture}",
        ),
    wildcard_constraints:
        example=r"\d+",
    params:
        **parts(
            "hybrid_networks/task2/selection",
            label="hybrid_networks/labels/{architecture}",
        ),
        examples=lambda wildcards, input: options(
            "--examples", map("=".join, zip(HYBRID.activations, input.examples))
        ),
    message:
        "Saliency of example {wildcards.example} beside its motifs, {wildcards.architecture}"
    shell:
        "regulens hybrid-networks saliency-logo {params.examples} --trials-table {input.trials:q}"
        " --architecture {wildcards.architecture} --example {wildcards.example} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_training_curves:
    input:
        training_logs,
    output:
        **figure(
            "hybrid_networks/training_{dataset}",
            "Training",
            caption="training_curves",
            task="{dataset}",
        ),
    params:
        **parts(
            *(HYBRID_ARCHITECTURES, HYBRID_ACTIVATIONS),
            "hybrid_networks/{dataset}/trained",
            "hybrid_networks/{dataset}/training/monitor",
        ),
        folder=subpath(output.pdf, parent=True),
    message:
        "Validation score of every trial by epoch, {wildcards.dataset}"
    shell:
        "regulens hybrid-networks training-curves {params.folder:q} --task {wildcards.dataset} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_claims:
    input:
        task1=f"{HYBRID_OUT}/task1_trials.csv",
        task2=f"{HYBRID_OUT}/task2_trials.csv",
        published=PUBLISHED,
    output:
        **table("hybrid_networks/claims", "Claims", "md"),
    params:
        **parts(HYBRID_NOTE, "hybrid_networks/evidence"),
    message:
        "Which of the paper's claims hold in this run"
    shell:
        "regulens hybrid-networks claims --task1 {input.task1:q} --task2 {input.task2:q}"
        " --published {input.published:q} {params.parts} --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


HYBRID_TABLES = ["task1.csv", "task2.csv", "claims.csv"]
HYBRID_PICTURES = ["figure1", "figure2", "figure3"]
HYBRID_PICTURES += expand(
    "filters_{architecture}_{activation}",
    architecture=HYBRID.architectures,
    activation=HYBRID.activations,
)
HYBRID_PICTURES += expand(
    "saliency_{architecture}_{example}",
    architecture=HYBRID.architectures,
    example=HYBRID.saliency.examples,
)
HYBRID_PICTURES += [
    f"training_{dataset}" for dataset in HYBRID_TASKS if trained_networks(dataset)
]


rule hybrid_networks_figures:
    input:
        expand(
            f"{HYBRID_OUT}/{{picture}}.{{ending}}",
            picture=HYBRID_PICTURES,
            ending=["pdf", "png"],
        ),


rule hybrid_networks:
    input:
        expand(f"{HYBRID_OUT}/{{table}}", table=HYBRID_TABLES),
        rules.hybrid_networks_figures.input,
