# Hybrid networks: paths, settings and input functions of its rules. {network} is task/architecture/activation.
from regulens.config.hybrid_networks import TASKS as HYBRID_TASKS

HYBRID = CONFIG.hybrid_networks
HYBRID_OUT = f"{RESULTS}/hybrid_networks"
HYBRID_DATA = f"{HYBRID_OUT}/data/{{dataset}}.h5"
# One folder per network (architecture and activation on one task).
NETWORK = f"{HYBRID_OUT}/{{network}}"
TRIALS = f"{NETWORK}/model.pt"
HYBRID_ARCHITECTURES = "hybrid_networks/architectures"
HYBRID_ACTIVATIONS = "hybrid_networks/activations"
HYBRID_NOTE = "hybrid_networks/data_note"


def networks_of(dataset):
    """Names of the networks of a task."""
    return [
        f"{dataset}/{architecture}/{activation}"
        for architecture in HYBRID.architectures
        for activation in HYBRID.activations
    ]


def checkpoint_of(network):
    """Configured file of trained trials of a network; none: they are trained here."""
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


def of_task(key):
    """Path of a setting of the task of a network."""
    return lambda wildcards: f"hybrid_networks/{wildcards.network.split('/')[0]}/{key}"


NETWORKS = [network for dataset in HYBRID_TASKS for network in networks_of(dataset)]
TRAINED_NETWORKS = [
    network for dataset in HYBRID_TASKS for network in trained_networks(dataset)
]
ADOPTED_NETWORKS = [name for name in NETWORKS if name not in TRAINED_NETWORKS]
