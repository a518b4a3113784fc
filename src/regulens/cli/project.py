"""Commands about the project itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from regulens.core.errors import InputError

app = typer.Typer()
ConfigOption = Annotated[Path, typer.Option("--configfile", help="Complete configuration file.")]


@app.command("schema")
def schema(
    write: Annotated[bool, typer.Option("--write", help="Write the generated files.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail when they are out of date.")] = False,
    root: Annotated[Path, typer.Option(help="The repository.")] = Path("."),
) -> None:
    """JSON schema and key table of the configuration: generate them, or check that they are up to date."""
    from regulens.config import docs

    if write == check:
        raise InputError("give --write or --check")
    (docs.write if write else docs.check)(root)


@app.command("preflight")
def preflight(
    configfile: ConfigOption,
    partition: Annotated[
        str | None, typer.Option(help="SLURM partition of the training jobs; none: not asked.")
    ] = None,
    gpus: Annotated[int | None, typer.Option(help="GPUs of a training job; none: `devices` of the training.")] = None,
    gpu_model: Annotated[str | None, typer.Option(help="GPU model as the cluster calls it, e.g. a100.")] = None,
    conda: Annotated[bool, typer.Option("--conda", help="Rules run in conda environments.")] = False,
) -> None:
    """Everything that a run is missing, at once, each with its remedy; the workflow does this before its first job."""
    from regulens.cluster.preflight import GpuRequest, problems
    from regulens.config import load

    config, requests = load(configfile), []
    if partition:
        study = config.genomic_interpreter
        requests = [
            GpuRequest("train_assay_model", partition, gpus or (study.training.devices if study else 1), gpu_model)
        ]
    if found := problems(config, requests, conda):
        raise InputError("the run cannot start:\n" + "\n".join(f"  * {problem}" for problem in found))
    print(f"{configfile}: nothing is missing")


@app.command("plan")
def plan(
    configfile: ConfigOption = Path("config/config.yaml"),
    write: Annotated[bool, typer.Option("--write", help="Write the document instead of printing it.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail when the document is out of date.")] = False,
    document: Annotated[Path, typer.Option("--document", help="Document to write or check.")] = Path("docs/scale.md"),
    root: Annotated[Path, typer.Option(help="The repository.")] = Path("."),
) -> None:
    """Bytes, GPU-hours and jobs of every stage of a configuration (docs/scale.md is that of config/config.yaml)."""
    from regulens.cluster import plan
    from regulens.cluster.plan import count_jobs
    from regulens.config import load

    if write and check:
        raise InputError("give --write or --check, not both")
    text = plan.document(load(configfile), count_jobs(configfile, root), str(configfile))
    if check:
        plan.check(root / document, text)
    elif write:
        plan.write(root / document, text)
    else:
        print(text, end="")


@app.command("trace")
def trace(
    file: Annotated[Path, typer.Argument(help="A figure, a table or any other file that regulens made.")],
    verify: Annotated[bool, typer.Option("--verify", help="Read every file again and compare its sha256.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the chain as JSON.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every one of many files alike.")] = False,
) -> None:
    """Where a file comes from, step by step back to downloads, simulations and files of your own."""
    from rich.console import Console

    from regulens.provenance import trace
    from regulens.provenance.trace import tree

    steps = trace.chain(file, verify)
    if as_json:
        print(trace.as_json(steps))
    else:
        # A file gets whole lines, however long.
        Console(width=None if sys.stdout.isatty() else 1000).print(tree(steps, everything))
    if problems := [step.problem for step in steps if step.problem]:
        raise InputError("the chain does not hold:\n" + "\n".join(f"  * {problem}" for problem in problems))
