# Genomic Interpreter: tables and figures in the paper's order, then additional ones.
rule genomic_interpreter_table1:
    input:
        files(PEARSON, TABLE_RUNS),
        published=PUBLISHED,
    output:
        **table("genomic_interpreter/table1", "Table 1", "md", "tex", model="all"),
    params:
        **parts(LABELS, GROUPS, DATA_NOTE, "genomic_interpreter/published_as"),
        runs=runs(PEARSON, TABLE_RUNS),
    message:
        "Table 1: Pearson correlation by model and track group"
    shell:
        "regulens genomic-interpreter table1 {params.runs} --published {input.published:q} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"


rule genomic_interpreter_architectures:
    input:
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        f"{OUT}/architectures.csv",
    params:
        **parts("genomic_interpreter/models", without={"training", "checkpoint"}),
        model_code=code(*map(model_module, MODELS)),
    message:
        "Lengths and widths of every layer of the configured models"
    shell:
        "regulens genomic-interpreter architectures --test {input.test:q} {params.parts} --output {output:q} 2> {log:q}"


rule genomic_interpreter_figure1:
    input:
        f"{OUT}/architectures.csv",
    output:
        **figure("genomic_interpreter/figure1", "Figure 1"),
    params:
        **parts(MAIN_MODEL),
    message:
        "Figure 1: Genomic Interpreter as configured"
    shell:
        "regulens genomic-interpreter figure1 {input:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure2:
    input:
        files(PEARSON, MODEL_RUNS),
    output:
        **figure("genomic_interpreter/figure2", "Figure 2"),
    params:
        **parts(MAIN_MODEL, LABELS, GROUPS),
        runs=runs(PEARSON, MODEL_RUNS),
    message:
        "Figure 2: per-track correlation of the main model against each reference"
    shell:
        "regulens genomic-interpreter figure2 {params.runs} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure3:
    input:
        files(PREDICTIONS, FIGURE3_RUNS),
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        **figure("genomic_interpreter/figure3", "Figure 3"),
    params:
        **parts(f"{FIGURE3}/track", f"{FIGURE3}/example", LABELS),
        runs=runs(PREDICTIONS, FIGURE3_RUNS),
    message:
        "Figure 3: one track along one test segment"
    shell:
        "regulens genomic-interpreter figure3 {params.runs} --test {input.test:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure4a:
    input:
        f"{OUT}/attention/example.h5",
    output:
        **figure("genomic_interpreter/figure4a", "Figure 4a"),
    message:
        "Figure 4a: attention of every layer"
    shell:
        "regulens genomic-interpreter figure4a {input:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure4b:
    input:
        f"{OUT}/attention/example.h5",
    output:
        **figure("genomic_interpreter/figure4b", "Figure 4b"),
    params:
        **parts(f"{SHOWN_ATTENTION}/heads_layer"),
    message:
        "Figure 4b: heads of one layer"
    shell:
        "regulens genomic-interpreter figure4b {input:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure5:
    input:
        f"{OUT}/architectures.csv",
    output:
        **figure("genomic_interpreter/figure5", "Figure 5"),
    params:
        **parts(MAIN_MODEL),
    message:
        "Figure 5: the comparators as configured"
    shell:
        "regulens genomic-interpreter figure5 {input:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure6:
    input:
        f"{OUT}/attention/example.h5",
    output:
        **figure("genomic_interpreter/figure6", "Figure 6"),
    params:
        **parts(f"{SHOWN_ATTENTION}/windows_layer"),
    message:
        "Figure 6: windows and heads of one layer"
    shell:
        "regulens genomic-interpreter figure6 {input:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure7:
    input:
        f"{OUT}/attention/example.h5",
    output:
        **figure("genomic_interpreter/figure7", "Figure 7"),
    params:
        **parts(f"{SHOWN_ATTENTION}/zoom_layer", f"{SHOWN_ATTENTION}/zoom_tokens"),
    message:
        "Figure 7: zoom into one attention map"
    shell:
        "regulens genomic-interpreter figure7 {input:q} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_attention_distance_plot:
    input:
        f"{OUT}/attention_distance.csv",
    output:
        **figure(
            "genomic_interpreter/attention_distance_plot",
            "Figure 4a in numbers",
        ),
    message:
        "Mean attention distance by layer and head"
    shell:
        "regulens genomic-interpreter attention-distance-plot {input:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_loss_curves:
    input:
        files(EPOCHS, TRAINED_RUNS),
    output:
        **figure("genomic_interpreter/loss_curves", "Loss curves"),
    params:
        **parts(LABELS, "genomic_interpreter/select"),
        runs=runs(EPOCHS, TRAINED_RUNS),
    message:
        "Loss curves of every model"
    shell:
        "regulens genomic-interpreter loss-curves {params.runs} {params.parts}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_training:
    input:
        files(EPOCHS, TRAINED_RUNS),
        train=f"{OUT}/data/train.h5",
        shards=shards("train"),
    output:
        **table("genomic_interpreter/training", "How the models were trained", "md"),
    params:
        **parts(
            "genomic_interpreter/models",
            LABELS,
            without=HARDWARE_KEYS | {"checkpoint"},
        ),
        runs=runs(EPOCHS, TRAINED_RUNS),
        model_code=code(*map(model_module, TRAINED)),
    message:
        "How the models were trained: epochs, steps, learning rate, minutes"
    shell:
        "regulens genomic-interpreter training {params.runs} --train {input.train:q} {params.parts}"
        " --measured-csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule genomic_interpreter_claims:
    input:
        files(PEARSON, TABLE_RUNS),
        distances=f"{OUT}/attention_distance.csv",
        attention=f"{OUT}/attention/example.h5",
        published=PUBLISHED,
    output:
        **table("genomic_interpreter/claims", "Claims", "md"),
    params:
        **parts(
            *(LABELS, GROUPS, DATA_NOTE, MAIN_MODEL, "genomic_interpreter/evidence"),
            *(f"{FIGURE3}/track", f"{FIGURE3}/other"),
            *(f"{SHOWN_ATTENTION}/heads_layer", f"{SHOWN_ATTENTION}/windows_layer"),
        ),
        runs=runs(PEARSON, TABLE_RUNS),
    message:
        "Which of the paper's claims on Genomic Interpreter hold in this run"
    shell:
        "regulens genomic-interpreter claims {params.runs} --distances {input.distances:q}"
        " --attention {input.attention:q} --published {input.published:q} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


TABLES = ["table1.csv", "attention_distance.csv", "claims.csv"]
PICTURES = ["figure1", "figure2", "figure3", "figure4a", "figure4b", "figure5"]
PICTURES += ["figure6", "figure7", "attention_distance_plot"]
PICTURES += ["loss_curves"] * bool(TRAINED)
TABLES += ["training.csv"] * bool(TRAINED)


rule genomic_interpreter_figures:
    input:
        expand(f"{OUT}/{{picture}}.{{ending}}", picture=PICTURES, ending=["pdf", "png"]),


rule genomic_interpreter:
    input:
        expand(f"{OUT}/{{table}}", table=TABLES),
        rules.genomic_interpreter_figures.input,
