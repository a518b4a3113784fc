# Configuration, and the helpers that the rules share.
import atexit
import json
import os
import shlex

from snakemake.exceptions import WorkflowError

from regulens.core.code import ROOT, code_hash
from regulens.config import STUDIES, unfit_references, validate
from regulens.core.errors import InputError
from regulens.core.code import ParseCache, cache_folder
from regulens.cluster.preflight import problems
from regulens.cluster.preflight import gpu_requests
from regulens.training.settings import REFERENCE_ROWS
from regulens.data.settings import find_source, pattern
from regulens.training.settings import HARDWARE_KEYS

CACHE = ParseCache(cache_folder())
# At the end: parameters ask for more while the jobs are planned.
atexit.register(CACHE.save)
try:
    CONFIG = validate(
        config,
        lambda found: CACHE.remember(
            "references", config, lambda: unfit_references(found)
        ),
    )
except InputError as error:
    raise WorkflowError(f"The configuration is not valid:\n{error}")

SETTINGS = CONFIG.model_dump(mode="json")
CONFIGURED = [study for study in STUDIES if SETTINGS[study]]
RESULTS = f"results/{CONFIG.run}"
DOWNLOADS = CONFIG.download.folder
# The environments of `--sdm conda` are given this code (envs/*.post-deploy.sh).
os.environ.update(REGULENS_PROJECT=str(ROOT.parents[1]))
# Not workflow.source_path: its path is another in every run, and a changed input runs a rule again.
PUBLISHED = os.path.relpath(
    workflow.current_basedir.join("../../config/published.csv").get_path_or_uri(
        secret_free=True
    )
)


def settings(path=None, **named):
    """Parameter with the part of the configuration that a command depends on, as JSON.

    `path` gives that part, named paths give a map of parts. It is a function of the wildcards, because Snakemake would
    expand the braces of a plain string.
    """

    def part(path):
        value = SETTINGS
        for key in path.split("/"):
            value = value[key]
        return value

    value = part(path) if path else {name: part(path) for name, path in named.items()}
    return lambda wildcards: json.dumps(value)


def code(*modules):
    """Parameter that changes with the code (not the comments) of these modules and of all that they import."""
    return CACHE.remember("code", modules, lambda: code_hash(modules))


def located(name):
    """Path of a configured file: the download of that name, or a path of the user's own."""
    example = name.replace("{split}", "train").replace("{shard}", "0")
    return f"{DOWNLOADS}/{name}" if find_source(CONFIG.sources, example) else name


def unpacked(name):
    """Path of a configured file that is read at random: a download that is packed is unpacked first."""
    path = located(name)
    return path.removesuffix(".gz") if find_source(CONFIG.sources, name) else path


def shards(*splits):
    """Every shard of these splits: a virtual data set reads a missing one as zeros, so that readers depend on them."""
    return [
        f"{RESULTS}/genomic_interpreter/data/shards/{split}-{shard}.h5"
        for split in splits
        for shard in range(CONFIG.genomic_interpreter.data.shards[split])
    ]


def training_of(name, keys=None, without=None):
    """Training keys of one model: the shared ones with the model's own on top."""
    return ASSAY.model_training(name).model_dump(
        mode="json", include=keys, exclude=without
    )


def model_settings(wildcards):
    """Architecture, sizes and training of one model, as JSON."""
    model = ASSAY.models[wildcards.model]
    training = training_of(wildcards.model, without=HARDWARE_KEYS)
    return json.dumps(
        {
            "architecture": model.architecture,
            "settings": model.settings,
            "training": training,
        }
    )


def hardware(wildcards):
    """Devices, batch and loaders of one model, as JSON."""
    return json.dumps(training_of(wildcards.model, HARDWARE_KEYS))


def gpus(hardware_of):
    """Resource with the GPUs of a training: its devices, and none where it is to run on CPUs."""

    def count(wildcards):
        hardware = json.loads(hardware_of(wildcards))
        cpu = hardware["accelerator"] == "cpu"
        return 0 if cpu else hardware.get("devices", 1)

    return count


def selection(wildcards):
    """Labels of the models, and the score that chose the epoch of each, as JSON."""
    select = {name: ASSAY.model_training(name).select for name in TRAINED}
    return json.dumps(
        {"models": SETTINGS["genomic_interpreter"]["models"], "select": select}
    )


def model_module(name):
    """Module that defines the architecture of a model, relative to regulens."""

    def found():
        # Loads PyTorch: only where it is not known yet.
        from regulens.models.base import architectures

        return architectures()[architecture].__module__.removeprefix("regulens.")

    architecture = ASSAY.models[name].architecture
    return CACHE.remember("module of", architecture, found)


def model_code(wildcards):
    """Changes with the code that defines a model and its layers, but not with the other models."""
    return code(model_module(wildcards.model))


def seeds_of(model):
    """Seeds of a model; one that is not trained here has the same weights for every seed, and is used once."""
    return ASSAY.seeds[:1] if model in ADOPTED else ASSAY.seeds


def runs(template, pairs, wildcard="model"):
    """Options that tell a command which file belongs to which model (or task) and seed."""
    return " ".join(
        f"--run {name}:{seed}={template.format(**{wildcard: name}, seed=seed)}"
        for name, seed in pairs
    )


def files(template, pairs, wildcard="model"):
    return [template.format(**{wildcard: name}, seed=seed) for name, seed in pairs]


def options(flag, paths):
    """The same option once for each file."""
    return " ".join(f"{flag} {shlex.quote(str(path))}" for path in paths)


def preflight():
    """Stop before the first job when something that the run needs is missing."""
    methods = {str(method) for method in workflow.deployment_settings.deployment_method}
    found = problems(CONFIG, gpu_requests(cluster_jobs()), "conda" in methods)
    if found:
        raise WorkflowError(
            "The run cannot start:\n" + "\n".join(f"  * {problem}" for problem in found)
        )


def cluster_jobs():
    """Rule and resources of every job that is to run, where a SLURM cluster runs them."""
    if workflow.local_exec or workflow.executor_plugin.name != "slurm":
        return []
    return [(job.rule.name, job.resources) for job in workflow.dag.needrun_jobs()]


def closing_words():
    """What to open when the run is done."""
    jobs = [job for job in workflow.dag.jobs if job.rule.name.endswith("_page")]
    pages = [path for job in jobs for path in job.output]
    if not pages:
        return f"\nDone: {CONFIG.run}. What was asked for is in {RESULTS}."
    return f"\nDone: {CONFIG.run}. Open this, it shows everything:\n  {pages[0]}"


def settings_without(keys, **named):
    """As `settings` of named parts, without these keys of theirs: a change of those is no reason to compute again."""
    parts = json.loads(settings(**named)(None))
    kept = {
        name: {key: value for key, value in part.items() if key not in keys}
        for name, part in parts.items()
    }
    return lambda wildcards: json.dumps(kept)


def motif_engines():
    """Tomtom engines of the configured studies."""
    engines = set()
    if CONFIG.dnabert_lrp:
        engines.add(CONFIG.dnabert_lrp.motifs.comparison.engine)
    if CONFIG.hybrid_networks:
        engines.add(CONFIG.hybrid_networks.comparison.engine)
    return engines


def target_motifs(path):
    """Parameter with the target motifs of a comparison: how they are compared is no reason to write them again."""
    keys = {"release", "collection", "tax_group", "all_versions"}
    comparison = json.loads(settings(path)(None))
    targets = {key: value for key, value in comparison.items() if key in keys}
    return lambda wildcards: json.dumps({"comparison": targets})
