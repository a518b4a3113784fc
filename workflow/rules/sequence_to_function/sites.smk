# Sequence to function: sites that factors bind, against equally good matches of their motifs.
SITE_TABLES = {
    name: located(DATA.positions[factor.positions].file)
    for name, factor in PROBED.sites.pairs.factors.items()
}


rule bound_sites:
    input:
        list(SITE_TABLES.values()),
        fasta=PROBED_GENOME,
        windows=WINDOWS,
        tracks=TRACKS,
        coverage=COVERAGE,
    output:
        of_analysis(PAIRS, "sites"),
    params:
        **parts(f"{SITES}/pairs", "genomic_interpreter/data/positions", CROP, GEOMETRY),
        sites=lambda wildcards: options(
            "--sites", [f"{name}={path}" for name, path in SITE_TABLES.items()]
        ),
        folders=lambda wildcards: options("--coverage", FOLDERS),
    message:
        "Bound sites and unbound matches of the same motifs near start sites"
    shell:
        "regulens bound-sites {params.sites} --fasta {input.fasta:q} --windows {input.windows:q}"
        " --tracks {input.tracks:q} {params.folders} {params.parts} --output {output:q} 2> {log:q}"


rule sequence_to_function_sites:
    input:
        files(of_analysis(ELEMENTS, "sites"), PROBED_RUNS),
    output:
        **figure("sequence_to_function/sites", "Bound sites"),
        **table("sequence_to_function/sites", "Bound sites", "md"),
    params:
        **parts(
            *(f"{SITES}/resamples", f"{SITES}/seed", FUNCTION_NOTE),
            labels=FUNCTION_LABELS,
        ),
        runs=runs(of_analysis(ELEMENTS, "sites"), PROBED_RUNS),
    message:
        "Bound sites: which scores find them among equally good matches"
    shell:
        "regulens sequence-to-function sites {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"
