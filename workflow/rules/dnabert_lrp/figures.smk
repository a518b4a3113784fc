# DNABERT-LRP: tables and figures in the paper's order, then additional ones.
rule dnabert_lrp_data_card:
    input:
        files(CARD, SEQUENCE_RUNS, "task"),
    output:
        **table("dnabert_lrp/data_card", "Data card", "md"),
    params:
        **parts(CLASS_NAMES, TASK_LABELS, LRP_NOTE),
        runs=runs(CARD, SEQUENCE_RUNS, "task"),
    message:
        "Data card: repeats, overlap, groups and composition of the sequences of every task"
    shell:
        "regulens dnabert-lrp data-card {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_section51:
    input:
        files(METRICS, TASK_RUNS, "task"),
        published=PUBLISHED,
    output:
        **table("dnabert_lrp/section51", "Section 5.1", "md", "tex"),
    params:
        **parts(
            *(TASK_LABELS, LRP_NOTE, "dnabert_lrp/splits"),
            published_as=PUBLISHED_ACCURACY,
            kmer="dnabert_lrp/evaluation/reference_k",
        ),
        runs=runs(METRICS, TASK_RUNS, "task"),
    message:
        "Section 5.1: test metrics of both tasks"
    shell:
        "regulens dnabert-lrp section51 {params.runs} --published {input.published:q} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"


rule dnabert_lrp_figure1:
    input:
        files(CURVES, EXPLAINED_RUNS, "task"),
    output:
        **figure("dnabert_lrp/figure1", "Figure 1"),
    params:
        **parts(CLASS_NAMES, TASK_LABELS),
        runs=runs(CURVES, EXPLAINED_RUNS, "task"),
    message:
        "Figure 1: accuracy against the number of mutated bases, positive classes"
    shell:
        "regulens dnabert-lrp figure1 {params.runs} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_figure2:
    input:
        files(CURVES, EXPLAINED_RUNS, "task"),
    output:
        **figure("dnabert_lrp/figure2", "Figure 2"),
    params:
        **parts(CLASS_NAMES, TASK_LABELS),
        runs=runs(CURVES, EXPLAINED_RUNS, "task"),
    message:
        "Figure 2: accuracy against the number of mutated bases, negative classes"
    shell:
        "regulens dnabert-lrp figure2 {params.runs} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_table1:
    input:
        files(CURVES, EXPLAINED_RUNS, "task"),
        published=PUBLISHED,
    output:
        **table("dnabert_lrp/table1", "Table 1", "md", "tex"),
    params:
        **parts(MUTATED, CLASS_NAMES, PUBLISHED_AS, TASK_LABELS, LRP_NOTE),
        runs=runs(CURVES, EXPLAINED_RUNS, "task"),
    message:
        "Table 1: accuracy after mutating the bases that LRP and attention rank highest"
    shell:
        "regulens dnabert-lrp table1 {params.runs} --published {input.published:q} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"


rule dnabert_lrp_section53:
    input:
        tomtom=expand(f"{MOTIFS}/tomtom.tsv", score=MOTIF_SCORES, allow_missing=True),
        motifs=expand(f"{MOTIFS}/motifs.csv", score=MOTIF_SCORES, allow_missing=True),
        annotation=f"{TARGETS}.tsv",
        published=PUBLISHED,
    output:
        **table(
            *("dnabert_lrp/section53_{task}", "Section 5.3", "md"),
            caption="section53",
            task="{task}",
        ),
        facts=f"{LRP_OUT}/section53_{{task}}.facts.json",
    params:
        **parts(
            *(SCORES_WITH_MOTIFS, LRP_NOTE),
            published_as="dnabert_lrp/tasks/{task}/published",
        ),
        folder=lambda wildcards, input: os.path.dirname(
            os.path.dirname(input.motifs[0])
        ),
    message:
        "Section 5.3: the factors that the motifs of each score resemble, task {wildcards.task}"
    shell:
        "regulens dnabert-lrp section53 {params.folder:q} --task {wildcards.task} --annotation {input.annotation:q}"
        " --published {input.published:q} {params.parts} --csv {output.csv:q} --md {output.md:q}"
        " --facts {output.facts:q} 2> {log:q}"


rule dnabert_lrp_motif_logos:
    input:
        tomtom=expand(f"{MOTIFS}/tomtom.tsv", score=MOTIF_SCORES, allow_missing=True),
        motifs=expand(f"{MOTIFS}/motifs.meme", score=MOTIF_SCORES, allow_missing=True),
        targets=f"{TARGETS}.meme",
        table=f"{LRP_OUT}/section53_{{task}}.csv",
    output:
        **figure(
            "dnabert_lrp/motif_logos_{task}",
            "Motif logos",
            caption="motif_logos",
            task="{task}",
        ),
    params:
        **parts(SCORES_WITH_MOTIFS),
        folder=lambda wildcards, input: os.path.dirname(
            os.path.dirname(input.motifs[0])
        ),
    message:
        "Motif logos beside their best match, task {wildcards.task}"
    shell:
        "regulens dnabert-lrp motif-logos {params.folder:q} --table {input.table:q} --targets {input.targets:q}"
        " {params.parts} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_relevance_logo:
    input:
        relevance=FIRST_RELEVANCE,
        sites=lambda wildcards: (
            f"{TASK_DATA}/sites.tsv" if wildcards.task in TASKS_WITH_SITES else []
        ),
    output:
        **figure(
            "dnabert_lrp/relevance_{task}_{example}",
            "Relevance of example {example}",
            caption="relevance_logo",
            task="{task}",
        ),
    wildcard_constraints:
        example=r"\d+",
    params:
        **parts(
            *("dnabert_lrp/relevance/scores", "dnabert_lrp/logos/span_bp"),
            class_names="dnabert_lrp/tasks/{task}/classes",
        ),
        sites=lambda wildcards, input: options(
            "--sites", [input.sites] if input.sites else []
        ),
    message:
        "Relevance of every base of test sequence {wildcards.example}, task {wildcards.task}"
    shell:
        "regulens dnabert-lrp relevance-logo {input.relevance:q} --example {wildcards.example} {params.sites}"
        " {params.parts} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_filters:
    input:
        files(FILTERS, SEQUENCE_RUNS, "task"),
    output:
        **table("dnabert_lrp/filters", "Sequences", "md"),
    params:
        **parts(CLASS_NAMES, TASK_LABELS),
        runs=runs(FILTERS, SEQUENCE_RUNS, "task"),
    message:
        "Table: sequences that each filter removed"
    shell:
        "regulens dnabert-lrp filters {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_paired_tests:
    input:
        files(PAIRED, EXPLAINED_RUNS, "task"),
    output:
        **table("dnabert_lrp/paired_tests", "Paired tests", "md"),
    params:
        **parts(MUTATED, CLASS_NAMES, TASK_LABELS, LRP_NOTE),
        runs=runs(PAIRED, EXPLAINED_RUNS, "task"),
    message:
        "Paired tests of every score against attention and against random"
    shell:
        "regulens dnabert-lrp paired-tests {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_tiers:
    input:
        files(SCORE_TESTS, EXPLAINED_RUNS, "task"),
    output:
        **table("dnabert_lrp/tiers", "Tests of the scores", "md"),
    params:
        **parts(MUTAGENESIS_SEED, TASK_LABELS, LRP_NOTE, resamples=BOOTSTRAP),
        runs=runs(SCORE_TESTS, EXPLAINED_RUNS, "task"),
    message:
        "Consistency, faithfulness and truth of the scores"
    shell:
        "regulens dnabert-lrp tiers {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_truth:
    input:
        files(TRUTH, TRUTH_RUNS, "task"),
    output:
        **table("dnabert_lrp/truth", "Scores against known sites", "md"),
        **figure("dnabert_lrp/truth", "Scores against known sites"),
    params:
        **parts(TASK_LABELS, LRP_NOTE),
        runs=runs(TRUTH, TRUTH_RUNS, "task"),
    message:
        "Every score against the known motif sites"
    shell:
        "regulens dnabert-lrp truth {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_relevance_by_position:
    input:
        files(RELEVANCE, ALIGNED_RUNS, "task"),
        sites=[f"{LRP_OUT}/data/{task}/sites.tsv" for task in dict(ALIGNED_RUNS)],
    output:
        **table("dnabert_lrp/relevance_by_position", "Relevance by position", "md"),
        **figure("dnabert_lrp/relevance_by_position", "Relevance by position"),
    params:
        **parts(
            *(TASK_LABELS, LRP_NOTE, MUTAGENESIS_SEED),
            resamples=BOOTSTRAP,
        ),
        runs=runs(RELEVANCE, ALIGNED_RUNS, "task"),
        sites=" ".join(
            f"--sites {task}={LRP_OUT}/data/{task}/sites.tsv"
            for task in dict(ALIGNED_RUNS)
        ),
    message:
        "Relevance by position in aligned sequences, around the place where each has a site"
    shell:
        "regulens dnabert-lrp relevance-by-position {params.runs} {params.sites} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_score_agreement:
    input:
        files(AGREEMENT, EXPLAINED_RUNS, "task"),
    output:
        **figure("dnabert_lrp/score_agreement", "Agreement of the scores"),
    params:
        **parts(CLASS_NAMES, TASK_LABELS),
        runs=runs(AGREEMENT, EXPLAINED_RUNS, "task"),
    message:
        "Figure: rank correlation between the scores"
    shell:
        "regulens dnabert-lrp score-agreement {params.runs} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_fine_tuning_curves:
    input:
        files(CLASSIFIER_EPOCHS, FINE_TUNED_RUNS, "task"),
    output:
        **figure("dnabert_lrp/fine_tuning_curves", "Loss curves, fine-tuning"),
    params:
        **parts(TASK_LABELS, "dnabert_lrp/select"),
        runs=runs(CLASSIFIER_EPOCHS, FINE_TUNED_RUNS, "task"),
    message:
        "Loss and validation accuracy of every task, by epoch"
    shell:
        "regulens dnabert-lrp fine-tuning-curves {params.runs} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_pretraining_curves:
    input:
        epochs=PRETRAINING_EPOCHS,
    output:
        **figure("dnabert_lrp/pretraining_curves", "Loss curves, pre-training"),
    params:
        **parts(f"{PRETRAINING}/training/select"),
    message:
        "Loss and validation accuracy of the masked k-mer pre-training, by epoch"
    shell:
        "regulens dnabert-lrp pretraining-curves {input.epochs:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule dnabert_lrp_claims:
    input:
        table1=f"{LRP_OUT}/table1.csv",
        paired=f"{LRP_OUT}/paired_tests.csv",
        section51=f"{LRP_OUT}/section51.csv",
        filters=f"{LRP_OUT}/filters.csv",
        section53=[f"{LRP_OUT}/section53_{task}.csv" for task in LRP.motif_tasks],
        truth=[f"{LRP_OUT}/truth.csv"] * bool(TRUTH_RUNS),
        published=PUBLISHED,
    output:
        **table("dnabert_lrp/claims", "Claims", "md"),
    params:
        **parts(
            *(MUTATED, PUBLISHED_AS, LRP_NOTE, "dnabert_lrp/evidence"),
            *("dnabert_lrp/given_splits", PUBLISHED_ACCURACY),
        ),
        section53=lambda wildcards, input: options("--section53", input.section53),
        truth=lambda wildcards, input: options("--truth", input.truth),
    message:
        "Which of the paper's claims on DNABERT-LRP hold in this run"
    shell:
        "regulens dnabert-lrp claims --table1 {input.table1:q} --paired-tests {input.paired:q}"
        " --section51 {input.section51:q} --filters {input.filters:q} {params.section53} {params.truth}"
        " --published {input.published:q} {params.parts} --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


LRP_TABLES = [
    "data_card.csv",
    "section51.csv",
    "filters.csv",
    "table1.csv",
    "paired_tests.csv",
    "tiers.csv",
    "claims.csv",
]
LRP_TABLES += ["truth.csv"] * bool(TRUTH_RUNS)
LRP_TABLES += ["relevance_by_position.csv"] * bool(ALIGNED_RUNS)
LRP_TABLES += [f"section53_{task}.csv" for task in LRP.motif_tasks]
LRP_PICTURES = ["figure1", "figure2", "score_agreement"]
LRP_PICTURES += ["truth"] * bool(TRUTH_RUNS)
LRP_PICTURES += ["relevance_by_position"] * bool(ALIGNED_RUNS)
LRP_PICTURES += ["fine_tuning_curves"] * bool(FINE_TUNED)
LRP_PICTURES += ["pretraining_curves"] * bool(LRP.pretraining and FINE_TUNED)
LRP_PICTURES += [
    f"relevance_{name}_{example}"
    for name in EXPLAINED
    for example in LRP.tasks[name].examples
]
LRP_PICTURES += [f"motif_logos_{task}" for task in LRP.motif_tasks]


rule dnabert_lrp_figures:
    input:
        expand(
            f"{LRP_OUT}/{{picture}}.{{ending}}",
            picture=LRP_PICTURES,
            ending=["pdf", "png"],
        ),


rule dnabert_lrp:
    input:
        expand(f"{LRP_OUT}/{{table}}", table=LRP_TABLES),
        rules.dnabert_lrp_figures.input,
