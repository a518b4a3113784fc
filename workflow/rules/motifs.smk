# Motifs of the DNABERT study against JASPAR.
rule jaspar_targets:
    output:
        meme=f"{TARGETS}.meme",
        annotation=f"{TARGETS}.tsv",
    log:
        f"{RESULTS}/logs/motifs/targets.log",
    localrule: True
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=target_motifs("dnabert_lrp/motifs/comparison"),
        code=code("motifs.jaspar"),
    message:
        "Target motifs: JASPAR"
    shell:
        "regulens jaspar-targets --settings {params.settings:q} --meme {output.meme:q}"
        " --annotation {output.annotation:q} 2> {log:q}"


rule tomtom:
    input:
        queries=f"{MOTIFS}/motifs.meme",
        targets=f"{TARGETS}.meme",
        # Parallel jobs would each compile it; ancient, because a new mark is no reason to compare again.
        memelite=[] if LRP.motifs.comparison.engine == "meme" else ancient(MEMELITE),
    output:
        f"{MOTIFS}/tomtom.tsv",
    log:
        f"{RESULTS}/logs/motifs/tomtom/{{task}}-{{score}}.log",
    conda:
        "../../envs/meme.yaml"
    params:
        settings=settings(comparison="dnabert_lrp/motifs/comparison"),
        code=code("motifs.tomtom"),
    message:
        "Tomtom: motifs of {wildcards.score} against JASPAR, task {wildcards.task}"
    shell:
        "regulens tomtom {input.queries:q} --targets {input.targets:q} --settings {params.settings:q}"
        " --output {output:q} 2> {log:q}"
