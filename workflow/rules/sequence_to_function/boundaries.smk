# Sequence to function: do attention and in-silico effects pass known boundaries less than other places?
BOUNDED = PROBED.boundaries
BOUNDARIES = "sequence_to_function/boundaries"
BOUNDARY_TABLE = f"{FUNCTION}/boundaries/positions.csv"
INTERACTIONS = f"{FUNCTION}/boundaries/interactions/{{model}}/seed{{seed}}.h5"


rule boundary_positions:
    input:
        located(BOUNDED.positions.file)
        if BOUNDED.positions
        else f"{GENOME}/planted.bed",
    output:
        BOUNDARY_TABLE,
    params:
        **parts(CONTIG_NAMES, *[f"{BOUNDARIES}/positions"] * bool(BOUNDED.positions)),
    message:
        "Places of the boundaries"
    shell:
        "regulens boundary-positions {input:q} {params.parts} --output {output:q} 2> {log:q}"


rule interaction_maps:
    input:
        model=CHECKPOINT,
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        INTERACTIONS,
    wildcard_constraints:
        model=names(PROBED.models),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(f"{BOUNDARIES}/interactions", without={"batch"}),
        model_code=model_code,
    message:
        "Attention and in-silico effects between bins of {wildcards.model}, seed {wildcards.seed}"
    shell:
        "regulens interaction-maps {input.model:q} --test {input.test:q} {params.parts} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule sequence_to_function_boundaries:
    input:
        files(INTERACTIONS, PROBED_RUNS),
        positions=BOUNDARY_TABLE,
    output:
        **figure("sequence_to_function/boundaries", "Boundaries"),
        **table("sequence_to_function/boundaries", "Boundaries", "md"),
    params:
        **parts(
            *(f"{BOUNDARIES}/reach", f"{BOUNDARIES}/apart_bp"),
            *(f"{BOUNDARIES}/resamples", f"{BOUNDARIES}/seed", FUNCTION_NOTE),
            labels=FUNCTION_LABELS,
        ),
        runs=runs(INTERACTIONS, PROBED_RUNS),
    message:
        "Boundaries: what passes them, against matched places"
    shell:
        "regulens sequence-to-function boundaries {params.runs} --positions {input.positions:q} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
