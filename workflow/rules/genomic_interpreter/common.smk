# Genomic Interpreter: paths, runs, settings and input functions of its rules.
OUT = f"{RESULTS}/genomic_interpreter"
ASSAY = CONFIG.genomic_interpreter
DATA = ASSAY.data
GENOME = f"{RESULTS}/simulated_genome"
GEOMETRY = "genomic_interpreter/data/geometry"
CROP = "genomic_interpreter/data/crop"
CONTIG_NAMES = "genomic_interpreter/data/crop/contig_names"
SPLITS = "genomic_interpreter/data/splits"
GROUPS = "genomic_interpreter/data/groups"
MODELS = list(ASSAY.models)
ADOPTED = [name for name, model in ASSAY.models.items() if model.checkpoint]
TRAINED = [name for name in MODELS if name not in ADOPTED]
MAIN = ASSAY.figures.main_model
FIRST = ASSAY.seeds[0]
MODEL = f"{OUT}/models/{{model}}/seed{{seed}}"
CHECKPOINT = f"{MODEL}/model.ckpt"
MAIN_CHECKPOINT = CHECKPOINT.format(model=MAIN, seed=FIRST)
EPOCHS = f"{MODEL}/log.csv"
PREDICTIONS = f"{OUT}/predictions/{{model}}/seed{{seed}}.h5"
PEARSON = f"{OUT}/pearson/{{model}}/seed{{seed}}.csv"
ARCHITECTURE = "genomic_interpreter/models/{model}/architecture"
SIZES = "genomic_interpreter/models/{model}/settings"
TRAINING = "genomic_interpreter/models/{model}/training"
BATCH = "genomic_interpreter/evaluation/batch"
BOTH_STRANDS = "genomic_interpreter/evaluation/both_strands"


def shards(*splits):
    """Every shard of these splits; inputs of all readers, because a virtual data set reads a missing shard as zeros."""
    return [
        f"{OUT}/data/shards/{split}-{shard}.h5"
        for split in splits
        for shard in range(DATA.shards[split])
    ]


def named_coverage():
    """Coverage files that the track table names; a table that is downloaded first names none yet: then any."""
    made = f"{OUT}/data/coverage"
    if not find_source(CONFIG.sources, DATA.tracks):
        try:
            if found := coverage_files(DATA, DATA.tracks, made):
                return found
        except InputError as error:
            raise WorkflowError(str(error))
    return [f"{made}/{name}" for name in DATA.made_coverage()] + (
        [DATA.coverage] if DATA.coverage else []
    )


def positions_of(wildcards):
    """Path of the settings of the table from which a coverage file is made."""
    name, _ = DATA.made_coverage()[wildcards.file]
    return f"genomic_interpreter/data/positions/{name}"


def model_module(name):
    """Module that defines the architecture of a model, relative to regulens."""

    def found():
        # Imports PyTorch, so only if the result is not cached.
        from regulens.models.base import architectures

        return architectures()[architecture].__module__.removeprefix("regulens.")

    architecture = ASSAY.models[name].architecture
    return CACHE.remember("module of", architecture, found)


def model_code(wildcards):
    """Hash of the code that defines a model and its layers, without the other models."""
    return code(model_module(wildcards.model))


def seeds_of(model):
    """Seeds of a model; a model that is not trained here has the same weights for every seed, so one is enough."""
    return ASSAY.seeds[:1] if model in ADOPTED else ASSAY.seeds


MODEL_RUNS = [(model, seed) for model in MODELS for seed in seeds_of(model)]
TRAINED_RUNS = [(model, seed) for model in TRAINED for seed in ASSAY.seeds]
REFERENCES = ASSAY.evaluation.references
TABLE_RUNS = MODEL_RUNS + [(reference, 0) for reference in REFERENCES]
FIGURE3_RUNS = [(model, FIRST) for model in (MAIN, ASSAY.figures.figure3.other)]
LABELS = "genomic_interpreter/labels"
DATA_NOTE = "genomic_interpreter/data_note"
MAIN_MODEL = "genomic_interpreter/figures/main_model"
FIGURE3 = "genomic_interpreter/figures/figure3"
SHOWN_ATTENTION = "genomic_interpreter/figures/attention"
