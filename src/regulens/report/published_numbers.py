"""Tables of docs/published-numbers.md: every number of config/published.csv beside the one obtained here."""

from pathlib import Path

import pandas as pd

from regulens.core.published import published_numbers, published_texts
from regulens.core.tables import TextTable, read_table

GROUPS = ("DNase", "ChIP", "CAGE", "Overall")
CONDITIONS = {"n=0": "n=0", "LRP*": "LRP*,n=20", "attention": "attention,n=20", "n=all": "n=200"}
"""Column of our Table 1 of the second study to its condition in the published table."""
HYBRID_METRICS = {
    "task1": {"aupr": "AUPR", "tpr": "TPR", "fpr": "FPR"},
    "task2": {
        "classification_auroc": "AUROC",
        "saliency_auroc": "Saliency AUROC",
        "saliency_aupr": "Saliency AUPR",
        "saliency_snr": "Saliency SNR",
    },
}
NOT_RUN = "–"


def tables(root: Path) -> str:
    """Markdown of all tables, from ``config/published.csv`` and ``docs/reproduction`` of the repository at ``root``."""
    published, here = root / "config/published.csv", root / "docs/reproduction"
    parts = [
        (
            "Genomic Interpreter, Table 1: Pearson r",
            _assay(published, here / "genomic_interpreter/human_windows/table1.csv"),
        ),
        ("DNABERT-LRP, Table 1: accuracy", _mutagenesis(published, here / "dnabert_lrp/table1.csv")),
        ("DNABERT-LRP, Section 5.1: test accuracy", _accuracy(published, here / "dnabert_lrp/section51.csv")),
        (
            "DNABERT-LRP, Section 5.3: class of the top motif, promoters",
            # Of the one promoter task that is searched for motifs, by whatever split.
            _motifs(published, min(here.glob("dnabert_lrp/section53_promoters*.csv"))),
        ),
        ("Hybrid networks, task 1", _hybrid(published, here / "hybrid_networks/task1.csv", "task1")),
        ("Hybrid networks, task 2", _hybrid(published, here / "hybrid_networks/task2.csv", "task2")),
    ]
    return "\n\n".join(f"## {title}\n\n{table}" for title, table in parts)


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    return TextTable(header, rows, left=len(header)).markdown(padded=False).rstrip("\n")


def _pair(published: float, measured: float | None, digits: int) -> str:
    here = NOT_RUN if measured is None or pd.isna(measured) else f"{measured:.{digits}f}"
    return f"{published:.{digits}f} / {here}"


def _assay(published: Path, path: Path) -> str:
    table = read_table(path, ["model", "label", "group", "pearson"])
    measured = {(row.model, row.group): row.pearson for row in table.itertuples()}
    labels = dict(zip(table["model"], table["label"], strict=True))
    known = published_numbers(published, "genomic_interpreter", "table1")
    rows = [
        [labels.get(name, name), *(_pair(known[name, "pearson", g].value, measured.get((name, g)), 4) for g in GROUPS)]
        for name in dict.fromkeys(place.subject for place in known)
    ]
    return _markdown(["Model", *GROUPS], rows)


def _mutagenesis(published: Path, path: Path) -> str:
    table = read_table(path, ["class", "column", "accuracy", "published_as"])
    # A task that the paper does not have (`published_as` empty) has no row.
    subjects = table["published_as"].fillna("") + "_" + table["class"]
    measured = dict(zip(zip(subjects, table["column"], strict=True), table["accuracy"], strict=True))
    known = published_numbers(published, "dnabert_lrp", "table1")
    rows = []
    for name in dict.fromkeys(place.subject for place in known):
        cells = [
            _pair(known[name, "accuracy", condition].value, measured.get((name, column)), 3)
            for column, condition in CONDITIONS.items()
        ]
        rows.append([name.replace("_", ", "), *cells])
    return _markdown(["Class", "unmutated", "LRP*, n = 20", "attention, n = 20", "n = 200"], rows)


def _accuracy(published: Path, path: Path) -> str:
    table = read_table(path, ["task", "subset", "value", "published"])
    shown = table[table["published"].notna() & (table["subset"] == "all")]
    measured = {row.task: row.value for row in shown.itertuples()}
    known = published_numbers(published, "dnabert_lrp", "section51")
    rows = [
        [place.subject.capitalize(), _pair(number.value, measured.get(place.subject), 3)]
        for place, number in known.items()
    ]
    return _markdown(["Task", "Accuracy"], rows)


def _motifs(published: Path, path: Path) -> str:
    table = read_table(path, ["score", "rank", "target_name", "tf_class"])
    top = {row.score: f"{row.tf_class} ({row.target_name})" for row in table[table["rank"] == 1].itertuples()}
    known = published_texts(published, "dnabert_lrp", "section53")
    rows = [[place.subject, text, top.get(place.subject, NOT_RUN)] for place, text in known.items()]
    return _markdown(["Score", "published", "here"], rows)


def _hybrid(published: Path, path: Path, item: str) -> str:
    table = read_table(path, ["label", "activation", "metric", "mean"])
    measured = {(row.label, row.metric, row.activation): row.mean for row in table.itertuples()}
    known, metrics = published_numbers(published, "hybrid_networks", item), HYBRID_METRICS[item]
    rows = []
    for name, activation in dict.fromkeys((place.subject, place.condition) for place in known):
        keys = [(name, metric, activation) for metric in metrics]
        rows.append([name, activation, *(_pair(known[key].value, measured.get(key), 3) for key in keys)])
    return _markdown(["Network", "first layer", *metrics.values()], rows)
