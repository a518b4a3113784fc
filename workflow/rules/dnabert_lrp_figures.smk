# DNABERT and LRP: Figures 1 and 2, agreement, truth, logos and loss curves.


rule dnabert_lrp_figure1:
    input:
        files(CURVES, TASK_RUNS, "task"),
    output:
        pdf=f"{LRP_OUT}/figure1.pdf",
        png=report(
            f"{LRP_OUT}/figure1.png",
            caption="../report/dnabert_lrp/figure1.rst",
            category=LRP_PAPER,
            labels={"item": "Figure 1"},
        ),
    log:
        f"{RESULTS}/logs/figures/lrp_figure1.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(CURVES, TASK_RUNS, "task"),
        settings=task_settings(),
        code=code("studies.dnabert_lrp.figure1"),
    message:
        "Figure 1: accuracy against the number of mutated bases, positive classes"
    shell:
        "regulens dnabert-lrp mutagenesis-curves {params.runs} --label positive --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_figure2:
    input:
        files(CURVES, TASK_RUNS, "task"),
    output:
        pdf=f"{LRP_OUT}/figure2.pdf",
        png=report(
            f"{LRP_OUT}/figure2.png",
            caption="../report/dnabert_lrp/figure2.rst",
            category=LRP_PAPER,
            labels={"item": "Figure 2"},
        ),
    log:
        f"{RESULTS}/logs/figures/lrp_figure2.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(CURVES, TASK_RUNS, "task"),
        settings=task_settings(),
        code=code("studies.dnabert_lrp.figure1"),
    message:
        "Figure 2: accuracy against the number of mutated bases, negative classes"
    shell:
        "regulens dnabert-lrp mutagenesis-curves {params.runs} --label negative --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_score_agreement:
    input:
        files(AGREEMENT, TASK_RUNS, "task"),
    output:
        pdf=f"{LRP_OUT}/score_agreement.pdf",
        png=report(
            f"{LRP_OUT}/score_agreement.png",
            caption="../report/dnabert_lrp/score_agreement.rst",
            category=LRP_PAPER,
            labels={"item": "Agreement of the scores"},
        ),
    log:
        f"{RESULTS}/logs/figures/score_agreement.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(AGREEMENT, TASK_RUNS, "task"),
        settings=task_settings(),
        code=code("studies.dnabert_lrp.score_agreement"),
    message:
        "Figure: rank correlation between the scores"
    shell:
        "regulens dnabert-lrp agreement {params.runs} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_truth:
    input:
        files(TRUTH, TRUTH_RUNS, "task"),
    output:
        csv=report(
            f"{LRP_OUT}/truth.csv",
            caption="../report/dnabert_lrp/truth.rst",
            category=LRP_PAPER,
            labels={"item": "Scores against known sites"},
        ),
        md=f"{LRP_OUT}/truth.md",
        pdf=f"{LRP_OUT}/truth.pdf",
        png=report(
            f"{LRP_OUT}/truth.png",
            caption="../report/dnabert_lrp/truth.rst",
            category=LRP_PAPER,
            labels={"item": "Scores against known sites"},
        ),
    log:
        f"{RESULTS}/logs/figures/truth.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(TRUTH, TRUTH_RUNS, "task"),
        settings=task_settings(data_note="dnabert_lrp/data_note"),
        code=code("studies.dnabert_lrp.truth"),
    message:
        "Every score against the known motif sites"
    shell:
        "regulens dnabert-lrp truth {params.runs} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_relevance_logo:
    input:
        relevance=RELEVANCE.replace("{seed}", str(LRP.seeds[0])),
        sites=lambda wildcards: (
            f"{TASK_DATA}/sites.tsv" if wildcards.task in TASKS_WITH_SITES else []
        ),
    output:
        pdf=f"{LRP_OUT}/relevance_{{task}}_{{example}}.pdf",
        png=report(
            f"{LRP_OUT}/relevance_{{task}}_{{example}}.png",
            caption="../report/dnabert_lrp/relevance_logo.rst",
            category=LRP_PAPER,
            labels={"item": "Relevance of example {example}", "task": "{task}"},
        ),
    log:
        f"{RESULTS}/logs/figures/relevance_{{task}}_{{example}}.log",
    wildcard_constraints:
        example=r"\d+",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=task_settings(
            scores="dnabert_lrp/relevance/scores",
            span_bp="dnabert_lrp/logos/span_bp",
        ),
        sites=lambda wildcards, input: options(
            "--sites", [input.sites] if input.sites else []
        ),
        code=code("studies.dnabert_lrp.relevance_logo"),
    message:
        "Relevance of every base of test sequence {wildcards.example}, task {wildcards.task}"
    shell:
        "regulens dnabert-lrp relevance-logo {input.relevance:q} --task {wildcards.task}"
        " --example {wildcards.example} {params.sites} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_fine_tuning_curves:
    input:
        files(f"{CLASSIFIER_FOLDER}/log.csv", FINE_TUNED_RUNS, "task"),
    output:
        pdf=f"{LRP_OUT}/fine_tuning_curves.pdf",
        png=report(
            f"{LRP_OUT}/fine_tuning_curves.png",
            caption="../report/dnabert_lrp/fine_tuning_curves.rst",
            category=LRP_PAPER,
            labels={"item": "Loss curves, fine-tuning"},
        ),
    log:
        f"{RESULTS}/logs/figures/fine_tuning_curves.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(f"{CLASSIFIER_FOLDER}/log.csv", FINE_TUNED_RUNS, "task"),
        settings=lambda wildcards: json.dumps(
            {
                "tasks": names_of_tasks(),
                "select": {
                    name: LRP.task_training(name).select for name in FINE_TUNED
                },
            }
        ),
        code=code("studies.loss_curves"),
    message:
        "Loss and validation accuracy of every task, by epoch"
    shell:
        "regulens dnabert-lrp fine-tuning-curves {params.runs} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_pretraining_curves:
    input:
        epochs=f"{LRP_OUT}/pretraining/log.csv",
    output:
        pdf=f"{LRP_OUT}/pretraining_curves.pdf",
        png=report(
            f"{LRP_OUT}/pretraining_curves.png",
            caption="../report/dnabert_lrp/pretraining_curves.rst",
            category=LRP_PAPER,
            labels={"item": "Loss curves, pre-training"},
        ),
    log:
        f"{RESULTS}/logs/figures/pretraining_curves.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=(
            settings(training="dnabert_lrp/pretraining/training")
            if LRP.pretraining
            else []
        ),
        code=code("studies.loss_curves"),
    message:
        "Loss and validation accuracy of the masked k-mer pre-training, by epoch"
    shell:
        "regulens dnabert-lrp pretraining-curves {input.epochs:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
