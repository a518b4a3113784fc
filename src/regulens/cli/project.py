"""Commands that produce no results: generated documents, configuration, preflight, plan and trace."""

import sys
from pathlib import Path

from regulens.core.command import command
from regulens.core.errors import InputError


@command("schema", manifests=False)
def schema(*, write: bool = False, check: bool = False, root: Path = Path(".")) -> None:
    """JSON schema and key table of the configuration: generate them, or check that they are up to date.

    Arguments:
        write: write the generated files.
        check: fail when they are out of date.
        root: the repository.
    """
    from regulens.report import documents

    if write == check:
        raise InputError("give --write or --check")
    (documents.write if write else documents.check)(root)


@command("configuration", manifests=False)
def configuration(configfile: Path, /, output: Path) -> None:
    """Write the settings of every step of a run to one file, from which its commands read them.

    A run does this itself before its first job.

    Arguments:
        output: YAML to write; a run's is results/<run>/configuration.yaml.
    """
    from regulens.config import load, resolved, to_yaml
    from regulens.core.io import write_text

    write_text(to_yaml(resolved(load(configfile))), output)


@command("preflight", manifests=False)
def preflight(
    *,
    configfile: Path,
    partition: str | None = None,
    gpus: int | None = None,
    gpu_model: str | None = None,
    conda: bool = False,
) -> None:
    """List everything that a run is missing, each with its remedy; the workflow does this before its first job.

    Arguments:
        configfile: complete configuration file.
        partition: SLURM partition of the training jobs; none: not checked.
        gpus: GPUs of a training job; none: `devices` of the training.
        gpu_model: GPU model as the cluster calls it, e.g. a100.
        conda: rules run in conda environments.
    """
    from regulens.cluster.preflight import GpuRequest, comparison_programs, problems
    from regulens.config import load

    config, requests = load(configfile), []
    if partition:
        study = config.genomic_interpreter
        requests = [
            GpuRequest("train_assay_model", partition, gpus or (study.training.devices if study else 1), gpu_model)
        ]
    if found := problems(config, requests, conda):
        raise InputError("the run cannot start:\n" + "\n".join(f"  * {problem}" for problem in found))
    for sentence in [] if conda else comparison_programs(config):
        print(sentence)
    print(f"{configfile}: nothing is missing")


@command("plan", manifests=False)
def plan(
    *,
    configfile: Path = Path("config/config.yaml"),
    write: bool = False,
    check: bool = False,
    document: Path = Path("docs/scale.md"),
    root: Path = Path("."),
) -> None:
    """Estimate bytes, GPU-hours and jobs of every stage of a configuration (docs/scale.md: of config/config.yaml).

    Arguments:
        configfile: complete configuration file.
        write: write the document instead of printing it.
        check: fail when the document is out of date.
        document: document to write or check.
        root: the repository.
    """
    from regulens.cluster import plan
    from regulens.cluster.cost import Gpu
    from regulens.cluster.rates import TABLE, read_rates
    from regulens.cluster.resources import REHEARSED, rehearsal_section
    from regulens.config import load

    if write and check:
        raise InputError("give --write or --check, not both")
    gpu = Gpu(rates=read_rates(root / TABLE))
    config, jobs = load(configfile), plan.count_jobs(configfile, root)
    rehearsed = rehearsal_section(root / REHEARSED, config, jobs) if config.run == "paper" else ""
    text = plan.document(config, jobs, str(configfile), gpu, rehearsed)
    if check:
        plan.check(root / document, text)
    elif write:
        plan.write(root / document, text)
    else:
        print(text, end="")


@command("trace", manifests=False)
def trace(
    file: Path, /, *, run: Path | None = None, verify: bool = False, json: bool = False, all: bool = False
) -> None:
    """Trace a file back, step by step, to downloads, simulations and your own files.

    ``file``: a figure, a table or any other file that regulens made.

    Arguments:
        run: folder of the run (results/<run>) that a figure elsewhere, such as in a mail, is a copy from.
        verify: read every file again and compare its sha256.
        json: print the chain as JSON.
        all: list every file, instead of the first two of many files made by the same command.
    """
    from rich.console import Console

    from regulens.provenance.trace import as_json, chain, original, tree

    steps = chain(original(file, run) if run else file, verify)
    if json:
        print(as_json(steps))
    else:
        # Long lines are not wrapped when the output goes to a file.
        Console(width=None if sys.stdout.isatty() else 1000).print(tree(steps, all))
    if problems := [step.problem for step in steps if step.problem]:
        raise InputError("the chain of manifests is broken:\n" + "\n".join(f"  * {problem}" for problem in problems))
