# Hybrid networks: Figures 1 to 3, filter logos, saliency logos, training curves.


rule hybrid_networks_figure1:
    output:
        pdf=f"{HYBRID_OUT}/figure1.pdf",
        png=report(
            f"{HYBRID_OUT}/figure1.png",
            caption="../report/hybrid_networks/figure1.rst",
            category=HYBRID_PAPER,
            labels={"item": "Figure 1"},
        ),
    log:
        f"{RESULTS}/logs/figures/hybrid_figure1.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=architecture_designs,
        code=code("studies.hybrid_networks.figure1"),
    message:
        "Figure 1: the networks as configured"
    shell:
        "regulens hybrid-networks figure1 --settings {params.settings:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_figure2:
    input:
        f"{HYBRID_OUT}/task1.csv",
    output:
        pdf=f"{HYBRID_OUT}/figure2.pdf",
        png=report(
            f"{HYBRID_OUT}/figure2.png",
            caption="../report/hybrid_networks/figure2.rst",
            category=HYBRID_PAPER,
            labels={"item": "Figure 2"},
        ),
    log:
        f"{RESULTS}/logs/figures/hybrid_figure2.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("studies.hybrid_networks.figure2"),
    message:
        "Figure 2: performance and filter motifs, exponential against ReLU"
    shell:
        "regulens hybrid-networks figure2 {input:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_figure3:
    input:
        f"{HYBRID_OUT}/task2.csv",
    output:
        pdf=f"{HYBRID_OUT}/figure3.pdf",
        png=report(
            f"{HYBRID_OUT}/figure3.png",
            caption="../report/hybrid_networks/figure3.rst",
            category=HYBRID_PAPER,
            labels={"item": "Figure 3"},
        ),
    log:
        f"{RESULTS}/logs/figures/hybrid_figure3.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("studies.hybrid_networks.figure2"),
    message:
        "Figure 3: performance and saliency maps, exponential against ReLU"
    shell:
        "regulens hybrid-networks figure3 {input:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_filter_sheet:
    input:
        meme=f"{HYBRID_OUT}/task1/{{architecture}}/{{activation}}/filters.meme",
        filters=f"{HYBRID_OUT}/task1/{{architecture}}/{{activation}}/filters.csv",
        trials=f"{HYBRID_OUT}/task1_trials.csv",
    output:
        pdf=f"{HYBRID_OUT}/filters_{{architecture}}_{{activation}}.pdf",
        png=report(
            f"{HYBRID_OUT}/filters_{{architecture}}_{{activation}}.png",
            caption="../report/hybrid_networks/filters.rst",
            category=HYBRID_PAPER,
            labels={
                "item": "Filters",
                "network": "{architecture}",
                "activation": "{activation}",
            },
        ),
    log:
        f"{RESULTS}/logs/figures/filters_{{architecture}}_{{activation}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=shown_architecture,
        code=code("studies.hybrid_networks.filters"),
    message:
        "Logos of the first-layer filters of {wildcards.architecture}, {wildcards.activation}"
    shell:
        "regulens hybrid-networks filter-sheet {input.meme:q} --filters {input.filters:q} --trials {input.trials:q}"
        " --architecture {wildcards.architecture} --activation {wildcards.activation} --settings {params.settings:q}"
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
        pdf=f"{HYBRID_OUT}/saliency_{{architecture}}_{{example}}.pdf",
        png=report(
            f"{HYBRID_OUT}/saliency_{{architecture}}_{{example}}.png",
            caption="../report/hybrid_networks/saliency_logo.rst",
            category=HYBRID_PAPER,
            labels={
                "item": "Saliency of example {example}",
                "network": "{architecture}",
            },
        ),
    log:
        f"{RESULTS}/logs/figures/saliency_{{architecture}}_{{example}}.log",
    wildcard_constraints:
        example=r"\d+",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=shown_example,
        examples=lambda wildcards, input: options(
            "--examples",
            [
                f"{activation}={path}"
                for activation, path in zip(HYBRID.activations, input.examples)
            ],
        ),
        code=code("studies.hybrid_networks.saliency_logo"),
    message:
        "Saliency of example {wildcards.example} beside its motifs, {wildcards.architecture}"
    shell:
        "regulens saliency-logo {params.examples} --trials-table {input.trials:q} --architecture {wildcards.architecture}"
        " --settings {params.settings:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule hybrid_networks_training_curves:
    input:
        training_logs,
    output:
        pdf=f"{HYBRID_OUT}/training_{{dataset}}.pdf",
        png=report(
            f"{HYBRID_OUT}/training_{{dataset}}.png",
            caption="../report/hybrid_networks/training.rst",
            category=HYBRID_PAPER,
            labels={"item": "Training", "task": "{dataset}"},
        ),
    log:
        f"{RESULTS}/logs/figures/hybrid_training_{{dataset}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        folder=lambda wildcards, output: os.path.dirname(output.pdf),
        settings=shown_dataset,
        code=code("studies.hybrid_networks.training"),
    message:
        "Validation score of every trial by epoch, {wildcards.dataset}"
    shell:
        "regulens hybrid-networks training-curves {params.folder:q} --task {wildcards.dataset}"
        " --settings {params.settings:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


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
