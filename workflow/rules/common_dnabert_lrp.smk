# Helpers of the DNABERT rules.
from regulens.data.settings import coordinate_tables


def task_data(wildcards):
    """How the sequences of one task are made, as JSON."""
    return json.dumps(SETTINGS["dnabert_lrp"]["tasks"][wildcards.task]["data"])


def task_paths(key):
    """Input function: a configured file of a task, where it has one."""

    def path(wildcards):
        name = getattr(LRP.tasks[wildcards.task].data, key)
        return located(name) if name else []

    return path


def coordinate_files(task):
    """Coordinate tables of a task, every class of every split."""
    return list(coordinate_table(task).values())


def coordinate_options(task):
    """Options that tell the command which split and class each coordinate table belongs to."""
    return " ".join(
        f"--coordinates {split}.{name}={shlex.quote(path)}"
        for (split, name), path in coordinate_table(task).items()
    )


def coordinate_table(task):
    """Coordinate tables of a task by split and class."""
    names = coordinate_tables(LRP.tasks[task].data.coordinates)
    return {key: located(name) for key, name in names.items()}


def pretraining(wildcards):
    """Sizes of the model, unlabelled data and training of the masked k-mer pre-training, as JSON."""
    study = SETTINGS["dnabert_lrp"]
    training = LRP.pretraining.training.model_dump(mode="json", exclude=HARDWARE_KEYS)
    return json.dumps(
        {
            "model": study["model"]["settings"],
            "data": study["pretraining"]["data"],
            "training": training,
            "seed": LRP.pretraining.seed,
            "length_bp": max(task.data.length_bp for task in LRP.tasks.values()),
        }
    )


def pretraining_hardware(wildcards):
    """Devices, batch and loaders of the pre-training, as JSON."""
    training = LRP.pretraining.training
    return json.dumps(training.model_dump(mode="json", include=HARDWARE_KEYS))


def names_of_tasks():
    """Labels, classes and published counterparts of the tasks, for a command that shows them."""
    return {
        name: {
            "label": task.label,
            "classes": task.classes,
            "published": task.published,
        }
        for name, task in LRP.tasks.items()
    }


def task_settings(**named):
    """As `settings`, with the labels of the tasks."""
    rest = settings(**named)
    return lambda wildcards: json.dumps(
        {"tasks": names_of_tasks(), **json.loads(rest(wildcards))}
    )


def settings_of_lrp_claims(wildcards):
    """Tasks, mutations, and which tasks have a test set that was not made here, as JSON."""
    rest = task_settings(
        mutations="dnabert_lrp/mutagenesis/mutations",
        data_note="dnabert_lrp/data_note",
    )
    return json.dumps(
        json.loads(rest(wildcards)) | {"given_splits": TASKS_BY_ROUTE["coordinates"]}
    )


def fine_tuning_of(task, keys=None, without=None):
    """Fine-tuning keys of one task: the shared ones with the task's own on top."""
    return LRP.task_training(task).model_dump(
        mode="json", include=keys, exclude=without
    )


def fine_tuning(wildcards):
    """Sizes of the model and training of one task, as JSON."""
    training = fine_tuning_of(wildcards.task, without=HARDWARE_KEYS)
    return json.dumps(
        {"model": SETTINGS["dnabert_lrp"]["model"]["settings"], "training": training}
    )


def fine_tuning_hardware(wildcards):
    """Devices, batch and loaders of one task, as JSON."""
    return json.dumps(fine_tuning_of(wildcards.task, HARDWARE_KEYS))


def task_seeds(task):
    """Seeds of a task; one that is not fine-tuned here has the same weights for every seed, and is used once."""
    return LRP.seeds[:1] if LRP.tasks[task].checkpoint else LRP.seeds
