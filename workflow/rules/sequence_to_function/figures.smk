# Sequence to function: the claims, and everything that is shown.
SHOWN = ["encodings"]
if PROBED.enhancers:
    SHOWN.append("enhancers")
    SHOWN += ["insulators"] * (
        DATA.route == "simulated" and DATA.simulation.insulators == "blocking"
    )
SHOWN += ["sites"] * bool(PROBED.sites)
SHOWN += ["boundaries"] * bool(PROBED.boundaries)
if PROBED.variants:
    SHOWN.append("variants")
    SHOWN += ["saturation"] * bool(SATURATION)
SHOWN += ["ablations"] * bool(PROBED.ablations)

CLAIMED = {
    name: f"{FUNCTION}/{name}.csv"
    for name in ("enhancers", "insulators", "sites", "boundaries", "variants")
    if name in SHOWN
}
if ANALYSES:
    CLAIMED["tiers"] = f"{FUNCTION}/tiers_{ANALYSES[0]}.csv"


rule sequence_to_function_claims:
    input:
        list(CLAIMED.values()),
    output:
        **table("sequence_to_function/claims", "Claims", "md"),
    params:
        **parts(FUNCTION_NOTE, "sequence_to_function/evidence"),
        tables=options("--tables", [f"{name}={path}" for name, path in CLAIMED.items()]),
    message:
        "Which sentences of the lectures hold in this run"
    shell:
        "regulens sequence-to-function claims {params.tables} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


if PROBED.ablations:
    COMPARED = dict.fromkeys(
        [PROBED.ablations.base, *sum(PROBED.ablations.questions.values(), [])]
    )
    COMPARED_RUNS = [(model, seed) for model in COMPARED for seed in seeds_of(model)]

    rule sequence_to_function_ablations:
        input:
            files(PEARSON, COMPARED_RUNS),
        output:
            **figure("sequence_to_function/ablations", "Ablations"),
            **table("sequence_to_function/ablations", "Ablations", "md"),
        params:
            **parts(
                "sequence_to_function/ablations/base",
                "sequence_to_function/ablations/questions",
                GROUPS,
                FUNCTION_NOTE,
                labels=FUNCTION_LABELS,
            ),
            runs=runs(PEARSON, COMPARED_RUNS),
        message:
            "Ablations: what every choice of an architecture earns"
        shell:
            "regulens sequence-to-function ablations {params.runs} {params.parts}"
            " --csv {output.csv:q} --md {output.md:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule sequence_to_function_tiers:
    input:
        lambda wildcards: files(
            of_analysis(SCORE_CHECKS, wildcards.analysis), PROBED_RUNS
        ),
    output:
        **table(
            "sequence_to_function/tiers_{analysis}",
            "Tests of the attributions",
            "md",
            caption="tiers",
            analysis="{analysis}",
        ),
    wildcard_constraints:
        analysis=names(ANALYSES),
    params:
        **parts(
            "sequence_to_function/{analysis}/resamples",
            "sequence_to_function/{analysis}/seed",
            FUNCTION_NOTE,
            labels=FUNCTION_LABELS,
        ),
        runs=lambda wildcards: runs(
            of_analysis(SCORE_CHECKS, wildcards.analysis), PROBED_RUNS
        ),
    message:
        "Consistency, faithfulness and truth of the attributions ({wildcards.analysis})"
    shell:
        "regulens sequence-to-function tiers {params.runs} {params.parts}"
        " --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


rule sequence_to_function_encodings:
    output:
        **figure("sequence_to_function/encodings", "Positional encodings"),
        csv=f"{FUNCTION}/encodings.csv",
    params:
        **parts(f"{GEOMETRY}/bins"),
    message:
        "Positional encodings as matrices"
    shell:
        "regulens sequence-to-function encodings {params.parts}"
        " --csv {output.csv:q} --pdf {output.pdf:q} --png {output.png:q} 2> {log:q}"


rule sequence_to_function_figures:
    input:
        expand(f"{FUNCTION}/{{name}}.{{ending}}", name=SHOWN, ending=["pdf", "png"]),


rule sequence_to_function:
    input:
        expand(
            f"{FUNCTION}/{{name}}.csv",
            name=[*SHOWN, *(f"tiers_{name}" for name in ANALYSES), "claims"],
        ),
        rules.sequence_to_function_figures.input,
        BROWSER_FILES if PROBED.export else [],
