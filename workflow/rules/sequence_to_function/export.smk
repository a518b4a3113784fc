# Sequence to function: attributions of the test targets for a genome browser.
EXPORTED = PROBED.export
EXPORT = "sequence_to_function/export"
EXPORT_FOLDER = f"{FUNCTION}/export"
BROWSER = f"{EXPORT_FOLDER}/{{model}}/seed{{seed}}/{{track}}.{{score}}"


rule target_readouts:
    input:
        WINDOWS,
    output:
        f"{EXPORT_FOLDER}/readouts.csv",
    params:
        **parts(f"{EXPORT}/tracks"),
    message:
        "A read-out of every test target and exported track"
    shell:
        "regulens target-readouts {input:q} {params.parts} --output {output:q} 2> {log:q}"


rule attribute_targets:
    input:
        model=CHECKPOINT,
        fasta=PROBED_GENOME,
        readouts=rules.target_readouts.output,
    output:
        f"{EXPORT_FOLDER}/attributions/{{model}}/seed{{seed}}.h5",
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(f"{EXPORT}/attribution", without={"batch"}),
        model_code=model_code,
    message:
        "Attribute the predictions of {wildcards.model}, seed {wildcards.seed}, for the test targets"
    shell:
        "regulens attribute {input.model:q} --fasta {input.fasta:q} --readouts {input.readouts:q} {params.parts}"
        " --threads {threads} --output {output:q} 2> {log:q}"


rule attribution_bigwig:
    input:
        attributions=rules.attribute_targets.output,
        fasta=PROBED_GENOME,
    output:
        f"{BROWSER}.bw",
    wildcard_constraints:
        track=names(map(re.escape, EXPORTED.tracks)),
        score=names(EXPORTED.attribution.scores),
    message:
        "bigWig of {wildcards.score} for {wildcards.track} by {wildcards.model}"
    shell:
        "regulens attribution-bigwig {input.attributions:q} --fasta {input.fasta:q} --score {wildcards.score}"
        " --track {wildcards.track:q} --output {output:q} 2> {log:q}"


if EXPORTED.motifs:

    rule attribution_motifs:
        input:
            rules.attribute_targets.output,
        output:
            f"{BROWSER}.bed",
        wildcard_constraints:
            track=names(map(re.escape, EXPORTED.tracks)),
            score=names(EXPORTED.attribution.scores),
        params:
            **parts(f"{EXPORT}/motifs"),
        message:
            "Motif instances with their {wildcards.score} for {wildcards.track} by {wildcards.model}"
        shell:
            "regulens attribution-motifs {input:q} --score {wildcards.score} --track {wildcards.track:q} {params.parts}"
            " --output {output:q} 2> {log:q}"


BROWSER_FILES = [
    f"{BROWSER}.{ending}".format(model=model, seed=seed, track=track, score=score)
    for model, seed in PROBED_RUNS
    for track in EXPORTED.tracks
    for score in EXPORTED.attribution.scores
    for ending in ["bw", *["bed"] * bool(EXPORTED.motifs)]
]
