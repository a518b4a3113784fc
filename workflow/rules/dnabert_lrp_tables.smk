# DNABERT and LRP: sequences, Section 5.1, Table 1, paired tests, the paper's claims.


rule dnabert_lrp_filters:
    input:
        files(f"{TASK_DATA}/filters.csv", [(task, 0) for task in TASKS], "task"),
    output:
        csv=report(
            f"{LRP_OUT}/filters.csv",
            caption="../report/dnabert_lrp/filters.rst",
            category=LRP_PAPER,
            labels={"item": "Sequences"},
        ),
        md=f"{LRP_OUT}/filters.md",
    log:
        f"{RESULTS}/logs/figures/lrp_filters.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(f"{TASK_DATA}/filters.csv", [(task, 0) for task in TASKS], "task"),
        settings=task_settings(),
        code=code("studies.dnabert_lrp.filters"),
    message:
        "Table: sequences that each filter removed"
    shell:
        "regulens dnabert-lrp filters {params.runs} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_section51:
    input:
        files(METRICS, TASK_RUNS, "task"),
        published=PUBLISHED,
    output:
        csv=report(
            f"{LRP_OUT}/section51.csv",
            caption="../report/dnabert_lrp/section51.rst",
            category=LRP_PAPER,
            labels={"item": "Section 5.1"},
        ),
        md=f"{LRP_OUT}/section51.md",
        tex=f"{LRP_OUT}/section51.tex",
    log:
        f"{RESULTS}/logs/figures/section51.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(METRICS, TASK_RUNS, "task"),
        settings=task_settings(
            data_note="dnabert_lrp/data_note",
            reference_k="dnabert_lrp/evaluation/reference_k",
        ),
        code=code("studies.dnabert_lrp.section51"),
    message:
        "Section 5.1: test metrics of both tasks"
    shell:
        "regulens dnabert-lrp section51 {params.runs} --published {input.published:q} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"


rule dnabert_lrp_table1:
    input:
        files(CURVES, TASK_RUNS, "task"),
        published=PUBLISHED,
    output:
        csv=report(
            f"{LRP_OUT}/table1.csv",
            caption="../report/dnabert_lrp/table1.rst",
            category=LRP_PAPER,
            labels={"item": "Table 1"},
        ),
        md=f"{LRP_OUT}/table1.md",
        tex=f"{LRP_OUT}/table1.tex",
    log:
        f"{RESULTS}/logs/figures/lrp_table1.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(CURVES, TASK_RUNS, "task"),
        settings=task_settings(
            mutations="dnabert_lrp/mutagenesis/mutations",
            data_note="dnabert_lrp/data_note",
        ),
        code=code("studies.dnabert_lrp.table1"),
    message:
        "Table 1: accuracy after mutating what LRP and attention find important"
    shell:
        "regulens dnabert-lrp table1 {params.runs} --published {input.published:q} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"


rule dnabert_lrp_paired_tests:
    input:
        files(PAIRED, TASK_RUNS, "task"),
    output:
        csv=report(
            f"{LRP_OUT}/paired_tests.csv",
            caption="../report/dnabert_lrp/paired_tests.rst",
            category=LRP_PAPER,
            labels={"item": "Paired tests"},
        ),
        md=f"{LRP_OUT}/paired_tests.md",
    log:
        f"{RESULTS}/logs/figures/paired_tests.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=old_runs(PAIRED, TASK_RUNS, "task"),
        settings=task_settings(
            mutations="dnabert_lrp/mutagenesis/mutations",
            data_note="dnabert_lrp/data_note",
        ),
        code=code("studies.dnabert_lrp.paired_tests"),
    message:
        "Paired tests of every score against attention and against random"
    shell:
        "regulens dnabert-lrp paired-tests {params.runs} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_claims:
    input:
        table1=f"{LRP_OUT}/table1.csv",
        paired=f"{LRP_OUT}/paired_tests.csv",
        section51=f"{LRP_OUT}/section51.csv",
        filters=f"{LRP_OUT}/filters.csv",
        section53=[f"{LRP_OUT}/section53_{task}.csv" for task in LRP.motif_tasks],
        truth=[f"{LRP_OUT}/truth.csv"] * bool(TASKS_WITH_SITES),
        published=PUBLISHED,
    output:
        csv=report(
            f"{LRP_OUT}/claims.csv",
            caption="../report/dnabert_lrp/claims.rst",
            category=LRP_PAPER,
            labels={"item": "Claims"},
        ),
        md=f"{LRP_OUT}/claims.md",
    log:
        f"{RESULTS}/logs/figures/lrp_claims.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        section53=lambda wildcards, input: options("--section53", input.section53),
        truth=lambda wildcards, input: options("--truth", input.truth),
        settings=settings_of_lrp_claims,
        code=code("studies.dnabert_lrp.claims"),
    message:
        "Which of the paper's claims on DNABERT and LRP hold in this run"
    shell:
        "regulens dnabert-lrp claims --table1 {input.table1:q} --paired-tests {input.paired:q} --section51 {input.section51:q}"
        " --filters {input.filters:q} {params.section53} {params.truth} --published {input.published:q}"
        " --settings {params.settings:q} --csv {output.csv:q} --md {output.md:q} 2> {log:q}"
