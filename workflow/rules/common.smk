# Configuration, and the helpers that the rules share.
import atexit
import csv
import json
import os
import re
import shlex

from snakemake.exceptions import WorkflowError
from snakemake.io import strip_wildcard_constraints

from regulens.cli import commands
from regulens.cluster.inputs import coverage_files, genomes, needed_sources
from regulens.cluster.preflight import gpu_requests, problems
from regulens.config import STUDIES, resolved, to_yaml, unfit_references, validate
from regulens.core.code import (
    ROOT,
    WITHOUT_EFFECT,
    ParseCache,
    cache_folder,
    code_hash,
)
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.settings import part_of
from regulens.core.yaml_file import read_yaml
from regulens.data.settings import find_source, pattern
from regulens.motifs.settings import ComparisonSettings
from regulens.report.items import papers
from regulens.training.settings import HARDWARE_KEYS, TRIAL_HARDWARE_KEYS

CACHE = ParseCache(cache_folder())
# Saved at exit, because parameters are evaluated while jobs are planned.
atexit.register(CACHE.save)
try:
    # Snakemake has read these files, but keeps the last of two equal keys.
    for each in map(str, workflow.configfiles):
        if os.path.exists(each) and not each.endswith(".json"):
            read_yaml(each)
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
# The commands read their settings from this file; see write_configuration.
RESOLVED = resolved(CONFIG)
CONFIGURATION = f"{RESULTS}/configuration.yaml"
REQUESTS = f"{RESULTS}/requests.csv"
DOWNLOADS = CONFIG.download.folder
# Keys of a comparison other than those that select its targets.
COMPARING = set(ComparisonSettings.model_fields) - {
    "release",
    "collection",
    "tax_group",
    "all_versions",
}
ENVIRONMENT = workflow.current_basedir.join("../../envs/regulens.yaml")
# Nothing is asked of a hub: weights are downloads like others.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
# The environments of `--sdm conda` are given this code (envs/*.post-deploy.sh).
os.environ.update(REGULENS_PROJECT=str(ROOT.parents[1]))
# Not workflow.source_path: its path differs in every run, and a changed input reruns a rule.
PUBLISHED = os.path.relpath(
    workflow.current_basedir.join("../../config/published.csv").get_path_or_uri(
        secret_free=True
    )
)


def parts(*paths, without=(), **named):
    """Two parameters for the settings of a command: `parts`, the options that name them, and `settings`, their values.

    A path is that of a key in the resolved configuration, such as "genomic_interpreter/data/groups". It may have wildcards
    in braces, or be a function of them. The name of the setting is the last word of the path, or the keyword. Snakemake
    runs a job again if a value has changed; keys in `without`, anywhere in the values, are excluded from that comparison.
    Both parameters are functions of the wildcards, because Snakemake would expand the braces of a plain string.
    """
    wanted = {os.path.basename(path): path for path in paths} | named

    def words(wildcards):
        found = [f"--config {shlex.quote(CONFIGURATION)}"]
        for name, path in wanted.items():
            path = filled(path, wildcards)
            name = "" if os.path.basename(path) == name else f"{name}="
            found.append(f"--part {shlex.quote(name + path)}")
        return " ".join(found)

    def values(wildcards):
        found = {name: setting(path, wildcards) for name, path in wanted.items()}
        return json.dumps(without_keys(found, without))

    return {"parts": words, "settings": values}


def setting(path, wildcards):
    """Value at a path, with wildcards in braces, of the resolved configuration."""
    return part_of(RESOLVED, filled(path, wildcards))


def filled(path, wildcards):
    """A path with its wildcards filled in; ``path`` may also be a function of them."""
    return path(wildcards) if callable(path) else path.format(**dict(wildcards.items()))


def without_keys(values, keys):
    """Nested maps without these keys, at any depth."""
    if not isinstance(values, dict):
        return values
    return {
        key: without_keys(value, keys)
        for key, value in values.items()
        if key not in keys
    }


def figure(path, item, caption=None, **labels):
    """Outputs of a figure at results/<run>/PATH: `pdf`, and `png`, which the report shows.

    The caption is workflow/report/PATH.rst, or CAPTION.rst in that folder if the path has wildcards.
    """
    return {"pdf": f"{RESULTS}/{path}.pdf", **shown(path, "png", item, caption, labels)}


def table(path, item, *endings, caption=None, **labels):
    """Outputs of a table at results/<run>/PATH: `csv`, which the report shows, and these further endings."""
    others = {ending: f"{RESULTS}/{path}.{ending}" for ending in endings}
    return {**shown(path, "csv", item, caption, labels), **others}


def shown(path, ending, item, caption, labels):
    """An output marked for the report, by its ending."""
    study, name = os.path.split(path)
    mark = report(
        f"{RESULTS}/{path}.{ending}",
        caption=f"../../report/{study}/{caption or name}.rst",
        category=papers()[study]["name"],
        labels={"item": item, **labels},
    )
    return {ending: mark}


def code(*modules):
    """Hash of the code, without comments, of these modules and everything that they import; a parameter of rules."""
    return CACHE.remember("code", modules, lambda: code_hash(modules))


def source(wildcards):
    """The source of a download."""
    return find_source(CONFIG.sources, wildcards.name)


def located(name):
    """Path of a configured file: that of the download of this name, or the user's own path."""
    example = name.replace("{split}", "train").replace("{shard}", "0")
    return f"{DOWNLOADS}/{name}" if find_source(CONFIG.sources, example) else name


def unpacked(name):
    """Path of a configured file that needs random access, i.e. decompressed if it is a compressed download."""
    path = located(name)
    return path.removesuffix(".gz") if find_source(CONFIG.sources, name) else path


def gpus(training):
    """Resource: number of GPUs of the training with settings at this path; 0 if it runs on CPUs."""

    def count(wildcards):
        found = setting(training, wildcards)
        return 0 if found["accelerator"] == "cpu" else found.get("devices", 1)

    return count


def runs(template, pairs, wildcard="model"):
    """Arguments MODEL:SEED=FILE of a command: the file of each model (or task) and seed."""
    return " ".join(
        f"{name}:{seed}={template.format(**{wildcard: name}, seed=seed)}"
        for name, seed in pairs
    )


def files(template, pairs, wildcard="model"):
    return [template.format(**{wildcard: name}, seed=seed) for name, seed in pairs]


def names(values):
    """Wildcard constraint that matches exactly these values."""
    return "|".join(values) or "(?!)"


def options(flag, paths):
    """The same option repeated for each file."""
    paths = [paths] if isinstance(paths, str) else paths
    return " ".join(f"{flag} {shlex.quote(str(path))}" for path in paths)


def known_options(wildcards, input):
    """Options of the tests of scores: known sites, and files of the models with other seeds."""
    return f"{options('--sites', input.sites)} {options('--others', input.others)}"


def write_requests():
    """Write what every job of the run requests, for `regulens resources`; jobs of other targets keep their rows."""
    wanted = {}
    if os.path.exists(REQUESTS):
        with open(REQUESTS, encoding="utf-8", newline="") as file:
            wanted = {row["output"]: row for row in csv.DictReader(file)}
    for job in workflow.dag.jobs:
        if job.output:
            found = job.resources
            wanted[job.output[0]] = {
                "rule": job.rule.name,
                "output": job.output[0],
                "threads": job.threads,
                "gpus": found.get("gpu", 0),
                "mem_mb": found.get("mem_mb", ""),
                "runtime_min": found.get("runtime", ""),
            }
    with (
        atomic_output(REQUESTS) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        rows = csv.DictWriter(file, list(next(iter(wanted.values()))))
        rows.writeheader()
        rows.writerows(wanted.values())


def write_configuration():
    """Write the resolved configuration of the run, for its commands.

    Done when a run starts, not by a rule: with its file as an input, any changed key would rerun everything, and Snakemake
    ignores changed parameters of a job if an `ancient` input is about to be made again.
    """
    text = to_yaml(RESOLVED)
    if os.path.exists(CONFIGURATION):
        with open(CONFIGURATION, encoding="utf-8") as file:
            if file.read() == text:
                return
    with atomic_output(CONFIGURATION) as temporary:
        temporary.write_text(text, encoding="utf-8")


def complete(each):
    """Add log, environment and code hash to a rule that writes to {log} without declaring one.

    The log of `results/<run>/a/b.csv` is `results/<run>/logs/a/b.csv.log`; the environment is that of the package; the
    parameter `code` is the hash of the module of the command.
    """
    if each.log or "{log" not in (each.shellcmd or ""):
        return
    each.log_modifier = workflow.modifier.path_modifier
    first = strip_wildcard_constraints(str(each.output[0]))
    each.set_log(f"{RESULTS}/logs/{first.removeprefix(f'{RESULTS}/')}.log")
    if not each.conda_env:
        each.conda_env = ENVIRONMENT
    words = re.findall(r"[a-z][a-z0-9-]*", each.shellcmd)
    place = commands().get(" ".join(words[1:3])) or commands()[words[1]]
    defined_in = place.module.removeprefix("regulens.")
    # Modules that only fetch files do not trigger reruns.
    if "code" not in each.params.keys() and defined_in not in WITHOUT_EFFECT:
        each.set_params(code=code(defined_in))


def preflight():
    """Stop before the first job if something that the run needs is missing."""
    methods = {str(method) for method in workflow.deployment_settings.deployment_method}
    found = problems(
        CONFIG, gpu_requests(cluster_jobs()), "conda" in methods, planned=True
    )
    if found:
        raise WorkflowError(
            "The run cannot start:\n" + "\n".join(f"  * {problem}" for problem in found)
        )


def cluster_jobs():
    """Rule and resources of every job to run on a SLURM cluster; empty otherwise."""
    if workflow.local_exec or workflow.executor_plugin.name != "slurm":
        return []
    return [(job.rule.name, job.resources) for job in workflow.dag.needrun_jobs()]


def closing_words():
    """Closing message of a run: the page to open."""
    jobs = [job for job in workflow.dag.jobs if job.rule.name.endswith("_page")]
    pages = [path for job in jobs for path in job.output]
    if not pages:
        return f"\nDone: {CONFIG.run}. The requested files are in {RESULTS}."
    return f"\nDone: {CONFIG.run}. All results are on this page:\n  {pages[0]}"
