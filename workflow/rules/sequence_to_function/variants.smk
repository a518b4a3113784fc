# Sequence to function: variants, compared with the genome, and their predicted effects.
KNOWN = PROBED.variants.variants
MEASURED = KNOWN.route == "table"
SATURATION = KNOWN.saturation if MEASURED else KNOWN.saturation_bp

if not MEASURED:
    GIVEN_VARIANTS = f"{FUNCTION}/variants/simulated.csv"

    rule simulate_variants:
        output:
            GIVEN_VARIANTS,
        params:
            **parts(
                "genomic_interpreter/data/simulation",
                GEOMETRY,
                variants=f"{VARIATION}/variants",
            ),
        message:
            "Variants in planted sites and beside them, with their true effects"
        shell:
            "regulens simulate-variants {params.parts} --output {output:q} 2> {log:q}"

else:
    GIVEN_VARIANTS = located(KNOWN.file)


rule check_variants:
    input:
        variants=GIVEN_VARIANTS,
        fasta=PROBED_GENOME,
    output:
        variants=VARIANTS,
        skipped=f"{FUNCTION}/variants/skipped.csv",
    params:
        **parts(
            CONTIG_NAMES, **({"measured": f"{VARIATION}/variants"} if MEASURED else {})
        ),
    message:
        "Compare the variants with the genome"
    shell:
        "regulens check-variants {input.variants:q} --fasta {input.fasta:q} {params.parts}"
        " --output {output.variants:q} --skipped {output.skipped:q} 2> {log:q}"


rule variant_effects:
    input:
        model=CHECKPOINT,
        fasta=PROBED_GENOME,
        variants=VARIANTS,
    output:
        EFFECTS,
    wildcard_constraints:
        model=names(PROBED.models),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(variant_settings=f"{VARIATION}/prediction", without={"batch"}),
        model_code=model_code,
    message:
        "Effects of the variants on every track by {wildcards.model}, seed {wildcards.seed}"
    shell:
        "regulens variant-effects {input.model:q} --fasta {input.fasta:q} --variants {input.variants:q} {params.parts}"
        " --threads {threads} --output {output:q} 2> {log:q}"


rule sequence_to_function_variants:
    input:
        files(EFFECTS, PROBED_RUNS),
        variants=VARIANTS,
    output:
        **figure("sequence_to_function/variants", "Variants"),
        **table("sequence_to_function/variants", "Variants", "md"),
    params:
        **parts(
            *(f"{VARIATION}/resamples", f"{VARIATION}/seed", FUNCTION_NOTE),
            f"{VARIATION}/variants/tracks" if MEASURED else GROUPS,
            labels=FUNCTION_LABELS,
        ),
        runs=runs(EFFECTS, PROBED_RUNS),
    message:
        "Variants: predicted effects against true ones"
    shell:
        "regulens sequence-to-function variants {params.runs} --truth {input.variants:q} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


if SATURATION:

    rule sequence_to_function_saturation:
        input:
            files(EFFECTS, PROBED_RUNS),
            variants=VARIANTS,
        output:
            **figure("sequence_to_function/saturation", "Saturation mutagenesis"),
            **table("sequence_to_function/saturation", "Saturation mutagenesis"),
        params:
            **parts(
                *([f"{VARIATION}/variants/tracks"] if MEASURED else []),
                labels=FUNCTION_LABELS,
                **({"panel": f"{VARIATION}/variants/saturation"} if MEASURED else {}),
            ),
            runs=runs(EFFECTS, PROBED_RUNS),
        message:
            "Saturation mutagenesis of one element: predicted against known effects"
        shell:
            "regulens sequence-to-function saturation {params.runs} --truth {input.variants:q} {params.parts}"
            " --csv {output.csv:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
