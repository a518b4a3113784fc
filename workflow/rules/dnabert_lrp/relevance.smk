# Relevance of every base of the test sequences by every score, and its evaluation: mutagenesis, truth, motifs.
wildcard_constraints:
    score=r"[a-z0-9_]+",


rule score_relevance:
    input:
        model=CLASSIFIER,
        test=f"{TASK_DATA}/test.tsv",
    output:
        RELEVANCE,
    threads: LRP.model.threads
    resources:
        gpu=1,
    params:
        **parts(settings="dnabert_lrp/relevance", without={"batch"}),
    message:
        "Relevance of every base of the test sequences of task {wildcards.task}, by every score"
    shell:
        "regulens score-relevance {input.model:q} --test {input.test:q} {params.parts} --task {wildcards.task}"
        " --seed {wildcards.seed} --threads {threads} --output {output:q} 2> {log:q}"


rule mutagenesis:
    input:
        model=CLASSIFIER,
        relevance=RELEVANCE,
    output:
        OUTCOMES,
    threads: LRP.model.threads
    resources:
        gpu=1,
    params:
        # Intervals are computed from the outcomes by the next rule.
        **parts(settings="dnabert_lrp/mutagenesis", without={"batch", "bootstrap"}),
    message:
        "Mutate the bases with the highest relevance in test sequences of task {wildcards.task}, and classify again"
    shell:
        "regulens mutagenesis {input.relevance:q} --model {input.model:q} {params.parts} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule mutagenesis_tables:
    input:
        OUTCOMES,
    output:
        curves=CURVES,
        paired=PAIRED,
    params:
        **parts(MUTAGENESIS_SEED, resamples=BOOTSTRAP),
    message:
        "Accuracy and paired tests of every score with their intervals, task {wildcards.task}"
    shell:
        "regulens mutagenesis-tables {input:q} {params.parts} --curves {output.curves:q} --paired {output.paired:q}"
        " 2> {log:q}"


rule score_agreement:
    input:
        relevance=RELEVANCE,
    output:
        AGREEMENT,
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
    wildcard_constraints:
        task=names(TASKS_WITH_SITES),
    params:
        **parts(MUTAGENESIS_SEED, resamples=BOOTSTRAP),
    message:
        "AUROC of every score against the known motif sites, task {wildcards.task}"
    shell:
        "regulens score-truth {input.relevance:q} --sites {input.sites:q} {params.parts} --output {output:q} 2> {log:q}"


rule check_relevance:
    input:
        relevance=RELEVANCE,
        model=CLASSIFIER,
        sites=sites_of,
        others=other_seeds,
    output:
        SCORE_TESTS,
    threads: LRP.model.threads
    resources:
        gpu=1,
    params:
        **parts("dnabert_lrp/relevance", "dnabert_lrp/tests", without={"batch"}),
        known=known_options,
    message:
        "Consistency, faithfulness and truth of the scores, task {wildcards.task}"
    shell:
        "regulens check-relevance {input.relevance:q} --model {input.model:q} {params.known} {params.parts}"
        " --threads {threads} --output {output:q} 2> {log:q}"


rule discover_motifs:
    input:
        relevance=FIRST_RELEVANCE,
    output:
        meme=f"{MOTIFS}/motifs.meme",
        motifs=f"{MOTIFS}/motifs.csv",
        instances=f"{MOTIFS}/instances.tsv",
    params:
        **parts(settings="dnabert_lrp/motifs/discovery"),
    message:
        "Motifs in regions with high {wildcards.score}, task {wildcards.task}"
    shell:
        "regulens discover-motifs {input.relevance:q} --score {wildcards.score} {params.parts}"
        " --meme {output.meme:q} --motifs {output.motifs:q} --instances {output.instances:q} 2> {log:q}"


rule jaspar_targets:
    output:
        meme=f"{TARGETS}.meme",
        annotation=f"{TARGETS}.tsv",
    localrule: True
    params:
        **parts(settings="dnabert_lrp/motifs/comparison", without=COMPARING),
    message:
        "Target motifs: JASPAR"
    shell:
        "regulens jaspar-targets {params.parts} --meme {output.meme:q} --annotation {output.annotation:q} 2> {log:q}"


rule tomtom:
    input:
        queries=f"{MOTIFS}/motifs.meme",
        targets=f"{TARGETS}.meme",
    output:
        f"{MOTIFS}/tomtom.tsv",
    conda:
        "../../../envs/meme.yaml"
    threads: LRP.model.threads
    params:
        **parts(settings="dnabert_lrp/motifs/comparison"),
    message:
        "Tomtom: motifs of {wildcards.score} against JASPAR, task {wildcards.task}"
    shell:
        "regulens tomtom {input.queries:q} --targets {input.targets:q} {params.parts} --threads {threads}"
        " --output {output:q} 2> {log:q}"
