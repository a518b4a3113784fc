# Relevance of every base of the test sequences by every score, and what the scores are worth: mutagenesis, truth.
RELEVANCE = f"{LRP_OUT}/relevance/{{task}}/seed{{seed}}.h5"
MUTAGENESIS = f"{LRP_OUT}/mutagenesis/{{task}}/seed{{seed}}"
OUTCOMES = f"{MUTAGENESIS}/outcomes.h5"
CURVES = f"{MUTAGENESIS}/curves.csv"
PAIRED = f"{MUTAGENESIS}/paired.csv"
AGREEMENT = f"{LRP_OUT}/agreement/{{task}}/seed{{seed}}.csv"
TRUTH = f"{LRP_OUT}/truth/{{task}}/seed{{seed}}.csv"
TRUTH_RUNS = [(task, seed) for task, seed in TASK_RUNS if task in TASKS_WITH_SITES]


rule score_relevance:
    input:
        model=CLASSIFIER,
        test=f"{TASK_DATA}/test.tsv",
    output:
        RELEVANCE,
    log:
        f"{RESULTS}/logs/relevance/{{task}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relevance/{{task}}-seed{{seed}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    threads: LRP.model.threads
    resources:
        hardware=settings(batch="dnabert_lrp/relevance/batch"),
        gpu=1,
    params:
        settings=settings_without(["batch"], relevance="dnabert_lrp/relevance"),
        code=code("interpret.score_file"),
    message:
        "Relevance of every base of the test sequences of task {wildcards.task}, by every score"
    shell:
        "regulens score-relevance {input.model:q} --test {input.test:q} --settings {params.settings:q}"
        " --hardware {resources.hardware:q} --task {wildcards.task} --seed {wildcards.seed} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule mutagenesis:
    input:
        model=CLASSIFIER,
        relevance=RELEVANCE,
    output:
        OUTCOMES,
    log:
        f"{RESULTS}/logs/mutagenesis/{{task}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/mutagenesis/{{task}}-seed{{seed}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    threads: LRP.model.threads
    resources:
        hardware=settings(batch="dnabert_lrp/mutagenesis/batch"),
        gpu=1,
    params:
        # Intervals are made from the outcomes, by the next rule.
        settings=settings_without(
            ["batch", "bootstrap"], mutagenesis="dnabert_lrp/mutagenesis"
        ),
        code=code("interpret.mutagenesis"),
    message:
        "Mutate the bases with the highest relevance in test sequences of task {wildcards.task}, and classify again"
    shell:
        "regulens mutagenesis {input.relevance:q} --model {input.model:q} --settings {params.settings:q}"
        " --hardware {resources.hardware:q} --threads {threads} --output {output:q} 2> {log:q}"


rule mutagenesis_tables:
    input:
        OUTCOMES,
    output:
        curves=CURVES,
        paired=PAIRED,
    log:
        f"{RESULTS}/logs/mutagenesis_tables/{{task}}-seed{{seed}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(
            bootstrap="dnabert_lrp/mutagenesis/bootstrap",
            seed="dnabert_lrp/mutagenesis/seed",
        ),
        code=code("interpret.mutagenesis"),
    message:
        "Accuracy and paired tests of every score with their intervals, task {wildcards.task}"
    shell:
        "regulens mutagenesis-tables {input:q} --settings {params.settings:q} --curves {output.curves:q}"
        " --paired {output.paired:q} 2> {log:q}"


rule score_agreement:
    input:
        relevance=RELEVANCE,
    output:
        AGREEMENT,
    log:
        f"{RESULTS}/logs/agreement/{{task}}-seed{{seed}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("studies.dnabert_lrp.score_agreement"),
    message:
        "Rank correlation between the scores, task {wildcards.task}"
    shell:
        "regulens score-agreement {input.relevance:q} --output {output:q} 2> {log:q}"


rule score_truth:
    input:
        relevance=RELEVANCE,
        sites=f"{TASK_DATA}/sites.tsv",
    output:
        TRUTH,
    log:
        f"{RESULTS}/logs/truth/{{task}}-seed{{seed}}.log",
    wildcard_constraints:
        task="|".join(TASKS_WITH_SITES) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(
            seed="dnabert_lrp/mutagenesis/seed",
            bootstrap="dnabert_lrp/mutagenesis/bootstrap",
        ),
        code=code("interpret.truth"),
    message:
        "AUROC of every score against the known motif sites, task {wildcards.task}"
    shell:
        "regulens score-truth {input.relevance:q} --sites {input.sites:q} --settings {params.settings:q}"
        " --output {output:q} 2> {log:q}"
