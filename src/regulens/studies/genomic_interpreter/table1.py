"""Table 1 of Genomic Interpreter: mean Pearson correlation of every model on every track group."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.published import published_numbers
from regulens.core.runs import Run, labelled
from regulens.core.statistics import mean_interval
from regulens.core.tables import TextTable, decimal, groups_of, models_of, read_correlations, with_sd, write_csv
from regulens.training.settings import REFERENCE_ROWS, REPLICATE

# Table 1 as Markdown and LaTeX, with the same cells and notes.

PUBLISHED_DIGITS = 4


class Cell(NamedTuple):
    """One cell: the measured number as text, whether it is the column's best, and the paper's number or ''."""

    measured: str
    best: bool
    published: str


def cells(table: pd.DataFrame) -> dict[tuple[str, str], Cell]:
    """Text of every cell by (model, group).

    The best model of a column is marked, ties at the printed precision included; reference rows never are.
    """
    best = {}
    models = table[~table["model"].isin(REFERENCE_ROWS)]
    for group, part in models.groupby("group"):
        best[group] = decimal(part["pearson"].max())
    result = {}
    for row in table.itertuples():
        is_best = pd.notna(row.pearson) and row.model not in REFERENCE_ROWS and decimal(row.pearson) == best[row.group]
        measured = with_sd(row.pearson, row.sd)
        published = "" if pd.isna(row.published) else f"{row.published:.{PUBLISHED_DIGITS}f}"
        result[row.model, row.group] = Cell(measured, is_best, published)
    return result


def notes(table: pd.DataFrame, data_note: str | None) -> list[str]:
    """Sentences under the table, each true of this table."""
    seeds = table["n_seeds"].max()
    lines = ["Mean Pearson correlation over the tracks of a group; the correlation of a track is over all test bins."]
    if seeds > 1:
        lines.append(f"± is the standard deviation over {seeds} seeds.")
    lines.append("Bold: best model of the column, reference rows aside.")
    for group, part in table[table["behind_high"] > 0].groupby("group", sort=False):
        lines.append(
            f"{group}: not told apart from the best, by the 95 % interval of the paired difference over tracks: "
            f"{', '.join(part['label'])}."
        )
    if table["published"].notna().any():
        lines.append("In brackets: the paper's number, measured on the paper's data and tracks.")
    if data_note:
        lines.append(data_note)
    flat = _flat_groups(table)
    for group, tracks in flat.items():
        which = "its track does" if tracks == 1 else f"its {tracks} tracks do"
        out = "; left out of Overall" if group != OVERALL and OVERALL not in flat else ""
        lines.append(f"{group}: undefined, because {which} not vary in the test set{out}.")
    undefined = table[table["pearson"].isna() & ~table["group"].isin(list(flat))]
    if (table["model"] == REPLICATE).any():
        label = REFERENCE_ROWS[REPLICATE]
        lines.append(
            f"{label}: each track predicted by the mean of its replicates. A model hardly gets further, unless it "
            "averages out the noise of single measurements."
        )
        if without := list(undefined.loc[undefined["model"] == REPLICATE, "group"]):
            lines.append(f"{label} on {', '.join(without)}: undefined, because tracks have no replicate.")
        undefined = undefined[undefined["model"] != REPLICATE]
    for label in dict.fromkeys(undefined["label"]):
        groups = list(undefined.loc[undefined["label"] == label, "group"])
        where = "" if len(groups) == table["group"].nunique() - len(flat) else f" on {', '.join(groups)}"
        lines.append(f"{label}{where}: undefined, because a prediction that does not vary has no correlation.")
    lines += _constant_tracks(table) + _beaten_by_reference(table)
    return lines


def _flat_groups(table: pd.DataFrame) -> dict[str, int]:
    """Groups in which no measured track varies, and their numbers of tracks."""
    flat = table[table["n_flat"] == table["n_tracks"]]
    return dict(zip(flat["group"], flat["n_tracks"], strict=True))


def _constant_tracks(table: pd.DataFrame) -> list[str]:
    defined = table[table["pearson"].notna() & (table["group"] != "Overall") & (table["model"] != REPLICATE)]
    left_out = defined[defined["n_constant"] > 0]
    if left_out.empty:
        return [] if _flat_groups(table) else ["No track was constant, none is left out."]
    lines = []
    for group, part in left_out.groupby("group", sort=False):
        rows = defined[defined["group"] == group]
        counts = ", ".join(f"{row.label} {row.n_constant}" for row in part.itertuples())
        if len(part) == len(rows) and part["n_constant"].nunique() == 1:
            counts = f"{part['n_constant'].iloc[0]} in every row"
        lines.append(f"Constant tracks left out of {group} (of {part['n_tracks'].iloc[0]}): {counts}.")
    return lines


def _beaten_by_reference(table: pd.DataFrame) -> list[str]:
    table = table[table["model"] != REPLICATE]
    is_reference = table["model"].isin(REFERENCE_ROWS)
    best = table[~is_reference].groupby("group")["pearson"].max()
    lines = []
    for label, part in table[is_reference & table["pearson"].notna()].groupby("label", sort=False):
        groups = [row.group for row in part.itertuples() if row.pearson > best.get(row.group, float("inf"))]
        if groups:
            lines.append(f"{label} is above every model on {', '.join(groups)}.")
    return lines


def text_table(table: pd.DataFrame, data_note: str | None = None) -> TextTable:
    """The formatted table; numbers of tracks are in the header."""
    text, labels, tracks = cells(table), models_of(table), _tracks(table)
    rows = []
    for model, label in labels.items():
        of_model = [text[model, group] for group in tracks]
        measured = [f"**{cell.measured}**" if cell.best else cell.measured for cell in of_model]
        beside = [f" ({cell.published})" if cell.published else "" for cell in of_model]
        rows.append([label, *map("".join, zip(measured, beside, strict=True))])
    first_reference = [number for number, model in enumerate(labels) if model in REFERENCE_ROWS][:1]
    return TextTable(
        ["Model", *(f"{group} ({count} track{'s' * (count != 1)})" for group, count in tracks.items())],
        rows,
        notes(table, data_note),
        others="c",
        caption="Pearson correlation of assay models on the test set.",
        blocks=first_reference,
    )


def _tracks(table: pd.DataFrame) -> dict[str, int]:
    """Number of tracks of every group."""
    return dict(table.drop_duplicates("group")[["group", "n_tracks"]].itertuples(index=False, name=None))


def to_markdown(table: pd.DataFrame, data_note: str | None = None) -> str:
    """The table as GitHub-flavoured Markdown, with its notes as a list."""
    return text_table(table, data_note).markdown()


def to_latex(table: pd.DataFrame, data_note: str | None = None) -> str:
    """The table as a LaTeX ``table`` (package booktabs), with its notes below the rules."""
    tracks = _tracks(table)
    two_lines = {"header": ["Model", *tracks], "units": ["", *(f"$n = {count}$" for count in tracks.values())]}
    return replace(text_table(table, data_note), **two_lines).latex(size="")


OVERALL = "Overall"

COLUMNS = ["model", "label", "group", "pearson", "sd", "n_seeds", "n_tracks", "n_constant", "published"]
COLUMNS += ["behind", "behind_low", "behind_high"]


def group_means(correlations: pd.DataFrame, groups: Sequence[str] | None = None) -> pd.DataFrame:
    """Mean Pearson correlation of every model on every track group and over all tracks.

    The mean over tracks is taken for each seed; ``pearson`` and ``sd`` are the mean and the sample standard deviation
    of those (NaN with one seed). A track without a correlation, because its target or prediction is constant, is left
    out of the mean and counted in ``n_constant`` (with several seeds: the largest count), and in ``n_flat`` if its
    target is constant. The mean over replicates is undefined for a group in which a track has none. See docs/papers.md,
    "Track correlation".

    Arguments:
        correlations: tidy table of ``read_correlations``.
        groups: order of the track groups; None: as they occur.

    Returns columns model, label, group ('Overall' last), pearson, sd, n_seeds, n_tracks, n_constant, n_flat; models in
    the order of the table, reference rows after them. ``behind``: of a model, the difference from the best of its group
    and the limits of its 95 % t interval over tracks, which are paired.
    """
    groups = groups_of(correlations, groups)
    labels = models_of(correlations)
    rows = []
    for model in ordered_models(labels):
        of_model = correlations[correlations["model"] == model]
        for group in [*groups, OVERALL]:
            part = of_model if group == OVERALL else of_model[of_model["group"] == group]
            seeds = part.groupby("seed")["pearson"]
            means = seeds.mean().dropna()
            if model == REPLICATE and (part["constant"] == "prediction").any():
                means = means[:0]
            rows.append(
                {
                    "model": model,
                    "label": labels[model],
                    "group": group,
                    "pearson": means.mean() if len(means) else np.nan,
                    "sd": means.std(ddof=1) if len(means) > 1 else np.nan,
                    "n_seeds": part["seed"].nunique(),
                    "n_tracks": part["track"].nunique(),
                    "n_constant": int(seeds.apply(lambda r: r.isna().sum()).max()),
                    "n_flat": part.loc[part["constant"] == "target", "track"].nunique(),
                }
            )
    means = pd.DataFrame(rows)
    return means.join(_behind_the_best(correlations, means))


def _behind_the_best(correlations: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """Mean r of each row less that of the best model of its group, and the paired t interval over tracks; or NaN."""
    by_track = correlations.groupby(["group", "track", "model"])["pearson"].mean().unstack("model")
    rows = pd.DataFrame(np.nan, means.index, ["behind", "behind_low", "behind_high"])
    models = means[~means["model"].isin(REFERENCE_ROWS) & means["pearson"].notna()]
    for group, part in models.groupby("group"):
        tracks = by_track if group == OVERALL else by_track.loc[group]
        best = part.loc[part["pearson"].idxmax(), "model"]
        for index, model in part["model"].items():
            gaps = (tracks[model] - tracks[best]).dropna()
            if model != best:
                rows.loc[index] = (gaps.mean(), *mean_interval(gaps.mean(), gaps.std(), len(gaps)))
    return rows


def ordered_models(names: Sequence[str]) -> list[str]:
    """Model names with the reference rows moved to the end."""
    return [name for name in names if name not in REFERENCE_ROWS] + [name for name in REFERENCE_ROWS if name in names]


def read_published(path: Path | str) -> dict[tuple[str, str], float]:
    """Numbers of the paper's Table 1: (model, group) to mean Pearson correlation."""
    known = published_numbers(path, "genomic_interpreter", "table1", "pearson")
    return {(place.subject, place.condition): number.value for place, number in known.items()}


@command("genomic-interpreter table1")
def table1(
    runs: Sequence[Run],
    /,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    tex: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
    groups: Part[Mapping[str, Sequence[str]] | None] = None,
    data_note: Part[str | None] = None,
    published_as: Part[Mapping[str, str | None] | None] = None,
) -> pd.DataFrame:
    """Table 1: Pearson correlation by model and track group, as tidy CSV, Markdown and LaTeX (booktabs).

    Arguments:
        runs: per-track correlation tables, models in the order of the rows; the reference rows ``mean`` and
            ``gc_cpg_ridge`` come last in any case.
        published: ``config/published.csv``.
        csv, md, tex: the table, to write.
        labels: names of the models in the table.
        groups: the track groups in their order; only those that occur are shown.
        data_note: one sentence on the data, printed under the table; it should say if they are not the paper's.
        published_as: the paper's model whose numbers stand beside those of a model; none: no numbers.

    Returns the tidy table. Raises InputError on a missing file or column, or runs over different tracks.
    """
    correlations = read_correlations(labelled(runs, labels))
    table = group_means(correlations, groups)
    known = read_published(published)
    models = [(published_as or {}).get(model) for model in table["model"]]
    table["published"] = [known.get(key, np.nan) for key in zip(models, table["group"], strict=True)]
    write_csv(table[COLUMNS], csv)
    write_text(to_markdown(table, data_note), md)
    write_text(to_latex(table, data_note), tex)
    return table[COLUMNS]
