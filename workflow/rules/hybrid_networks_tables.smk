# Hybrid networks: both result tables and the paper's claims.
HYBRID_TABLE = f"{HYBRID_OUT}/{{dataset}}.csv"


rule hybrid_networks_results:
    input:
        measured_networks,
        published=PUBLISHED,
    output:
        csv=report(
            HYBRID_TABLE,
            caption="../report/hybrid_networks/results.rst",
            category=HYBRID_PAPER,
            labels={"item": "Results", "task": "{dataset}"},
        ),
        trials=f"{HYBRID_OUT}/{{dataset}}_trials.csv",
        md=f"{HYBRID_OUT}/{{dataset}}.md",
        tex=f"{HYBRID_OUT}/{{dataset}}.tex",
        facts=f"{HYBRID_OUT}/{{dataset}}.facts.json",
    log:
        f"{RESULTS}/logs/figures/hybrid_{{dataset}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        folder=lambda wildcards, output: os.path.dirname(output.csv),
        settings=shown_dataset,
        code=code("studies.hybrid_networks.results"),
    message:
        "Result table of {wildcards.dataset}: mean and sd over the kept trials, beside the published"
    shell:
        "regulens hybrid-networks results {params.folder:q} --task {wildcards.dataset} --published {input.published:q}"
        " --settings {params.settings:q} --csv {output.csv:q} --trials {output.trials:q} --md {output.md:q}"
        " --tex {output.tex:q} 2> {log:q}"


rule hybrid_networks_claims:
    input:
        task1=f"{HYBRID_OUT}/task1_trials.csv",
        task2=f"{HYBRID_OUT}/task2_trials.csv",
        published=PUBLISHED,
    output:
        csv=report(
            f"{HYBRID_OUT}/claims.csv",
            caption="../report/hybrid_networks/claims.rst",
            category=HYBRID_PAPER,
            labels={"item": "Claims"},
        ),
        md=f"{HYBRID_OUT}/claims.md",
    log:
        f"{RESULTS}/logs/figures/hybrid_claims.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings_of_claims,
        code=code("studies.hybrid_networks.claims"),
    message:
        "Which of the paper's claims hold in this run"
    shell:
        "regulens hybrid-networks claims --task1 {input.task1:q} --task2 {input.task2:q}"
        " --published {input.published:q} --settings {params.settings:q} --csv {output.csv:q} --md {output.md:q} 2> {log:q}"
