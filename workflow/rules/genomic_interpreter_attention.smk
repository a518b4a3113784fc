# Genomic Interpreter: attention of the main model (Figures 4, 6, 7) and the mean distance that it spans.
ATTENTION = f"{OUT}/attention"
FIRST = ASSAY.seeds[0]


rule export_attention:
    input:
        model=CHECKPOINT.format(model=MAIN, seed=FIRST),
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        f"{ATTENTION}/example.h5",
    log:
        f"{RESULTS}/logs/attention/example.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(example=f"{STUDY}/figures/attention/example"),
        main_model=MAIN,
        code=code("interpret.attention"),
    message:
        "Attention weights of one test segment"
    shell:
        "regulens export-attention {input.model:q} --test {input.test:q} --settings {params.settings:q}"
        " --name {params.main_model:q} --output {output:q} 2> {log:q}"


rule attention_distance:
    input:
        model=CHECKPOINT.format(model=MAIN, seed=FIRST),
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        report(
            f"{OUT}/attention_distance.csv",
            caption="../report/genomic_interpreter/attention_distance.rst",
            category=PAPER,
            labels={"item": "Figure 4a in numbers"},
        ),
    log:
        f"{RESULTS}/logs/attention/distance.log",
    benchmark:
        f"{RESULTS}/benchmarks/attention_distance.tsv"
    conda:
        "../../envs/regulens.yaml"
    threads: ASSAY.models[MAIN].threads
    resources:
        gpu=1,
    params:
        settings=settings(batch=f"{STUDY}/evaluation/batch"),
        code=code("interpret.attention"),
    message:
        "Mean distance under the attention of every layer, over the test set"
    shell:
        "regulens attention-distance {input.model:q} --test {input.test:q} --settings {params.settings:q}"
        " --threads {threads} --output {output:q} 2> {log:q}"


rule genomic_interpreter_figure4a:
    input:
        attention=f"{ATTENTION}/example.h5",
    output:
        pdf=f"{OUT}/figure4a.pdf",
        png=report(
            f"{OUT}/figure4a.png",
            caption="../report/genomic_interpreter/figure4a.rst",
            category=PAPER,
            labels={"item": "Figure 4a"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure4a.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("studies.genomic_interpreter.figure4"),
    message:
        "Figure 4a: attention of every layer"
    shell:
        "regulens genomic-interpreter figure4a {input.attention:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure4b:
    input:
        attention=f"{ATTENTION}/example.h5",
    output:
        pdf=f"{OUT}/figure4b.pdf",
        png=report(
            f"{OUT}/figure4b.png",
            caption="../report/genomic_interpreter/figure4b.rst",
            category=PAPER,
            labels={"item": "Figure 4b"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure4b.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(heads_layer=f"{STUDY}/figures/attention/heads_layer"),
        code=code("studies.genomic_interpreter.figure4"),
    message:
        "Figure 4b: heads of one layer"
    shell:
        "regulens genomic-interpreter figure4b {input.attention:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure6:
    input:
        attention=f"{ATTENTION}/example.h5",
    output:
        pdf=f"{OUT}/figure6.pdf",
        png=report(
            f"{OUT}/figure6.png",
            caption="../report/genomic_interpreter/figure6.rst",
            category=PAPER,
            labels={"item": "Figure 6"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure6.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(windows_layer=f"{STUDY}/figures/attention/windows_layer"),
        code=code("studies.genomic_interpreter.figure4"),
    message:
        "Figure 6: windows and heads of one layer"
    shell:
        "regulens genomic-interpreter figure6 {input.attention:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_figure7:
    input:
        attention=f"{ATTENTION}/example.h5",
    output:
        pdf=f"{OUT}/figure7.pdf",
        png=report(
            f"{OUT}/figure7.png",
            caption="../report/genomic_interpreter/figure7.rst",
            category=PAPER,
            labels={"item": "Figure 7"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure7.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(
            zoom_layer=f"{STUDY}/figures/attention/zoom_layer",
            zoom_tokens=f"{STUDY}/figures/attention/zoom_tokens",
        ),
        code=code("studies.genomic_interpreter.figure7"),
    message:
        "Figure 7: zoom into one attention map"
    shell:
        "regulens genomic-interpreter figure7 {input.attention:q} --settings {params.settings:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule genomic_interpreter_attention_distance_plot:
    input:
        distances=f"{OUT}/attention_distance.csv",
    output:
        pdf=f"{OUT}/attention_distance_plot.pdf",
        png=report(
            f"{OUT}/attention_distance_plot.png",
            caption="../report/genomic_interpreter/attention_distance_plot.rst",
            category=PAPER,
            labels={"item": "Figure 4a in numbers, plotted"},
        ),
    log:
        f"{RESULTS}/logs/figures/attention_distance_plot.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("studies.genomic_interpreter.attention_distance"),
    message:
        "Plot of the attention distances"
    shell:
        "regulens genomic-interpreter attention-distance-plot {input.distances:q}"
        " --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
