# Genomic Interpreter: Table 1, the paper's claims, and the figures of architecture and accuracy (1, 2, 3, 5, loss curves).


rule genomic_interpreter_table1:
    input:
        files(PEARSON, MODEL_RUNS + REFERENCE_RUNS),
        published=PUBLISHED,
    output:
        csv=report(
            f"{OUT}/table1.csv",
            caption="../report/genomic_interpreter/table1.rst",
            category=PAPER,
            labels={"item": "Table 1", "model": "all"},
        ),
        md=f"{OUT}/table1.md",
        tex=f"{OUT}/table1.tex",
    log:
        f"{RESULTS}/logs/figures/table1.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=runs(PEARSON, MODEL_RUNS + REFERENCE_RUNS),
        settings=settings(
            models=f"{STUDY}/models",
            groups=f"{STUDY}/data/groups",
            data_note=f"{STUDY}/data_note",
        ),
        code=code("studies.genomic_interpreter.table1"),
    message:
        "Table 1: Pearson correlation by model and track group"
    shell:
        "regulens genomic-interpreter table1 {params.runs} --published {input.published:q} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"


rule genomic_interpreter_claims:
    input:
        files(PEARSON, MODEL_RUNS + REFERENCE_RUNS),
        distances=f"{OUT}/attention_distance.csv",
        attention=f"{OUT}/attention/example.h5",
        published=PUBLISHED,
    output:
        csv=report(
            f"{OUT}/claims.csv",
            caption="../report/genomic_interpreter/claims.rst",
            category=PAPER,
            labels={"item": "Claims"},
        ),
        md=f"{OUT}/claims.md",
    log:
        f"{RESULTS}/logs/figures/interpreter_claims.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=runs(PEARSON, MODEL_RUNS + REFERENCE_RUNS),
        settings=settings(
            models=f"{STUDY}/models",
            groups=f"{STUDY}/data/groups",
            data_note=f"{STUDY}/data_note",
            main_model=f"{STUDY}/figures/main_model",
            track=f"{STUDY}/figures/figure3/track",
            other=f"{STUDY}/figures/figure3/other",
            heads_layer=f"{STUDY}/figures/attention/heads_layer",
            windows_layer=f"{STUDY}/figures/attention/windows_layer",
        ),
        code=code("studies.genomic_interpreter.claims"),
    message:
        "Which of the paper's claims on Genomic Interpreter hold in this run"
    shell:
        "regulens genomic-interpreter claims {params.runs} --distances {input.distances:q} --attention {input.attention:q}"
        " --published {input.published:q} --settings {params.settings:q} --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule genomic_interpreter_figure1:
    input:
        architectures=f"{OUT}/architectures.csv",
    output:
        pdf=f"{OUT}/figure1.pdf",
        png=report(
            f"{OUT}/figure1.png",
            caption="../report/genomic_interpreter/figure1.rst",
            category=PAPER,
            labels={"item": "Figure 1"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure1.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(main_model=f"{STUDY}/figures/main_model"),
        code=code("studies.genomic_interpreter.figure1"),
    message:
        "Figure 1: Genomic Interpreter as configured"
    shell:
        "regulens genomic-interpreter figure1 {input.architectures:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure5:
    input:
        architectures=f"{OUT}/architectures.csv",
    output:
        pdf=f"{OUT}/figure5.pdf",
        png=report(
            f"{OUT}/figure5.png",
            caption="../report/genomic_interpreter/figure5.rst",
            category=PAPER,
            labels={"item": "Figure 5"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure5.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(main_model=f"{STUDY}/figures/main_model"),
        code=code("studies.genomic_interpreter.figure1"),
    message:
        "Figure 5: the comparators as configured"
    shell:
        "regulens genomic-interpreter figure5 {input.architectures:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure2:
    input:
        files(PEARSON, MODEL_RUNS),
    output:
        pdf=f"{OUT}/figure2.pdf",
        png=report(
            f"{OUT}/figure2.png",
            caption="../report/genomic_interpreter/figure2.rst",
            category=PAPER,
            labels={"item": "Figure 2"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure2.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=runs(PEARSON, MODEL_RUNS),
        settings=settings(
            main_model=f"{STUDY}/figures/main_model",
            models=f"{STUDY}/models",
            groups=f"{STUDY}/data/groups",
        ),
        code=code("studies.genomic_interpreter.figure2"),
    message:
        "Figure 2: per-track correlation of the main model against each reference"
    shell:
        "regulens genomic-interpreter figure2 {params.runs} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure3:
    input:
        files(PREDICTIONS, FIGURE3_RUNS),
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        pdf=f"{OUT}/figure3.pdf",
        png=report(
            f"{OUT}/figure3.png",
            caption="../report/genomic_interpreter/figure3.rst",
            category=PAPER,
            labels={"item": "Figure 3"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure3.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=runs(PREDICTIONS, FIGURE3_RUNS),
        settings=settings(
            figure3=f"{STUDY}/figures/figure3",
            main_model=f"{STUDY}/figures/main_model",
            models=f"{STUDY}/models",
        ),
        code=code("studies.genomic_interpreter.figure3"),
    message:
        "Figure 3: one track along one test segment"
    shell:
        "regulens genomic-interpreter figure3 {params.runs} --test {input.test:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_loss_curves:
    input:
        files(EPOCHS, TRAINED_RUNS),
    output:
        pdf=f"{OUT}/loss_curves.pdf",
        png=report(
            f"{OUT}/loss_curves.png",
            caption="../report/genomic_interpreter/loss_curves.rst",
            category=PAPER,
            labels={"item": "Loss curves"},
        ),
    log:
        f"{RESULTS}/logs/figures/loss_curves.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        runs=runs(EPOCHS, TRAINED_RUNS),
        settings=selection,
        code=code("studies.loss_curves"),
    message:
        "Loss curves of every model"
    shell:
        "regulens genomic-interpreter loss-curves {params.runs} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
