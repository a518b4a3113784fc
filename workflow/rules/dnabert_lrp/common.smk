# DNABERT-LRP: paths, runs, settings and input functions of its rules.
from regulens.data.settings import coordinate_tables

LRP = CONFIG.dnabert_lrp
LRP_OUT = f"{RESULTS}/dnabert_lrp"
TASKS = list(LRP.tasks)
EXPLAINED = LRP.explained_tasks
TASKS_BY_ROUTE = {
    route: [name for name, task in LRP.tasks.items() if task.data.route == route]
    for route in ("coordinates", "table", "class_files", "simulated")
}
# If motif sites are known, scores are evaluated against them.
TASKS_WITH_SITES = [
    name
    for name, task in LRP.tasks.items()
    if task.data.route == "simulated"
    or getattr(task.data, "sites", None)
    or getattr(task.data, "places", None)
]
FINE_TUNED = [name for name, task in LRP.tasks.items() if not task.checkpoint]
FIRST_SEED = LRP.seeds[0]
TASK_DATA = f"{LRP_OUT}/data/{{task}}"
FILTERS = f"{TASK_DATA}/filters.csv"
CARD = f"{TASK_DATA}/card.csv"
ENCODER = f"{LRP_OUT}/pretraining/encoder.ckpt"
PRETRAINING_EPOCHS = f"{LRP_OUT}/pretraining/log.csv"
INITIAL = (
    ENCODER
    if LRP.pretraining
    else (located(LRP.model.weights) if LRP.model.weights else [])
)
CLASSIFIER_FOLDER = f"{LRP_OUT}/models/{{task}}/seed{{seed}}"
CLASSIFIER = f"{CLASSIFIER_FOLDER}/model.ckpt"
CLASSIFIER_EPOCHS = f"{CLASSIFIER_FOLDER}/log.csv"
CLASS_PREDICTIONS = f"{LRP_OUT}/predictions/{{task}}/seed{{seed}}.csv"
REFERENCE_PREDICTIONS = f"{LRP_OUT}/predictions/{{task}}/logistic_regression.csv"
METRICS = f"{LRP_OUT}/metrics/{{task}}/seed{{seed}}.csv"
RELEVANCE = f"{LRP_OUT}/relevance/{{task}}/seed{{seed}}.h5"
FIRST_RELEVANCE = RELEVANCE.replace("{seed}", str(FIRST_SEED))
MUTAGENESIS = f"{LRP_OUT}/mutagenesis/{{task}}/seed{{seed}}"
OUTCOMES = f"{MUTAGENESIS}/outcomes.h5"
CURVES = f"{MUTAGENESIS}/curves.csv"
PAIRED = f"{MUTAGENESIS}/paired.csv"
AGREEMENT = f"{LRP_OUT}/agreement/{{task}}/seed{{seed}}.csv"
SCORE_TESTS = f"{LRP_OUT}/tests/{{task}}/seed{{seed}}.csv"
TRUTH = f"{LRP_OUT}/truth/{{task}}/seed{{seed}}.csv"
MOTIFS = f"{LRP_OUT}/motifs/{{task}}/{{score}}"
TARGETS = f"{LRP_OUT}/motifs/targets"
MOTIF_SCORES = LRP.motifs.discovery.scores
BERT_SIZES = "dnabert_lrp/model/settings"
TASK_SEQUENCES = "dnabert_lrp/tasks/{task}/data"
FINE_TUNING = "dnabert_lrp/tasks/{task}/training"
PRETRAINING = "dnabert_lrp/pretraining"
BOOTSTRAP = "dnabert_lrp/mutagenesis/bootstrap"
MUTAGENESIS_SEED = "dnabert_lrp/mutagenesis/seed"
TASK_LABELS = "dnabert_lrp/labels"
CLASS_NAMES = "dnabert_lrp/class_names"
PUBLISHED_AS = "dnabert_lrp/published_as"
PUBLISHED_ACCURACY = "dnabert_lrp/published_accuracy_of"
MUTATED = "dnabert_lrp/table1/n"
LRP_NOTE = "dnabert_lrp/data_note"
SCORES_WITH_MOTIFS = "dnabert_lrp/motifs/discovery/scores"


def task_paths(key):
    """Input function: the file configured under a key of the task, if any."""

    def path(wildcards):
        name = getattr(LRP.tasks[wildcards.task].data, key)
        return located(name) if name else []

    return path


def coordinate_files(task):
    """Paths of the coordinate tables of a task, one per split and class."""
    return list(coordinate_table(task).values())


def coordinate_options(task):
    """Options SPLIT.CLASS=FILE for the coordinate tables of a task."""
    return " ".join(
        f"--coordinates {split}.{name}={shlex.quote(path)}"
        for (split, name), path in coordinate_table(task).items()
    )


def coordinate_table(task):
    """Coordinate tables of a task by split and class."""
    names = coordinate_tables(LRP.tasks[task].data.coordinates)
    return {key: located(name) for key, name in names.items()}


def task_seeds(task):
    """Seeds of a task; a task that is not fine-tuned here has the same weights for every seed, so one is enough."""
    return LRP.seeds[:1] if LRP.tasks[task].checkpoint else LRP.seeds


def other_seeds(wildcards):
    """Relevance of the same sequences by models trained with other seeds."""
    return [
        RELEVANCE.format(task=wildcards.task, seed=seed)
        for seed in task_seeds(wildcards.task)
        if str(seed) != wildcards.seed
    ]


def sites_of(wildcards):
    """The table of motif sites of a task, if they are known."""
    return [f"{TASK_DATA}/sites.tsv"] * (wildcards.task in TASKS_WITH_SITES)


TASK_RUNS = [(task, seed) for task in TASKS for seed in task_seeds(task)]
EXPLAINED_RUNS = [(task, seed) for task, seed in TASK_RUNS if task in EXPLAINED]
FINE_TUNED_RUNS = [(task, seed) for task in FINE_TUNED for seed in LRP.seeds]
TRUTH_RUNS = [(task, seed) for task, seed in EXPLAINED_RUNS if task in TASKS_WITH_SITES]
# Aligned sequences, whose sites are all at one place.
ALIGNED_RUNS = [
    (task, seed)
    for task, seed in EXPLAINED_RUNS
    if len(getattr(LRP.tasks[task].data, "places", {})) == 1
]
# The sequences do not depend on the seed.
SEQUENCE_RUNS = [(task, 0) for task in TASKS]
