# Motifs: high-scoring regions become motifs, Tomtom compares them with JASPAR, Section 5.3.
MOTIF_SEED = LRP.seeds[0]
MOTIFS = f"{LRP_OUT}/motifs/{{task}}/{{score}}"
TARGETS = f"{LRP_OUT}/motifs/targets"
MOTIF_SCORES = LRP.motifs.discovery.scores
MOTIF_PAIRS = [(task, score) for task in LRP.motif_tasks for score in MOTIF_SCORES]


wildcard_constraints:
    score=r"[a-z0-9_]+",


rule discover_motifs:
    input:
        relevance=RELEVANCE.replace("{seed}", str(MOTIF_SEED)),
    output:
        meme=f"{MOTIFS}/motifs.meme",
        motifs=f"{MOTIFS}/motifs.csv",
        instances=f"{MOTIFS}/instances.tsv",
    log:
        f"{RESULTS}/logs/motifs/discover/{{task}}-{{score}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/motifs/{{task}}-{{score}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(discovery="dnabert_lrp/motifs/discovery"),
        code=code("motifs.discover"),
    message:
        "Motifs in the regions that {wildcards.score} scores high, task {wildcards.task}"
    shell:
        "regulens discover-motifs {input.relevance:q} --score {wildcards.score} --settings {params.settings:q}"
        " --meme {output.meme:q} --motifs {output.motifs:q} --instances {output.instances:q} 2> {log:q}"


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


rule dnabert_lrp_section53:
    input:
        tomtom=expand(f"{MOTIFS}/tomtom.tsv", score=MOTIF_SCORES, allow_missing=True),
        motifs=expand(f"{MOTIFS}/motifs.csv", score=MOTIF_SCORES, allow_missing=True),
        annotation=f"{TARGETS}.tsv",
        published=PUBLISHED,
    output:
        csv=report(
            f"{LRP_OUT}/section53_{{task}}.csv",
            caption="../report/dnabert_lrp/section53.rst",
            category=LRP_PAPER,
            labels={"item": "Section 5.3", "task": "{task}"},
        ),
        md=f"{LRP_OUT}/section53_{{task}}.md",
        facts=f"{LRP_OUT}/section53_{{task}}.facts.json",
    log:
        f"{RESULTS}/logs/figures/section53_{{task}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=task_settings(
            scores="dnabert_lrp/motifs/discovery/scores",
            data_note="dnabert_lrp/data_note",
        ),
        folder=lambda wildcards, input: os.path.dirname(
            os.path.dirname(input.motifs[0])
        ),
        code=code("studies.dnabert_lrp.section53"),
    message:
        "Section 5.3: the factors that the motifs of each score resemble, task {wildcards.task}"
    shell:
        "regulens dnabert-lrp section53 {params.folder:q} --task {wildcards.task} --annotation {input.annotation:q}"
        " --published {input.published:q} --settings {params.settings:q}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule dnabert_lrp_motif_logos:
    input:
        tomtom=expand(f"{MOTIFS}/tomtom.tsv", score=MOTIF_SCORES, allow_missing=True),
        motifs=expand(f"{MOTIFS}/motifs.meme", score=MOTIF_SCORES, allow_missing=True),
        targets=f"{TARGETS}.meme",
        table=f"{LRP_OUT}/section53_{{task}}.csv",
    output:
        pdf=f"{LRP_OUT}/motif_logos_{{task}}.pdf",
        png=report(
            f"{LRP_OUT}/motif_logos_{{task}}.png",
            caption="../report/dnabert_lrp/motif_logos.rst",
            category=LRP_PAPER,
            labels={"item": "Motif logos", "task": "{task}"},
        ),
    log:
        f"{RESULTS}/logs/figures/motif_logos_{{task}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(scores="dnabert_lrp/motifs/discovery/scores"),
        folder=lambda wildcards, input: os.path.dirname(
            os.path.dirname(input.motifs[0])
        ),
        code=code("studies.dnabert_lrp.motif_logos"),
    message:
        "Motif logos beside their best match, task {wildcards.task}"
    shell:
        "regulens dnabert-lrp motif-logos {params.folder:q} --targets {input.targets:q} --table {input.table:q}"
        " --settings {params.settings:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
