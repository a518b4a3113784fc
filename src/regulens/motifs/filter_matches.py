"""Which filters match a planted motif, and the paper's rates (docs/papers.md, "Filter rates")."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.tables import read_table, write_csv
from regulens.motifs.jaspar import ANNOTATION_COLUMNS
from regulens.motifs.settings import FilterSettings
from regulens.motifs.tomtom import read_hits

ALIGNED_COLUMNS = [
    "trial",
    "filter",
    "sites",
    "maximum_activation",
    "width",
    "start",
    "information_bits",
    "clipped",
    "empty",
]
"""Table of aligned filters: ``width`` and ``start`` of the motif in its window, in bp from 0; ``information_bits`` of
the motif as a whole; ``clipped``: the motif was clipped to informative columns (otherwise it is flat and the whole
window is kept); ``empty``: no site, so uniform."""

FILTER_COLUMNS = [
    "trial",
    "filter",
    "width",
    "sites",
    "hits",
    "best_target",
    "best_name",
    "best_q",
    "truth",
    "matched",
]
"""Table of matched filters: ``best_*`` is the hit with the lowest q (then p); ``truth`` is the planted motif of the
best true hit (one of `mislabelled_targets` only if there is no other), or empty; ``matched``: the filter has a hit that
is not ignored. A false positive is matched but has no truth."""

STATISTICS_COLUMNS = [
    "trial",
    "filters",
    "tpr",
    "fpr",
    "match_any",
    "motif_recall",
    "false_discovery",
    "no_hit",
    "flat",
    "empty",
]


def filter_id(trial: int, number: int) -> str:
    """Identifier of a filter in MEME text and in tables of hits, e.g. ``trial0_filter07``."""
    return f"trial{trial}_filter{number:02d}"


@command("match-filters")
def match_filters(
    hits: Path | str,
    /,
    targets: Path | str,
    aligned: Path | str,
    settings: Part[FilterSettings],
    output: Path | str,
    statistics: Path | str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Best match of every filter, and the share that matches planted and other motifs, by trial; returns both tables.

    Arguments:
        hits: table of `tomtom.compare` with the filters of all trials as queries.
        targets: annotation of `jaspar.write_targets`.
        aligned: table of aligned filters (`ALIGNED_COLUMNS`).
        settings: planted motifs, ignored targets.
        output: CSV with `FILTER_COLUMNS`, one row per filter.
        statistics: CSV with `STATISTICS_COLUMNS`, one row per trial; all are shares of the trial's filters except
            ``motif_recall`` and ``false_discovery``; see `trial_statistics`.

    Hits of filters without an informative column count only if ``count_flat`` is set: with the distance ed a
    flat motif always matches a few long targets of low information (in JASPAR 2020: MA1284.1, MA0068.1). A filter that
    matches only `ignored_targets` has hits but is not ``matched``.

    Raises `InputError` if a file is missing or malformed, if files do not belong together, and if no target of a
    planted motif was compared.
    """
    of_motif = settings.motif_of
    table = read_table(aligned, ALIGNED_COLUMNS, keep_default_na=False)
    annotation = read_table(targets, ANNOTATION_COLUMNS, keep_default_na=False, sep="\t")
    found, _ = read_hits(hits)
    names = dict(zip(annotation["matrix_id"], annotation["name"], strict=True))
    for name, ids in settings.truth.items():
        if not any(target in names for target in ids):
            raise InputError(
                f"{targets}: no target of filters.truth.{name} ({', '.join(ids)}) is there: compare with another "
                "JASPAR release, with all versions, or correct the list"
            )
    table = table.assign(query=[filter_id(*pair) for pair in zip(table["trial"], table["filter"], strict=True)])
    for column, known, where in (("query", set(table["query"]), aligned), ("target", set(names), targets)):
        strange = sorted(set(found[column]) - known)
        if strange:
            raise InputError(f"{hits}: the {column} {strange[0]} is not in {where}: compare the motifs again")
    if not settings.count_flat:
        found = found[found["query"].isin(table.loc[table["clipped"], "query"])]
    found = found.sort_values(["q_value", "p_value"], kind="stable").assign(
        best_name=found["target"].map(names),
        # q = 1 is not a hit; the published comparison reports only q <= 0.1
        truth=found["target"].map(of_motif).where(found["q_value"] < 1),
        mislabelled=found["target"].isin(settings.mislabelled_targets),
        considered=~found["target"].isin(settings.ignored_targets),
    )
    true = found.dropna(subset="truth").sort_values("mislabelled", kind="stable")
    by_query = found.groupby("query")
    best = found.drop_duplicates("query").set_index("query")[["target", "q_value", "best_name"]]
    best = best.rename(columns={"target": "best_target", "q_value": "best_q"})
    table = table.join(by_query.size().rename("hits"), on="query").join(best, on="query")
    table = table.join(true.groupby("query")["truth"].first(), on="query")
    table = table.join(by_query["considered"].any().rename("matched"), on="query")
    table["hits"] = table["hits"].fillna(0).astype(int)
    table["matched"] = table["matched"].eq(True)
    table = table.fillna({"best_target": "", "best_name": "", "truth": ""})
    recalled = true[~true["mislabelled"]].groupby("query")["truth"].unique().to_dict()
    rows = [trial_statistics(part, recalled, len(settings.truth)) for _, part in table.groupby("trial", sort=False)]
    rates = pd.DataFrame(rows, columns=STATISTICS_COLUMNS)
    table = table[FILTER_COLUMNS]
    write_csv(table, output)
    write_csv(rates, statistics)
    return table, rates


def trial_statistics(filters: pd.DataFrame, recalled: dict[str, Sequence[str]], motifs: int) -> dict[str, float]:
    """Rates of one trial (`STATISTICS_COLUMNS`).

    Arguments:
        filters: the trial's rows with ``trial``, ``query``, ``hits``, ``truth``, ``matched``, ``clipped``, ``empty``.
        recalled: planted motifs that each filter truly matches, by ``query``.
        motifs: number of planted motifs.

    As published, as shares of all F filters: ``tpr``, with a hit to any planted motif; ``match_any``, with a hit that
    is not ignored; ``fpr = match_any - tpr``. These are not true and false positive rates in the usual sense, so we
    also give ``motif_recall``, the share of planted motifs that some filter matches (`mislabelled_targets` aside);
    ``false_discovery``, the share of filters with hits that have none to a planted motif (NaN without hits);
    ``no_hit``, filters without a hit; ``flat`` and ``empty``, filters without an informative column and without a site.

    The published code gives a TPR of 0 if filter 0 is the only match (it tests whether any *index* is true); here that
    filter counts.
    """
    count = len(filters)
    true, matched, hit = filters["truth"] != "", filters["matched"], filters["hits"] > 0
    return {
        "trial": filters["trial"].iloc[0],
        "filters": count,
        "tpr": true.sum() / count,
        "fpr": (matched.sum() - true.sum()) / count,
        "match_any": matched.sum() / count,
        "motif_recall": len({name for query in filters["query"] for name in recalled.get(query, ())}) / motifs,
        "false_discovery": (hit & ~true).sum() / hit.sum() if hit.any() else np.nan,
        "no_hit": (~hit).sum() / count,
        "flat": (~filters["clipped"]).sum() / count,
        "empty": filters["empty"].sum() / count,
    }
