# Helpers of the hybrid network rules. The wildcard {network} is task/architecture/activation.
from regulens.config.hybrid_networks import TASKS as HYBRID_TASKS


def networks_of(dataset):
    """Names of the networks of a task."""
    return [
        f"{dataset}/{architecture}/{activation}"
        for architecture in HYBRID.architectures
        for activation in HYBRID.activations
    ]


def checkpoint_of(network):
    """The user's own trained trials of a network; none: they are trained here."""
    dataset, architecture, activation = network.split("/")
    return HYBRID.task(dataset).checkpoints.get(architecture, {}).get(activation)


def trained_networks(dataset):
    """Networks of a task that are trained here."""
    return [name for name in networks_of(dataset) if not checkpoint_of(name)]


def training_logs(wildcards):
    """Epochs of every network of a task that is trained here."""
    return [
        f"{HYBRID_OUT}/{name}/log.csv" for name in trained_networks(wildcards.dataset)
    ]


def measured_networks(wildcards):
    """Test metrics and statistics of every network of a task."""
    statistics = {
        "task1": ["filter_statistics.csv", "tomtom.tsv"],
        "task2": ["saliency.csv"],
    }
    return [
        f"{HYBRID_OUT}/{name}/{file}"
        for name in networks_of(wildcards.dataset)
        for file in ["metrics.csv", *statistics[wildcards.dataset]]
    ]


def network_data(wildcards):
    """Sequences that a network is trained and tested on."""
    return HYBRID_DATA.format(dataset=wildcards.network.split("/")[0])


def dataset_settings(wildcards):
    """How the sequences of one task are simulated, as JSON."""
    return json.dumps({"data": SETTINGS["hybrid_networks"][wildcards.dataset]["data"]})


def network_settings(wildcards):
    """Layers and sizes of one network, as JSON."""
    network = HYBRID.network(*wildcards.network.split("/"))
    return json.dumps({"network": network.model_dump(mode="json")})


def trial_settings(wildcards):
    """Network, training and number of trials, as JSON."""
    dataset = wildcards.network.split("/")[0]
    training = HYBRID.task_training(dataset)
    return json.dumps(
        json.loads(network_settings(wildcards))
        | {
            "training": training.model_dump(mode="json", exclude=TRIAL_HARDWARE_KEYS),
            "trials": HYBRID.task(dataset).trials,
            "seed": HYBRID.seed,
        }
    )


def trial_hardware(wildcards):
    """Device and number of trials at once, as JSON."""
    training = HYBRID.task_training(wildcards.network.split("/")[0])
    return json.dumps(training.model_dump(mode="json", include=TRIAL_HARDWARE_KEYS))


def shown_networks(dataset):
    """What tables and figures of a task say about its networks, as JSON."""
    study, task = SETTINGS["hybrid_networks"], SETTINGS["hybrid_networks"][dataset]
    shown = {
        name: study[name] for name in ("architectures", "activations", "data_note")
    }
    shown |= {name: task[name] for name in ("label", "keep", "selection")}
    # Of these the training curves make use.
    shown["monitor"] = HYBRID.task_training(dataset).monitor
    shown["trained"] = [name.partition("/")[2] for name in trained_networks(dataset)]
    return json.dumps(shown)


def shown_dataset(wildcards):
    return shown_networks(wildcards.dataset)


def architecture_designs(wildcards):
    """Layers and sizes of every network of both tasks, as JSON."""
    tasks = {
        HYBRID.task(dataset).label: {
            name: HYBRID.network(dataset, name, HYBRID.activations[0]).model_dump(
                mode="json"
            )
            for name in HYBRID.architectures
        }
        for dataset in HYBRID_TASKS
    }
    study = SETTINGS["hybrid_networks"]
    shown = {name: study[name] for name in ("architectures", "activations")}
    return json.dumps(shown | {"tasks": tasks})


def shown_architecture(wildcards):
    """Name of a network in the figure of its filters, and which trial is shown, as JSON."""
    label = HYBRID.architectures[wildcards.architecture].label
    selection = SETTINGS["hybrid_networks"]["task1"]["selection"]
    return json.dumps({"label": label, "selection": selection})


def shown_example(wildcards):
    """Name of a network and the sequence that its figure shows, as JSON."""
    label = HYBRID.architectures[wildcards.architecture].label
    shown = {"label": label, "example": int(wildcards.example)}
    selection = SETTINGS["hybrid_networks"]["task2"]["selection"]
    return json.dumps(shown | {"selection": selection})


def settings_of_claims(wildcards):
    """Networks and selection of both tasks, as JSON."""
    return json.dumps(
        {dataset: json.loads(shown_networks(dataset)) for dataset in HYBRID_TASKS}
    )
