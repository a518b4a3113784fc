# Sequence to function: which elements act on a promoter, according to each trained model, and insulators.
if PROBED.enhancers.pairs.route == "simulated":

    rule simulated_pairs:
        input:
            planted=f"{GENOME}/planted.bed",
            links=f"{GENOME}/links.tsv",
            windows=WINDOWS,
        output:
            of_analysis(PAIRS, "enhancers"),
        params:
            **parts(f"{ENHANCERS}/pairs", GEOMETRY),
        message:
            "Promoters of the simulated test contigs and the elements around them"
        shell:
            "regulens simulated-pairs {input.planted:q} --links {input.links:q} --windows {input.windows:q} {params.parts}"
            " --output {output:q} 2> {log:q}"

else:

    rule crispri_pairs:
        input:
            located(PROBED.enhancers.pairs.table),
        output:
            of_analysis(PAIRS, "enhancers"),
        params:
            **parts(f"{ENHANCERS}/pairs", GEOMETRY),
        message:
            "Pairs of a gene and an element that was silenced by CRISPRi"
        shell:
            "regulens crispri-pairs {input:q} {params.parts} --output {output:q} 2> {log:q}"


if PROBED.enhancers.pairs.activity:

    rule element_activity:
        input:
            pairs=of_analysis(PAIRS, "enhancers"),
            fasta=PROBED_GENOME,
            tracks=TRACKS,
            coverage=COVERAGE,
        output:
            ACTIVITY,
        params:
            **parts(f"{ENHANCERS}/pairs/activity", CROP),
            folders=lambda wildcards: options("--coverage", FOLDERS),
        message:
            "Measured activity of every element"
        shell:
            "regulens element-activity {input.pairs:q} --fasta {input.fasta:q} --tracks {input.tracks:q} {params.folders}"
            " {params.parts} --output {output:q} 2> {log:q}"


rule sequence_to_function_enhancers:
    input:
        files(of_analysis(ELEMENTS, "enhancers"), PROBED_RUNS),
    output:
        **figure("sequence_to_function/enhancers", "Enhancer prioritisation"),
        **table("sequence_to_function/enhancers", "Enhancer prioritisation", "md"),
    params:
        **parts(
            *(f"{ENHANCERS}/distance_bounds_bp", f"{ENHANCERS}/resamples"),
            *(f"{ENHANCERS}/seed", FUNCTION_NOTE),
            labels=FUNCTION_LABELS,
        ),
        runs=runs(of_analysis(ELEMENTS, "enhancers"), PROBED_RUNS),
    message:
        "Enhancer prioritisation: which scores find the elements that act on a promoter"
    shell:
        "regulens sequence-to-function enhancers {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule sequence_to_function_insulators:
    input:
        files(of_analysis(ELEMENTS, "enhancers"), PROBED_RUNS),
    output:
        **figure("sequence_to_function/insulators", "Insulators"),
        **table("sequence_to_function/insulators", "Insulators", "md"),
    params:
        **parts(
            *(f"{ENHANCERS}/resamples", f"{ENHANCERS}/seed", FUNCTION_NOTE),
            labels=FUNCTION_LABELS,
        ),
        runs=runs(of_analysis(ELEMENTS, "enhancers"), PROBED_RUNS),
    message:
        "Insulators: what the models see of an enhancer behind one"
    shell:
        "regulens sequence-to-function insulators {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
