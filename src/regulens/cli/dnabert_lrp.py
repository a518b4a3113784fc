"""Commands that make the tables and figures of the DNABERT + LRP study."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import (
    CsvOption,
    MdOption,
    PdfOption,
    PngOption,
    PublishedOption,
    RunsOption,
    SettingsOption,
    TexOption,
    parse,
    parse_runs,
    part,
)
from regulens.core.errors import InputError
from regulens.core.runs import TaskRun
from regulens.core.settings import nearest
from regulens.interpret.scores import score_label

app = typer.Typer(no_args_is_help=True, help=__doc__)
TaskOption = Annotated[str, typer.Option("--task", help="Name of the task.")]
MotifsArgument = Annotated[Path, typer.Argument(help="Folder with the motifs of each score of the task.")]


def task_runs(options: list[str], values: dict) -> list[TaskRun]:
    """`TASK:SEED=FILE` options with the labels of the tasks in the settings."""
    labels = {name: entry["label"] for name, entry in part(values, "tasks").items()}
    return [TaskRun(*run) for run in parse_runs(options, labels)]


def class_names(values: dict) -> dict[str, dict[str, str]]:
    """Names of the classes of every task in the settings."""
    return {name: entry["classes"] for name, entry in part(values, "tasks").items()}


def published_tasks(values: dict) -> dict[str, str | None]:
    """The paper's task that each task in the settings repeats; None for one of the user's own."""
    return {name: entry.get("published") for name, entry in values.get("tasks", {}).items()}


def known_task(task: str, names: dict) -> str:
    """``task``; raises `InputError` with the nearest name when it is not among ``names``."""
    if task not in names:
        raise InputError(f"--task {task}: no such task; {nearest(task, list(names))}")
    return task


@app.command("filters")
def filters(run: RunsOption, settings: SettingsOption, csv: CsvOption, md: MdOption) -> None:
    """Table: sequences that each filter removed."""
    from regulens.studies.dnabert_lrp.filters import filters_table

    values = parse(settings)
    tables = {entry.task: (entry.label, entry.path) for entry in task_runs(run, values)}
    filters_table(tables, csv, md, class_names(values))


@app.command("section51")
def section51(
    run: RunsOption, published: PublishedOption, settings: SettingsOption, csv: CsvOption, md: MdOption, tex: TexOption
) -> None:
    """Section 5.1: metrics of the test set, and of its part apart from training, beside a logistic regression."""
    from regulens.studies.dnabert_lrp.section51 import classifier_table

    values = parse(settings)
    runs, k, note = task_runs(run, values), part(values, "reference_k"), part(values, "data_note")
    known = published_tasks(values)
    classifier_table(runs, published, csv, md, tex, kmer=k, published_as=known, data_note=note)


@app.command("table1")
def table1(
    run: RunsOption, published: PublishedOption, settings: SettingsOption, csv: CsvOption, md: MdOption, tex: TexOption
) -> None:
    """Table 1: accuracy after mutating what LRP and attention find important."""
    from regulens.studies.dnabert_lrp.table1 import mutagenesis_table

    values = parse(settings)
    mutagenesis_table(
        task_runs(run, values),
        published,
        csv,
        md,
        tex,
        n=part(values, "mutations")[-1],
        class_names=class_names(values),
        published_as=published_tasks(values),
        data_note=part(values, "data_note"),
    )


@app.command("paired-tests")
def paired_tests(run: RunsOption, settings: SettingsOption, csv: CsvOption, md: MdOption) -> None:
    """Paired tests of every score against attention and against random positions."""
    from regulens.studies.dnabert_lrp.paired_tests import paired_tests_table

    values = parse(settings)
    runs, n, note = task_runs(run, values), part(values, "mutations")[-1], part(values, "data_note")
    paired_tests_table(runs, csv, md, n=n, class_names=class_names(values), data_note=note)


@app.command("claims")
def claims(
    table1_csv: Annotated[Path, typer.Option("--table1", help="Table 1, CSV.")],
    paired: Annotated[Path, typer.Option("--paired-tests", help="Paired tests, CSV.")],
    section51_csv: Annotated[Path, typer.Option("--section51", help="Table of Section 5.1, CSV.")],
    filters_csv: Annotated[Path, typer.Option("--filters", help="Table of the filters, CSV.")],
    published: PublishedOption,
    settings: SettingsOption,
    csv: CsvOption,
    md: MdOption,
    section53_csv: Annotated[
        list[Path] | None, typer.Option("--section53", help="Table of Section 5.3, CSV; once for each task.")
    ] = None,
    truth_csv: Annotated[Path | None, typer.Option("--truth", help="Scores against known sites, CSV.")] = None,
) -> None:
    """What the paper says of its scores, whether this run shows it, and what the paper's own numbers show."""
    from regulens.studies.dnabert_lrp.claims import Tables, claims_table

    values = parse(settings)
    claims_table(
        Tables(table1_csv, paired, section51_csv, filters_csv, section53_csv or [], truth_csv),
        published,
        csv,
        md,
        n=part(values, "mutations")[-1],
        published_as=published_tasks(values),
        given_splits=part(values, "given_splits"),
        data_note=part(values, "data_note"),
    )


@app.command("truth")
def truth(
    run: RunsOption, settings: SettingsOption, csv: CsvOption, md: MdOption, pdf: PdfOption, png: PngOption
) -> None:
    """Every score against the known motif sites."""
    from regulens.studies.dnabert_lrp.truth import truth as make

    values = parse(settings)
    make(task_runs(run, values), csv, md, pdf, png, data_note=part(values, "data_note"))


@app.command("section53")
def section53(
    motifs: MotifsArgument,
    task: TaskOption,
    annotation: Annotated[Path, typer.Option("--annotation", help="Factor, class and family of each target.")],
    published: PublishedOption,
    settings: SettingsOption,
    csv: CsvOption,
    md: MdOption,
) -> None:
    """Section 5.3: the factors that the motifs of each score resemble."""
    from regulens.studies.dnabert_lrp.section53 import ScoreMotifs, table53

    values = parse(settings)
    runs = [
        ScoreMotifs(score, score_label(score), motifs / score / "motifs.csv", motifs / score / "tomtom.tsv")
        for score in part(values, "scores")
    ]
    known, note = published_tasks(values), part(values, "data_note")
    if known:
        known_task(task, known)
    table53(runs, annotation, published, csv, md, task=task, published_as=known, data_note=note)
