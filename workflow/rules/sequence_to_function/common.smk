# Sequence to function: paths, runs, settings and input functions of its rules.
PROBED = CONFIG.sequence_to_function
FUNCTION = f"{RESULTS}/sequence_to_function"
PROBED_GENOME = unpacked(PROBED.fasta) if PROBED.fasta else FASTA
PAIRS = f"{FUNCTION}/{{analysis}}/pairs.csv"
ACTIVITY = f"{FUNCTION}/enhancers/activity.csv"
ATTRIBUTIONS = f"{FUNCTION}/{{analysis}}/attributions/{{model}}/seed{{seed}}.h5"
ELEMENTS = f"{FUNCTION}/{{analysis}}/elements/{{model}}/seed{{seed}}.csv"
SCORE_CHECKS = f"{FUNCTION}/{{analysis}}/tests/{{model}}/seed{{seed}}.csv"
VARIANTS = f"{FUNCTION}/variants/variants.csv"
EFFECTS = f"{FUNCTION}/variants/effects/{{model}}/seed{{seed}}.h5"
ATTRIBUTION = "sequence_to_function/attribution"
ENHANCERS = "sequence_to_function/enhancers"
SITES = "sequence_to_function/sites"
VARIATION = "sequence_to_function/variants"
FUNCTION_LABELS = "sequence_to_function/labels"
FUNCTION_NOTE = "sequence_to_function/data_note"
PROBED_RUNS = [(model, seed) for model in PROBED.models for seed in seeds_of(model)]
# Analyses of pairs of a start site and an element.
ANALYSES = [name for name in ("enhancers", "sites") if getattr(PROBED, name)]


def of_analysis(template, analysis):
    """A template of `ATTRIBUTIONS` or `ELEMENTS` for one analysis, still with model and seed."""
    return template.replace("{analysis}", analysis)


def activity_of(wildcards):
    """Measured activity of the elements of an analysis, if it uses it."""
    wanted = wildcards.analysis == "enhancers" and PROBED.enhancers.pairs.activity
    return ACTIVITY if wanted else []


def attributions_of_other_seeds(wildcards):
    """Attributions of the same read-outs by models trained with other seeds."""
    others = [seed for seed in seeds_of(wildcards.model) if str(seed) != wildcards.seed]
    return [ATTRIBUTIONS.format(**{**wildcards, "seed": seed}) for seed in others]


def planted_sites(wildcards):
    """The planted sites of a simulation, if the data are from one."""
    return [f"{GENOME}/planted.bed"] * (DATA.route == "simulated")
