"""The tables of docs/published-numbers.md: every number of config/published.csv, and what came out here."""

from pathlib import Path

import pandas as pd

from regulens.core.errors import InputError

GROUPS = ("DNase", "ChIP", "CAGE", "Overall")
CONDITIONS = {"n=0": "n=0", "LRP*": "LRP*,n=20", "attention": "attention,n=20", "n=all": "n=200"}
"""Column of the reproduced Table 1 of the second study, and its condition in the published table."""
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
    published = _read(root / "config/published.csv", "value")
    here = root / "docs/reproduction"
    parts = [
        ("Genomic Interpreter, Table 1: Pearson r", _assay(published, here / "genomic_interpreter/table1.csv")),
        ("DNABERT + LRP, Table 1: accuracy", _mutagenesis(published, here / "dnabert_lrp/table1.csv")),
        ("DNABERT + LRP, Section 5.1: test accuracy", _accuracy(published, here / "dnabert_lrp/section51.csv")),
        (
            "DNABERT + LRP, Section 5.3: class of the top motif, promoters",
            _motifs(published, here / "dnabert_lrp/section53_promoters.csv"),
        ),
        ("Hybrid networks, task 1", _hybrid(published, here / "hybrid_networks/task1.csv", "task1")),
        ("Hybrid networks, task 2", _hybrid(published, here / "hybrid_networks/task2.csv", "task2")),
    ]
    return "\n\n".join(f"### {title}\n\n{table}" for title, table in parts)


def _read(path: Path, *columns: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; docs/published-numbers.md is made from it") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing; docs/published-numbers.md is made from it")
    return table


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _item(published: pd.DataFrame, study: str, item: str) -> dict[tuple[str, str, str], pd.Series]:
    """Rows of one item by subject, metric and condition."""
    rows = published[(published["study"] == study) & (published["item"] == item)].fillna({"condition": ""})
    return {(row["subject"], row["metric"], row["condition"]): row for _, row in rows.iterrows()}


def _pair(published: float, measured: float | None, digits: int) -> str:
    here = NOT_RUN if measured is None or pd.isna(measured) else f"{measured:.{digits}f}"
    return f"{published:.{digits}f} / {here}"


def _assay(published: pd.DataFrame, path: Path) -> str:
    table = _read(path, "model", "label", "group", "pearson")
    measured = {(row.model, row.group): row.pearson for row in table.itertuples()}
    labels = dict(zip(table["model"], table["label"], strict=True))
    items = _item(published, "genomic_interpreter", "table1")
    known = {(model, group): float(row["value"]) for (model, _, group), row in items.items()}
    models = dict.fromkeys(model for model, _ in known)
    rows = [
        [labels.get(model, model), *(_pair(known[model, g], measured.get((model, g)), 4) for g in GROUPS)]
        for model in models
    ]
    return _markdown(["Model", *GROUPS], rows)


def _mutagenesis(published: pd.DataFrame, path: Path) -> str:
    table = _read(path, "class", "column", "accuracy", "published_as")
    # A task that is not the paper's (`published_as` empty) has no row here.
    subjects = table["published_as"].fillna("") + "_" + table["class"]
    measured = dict(zip(zip(subjects, table["column"], strict=True), table["accuracy"], strict=True))
    items = _item(published, "dnabert_lrp", "table1")
    known = {(subject, condition): float(row["value"]) for (subject, _, condition), row in items.items()}
    rows = []
    for subject in dict.fromkeys(subject for subject, _ in known):
        cells = [_pair(known[subject, c], measured.get((subject, name)), 3) for name, c in CONDITIONS.items()]
        rows.append([subject.replace("_", ", "), *cells])
    return _markdown(["Class", "unmutated", "LRP*, n = 20", "attention, n = 20", "n = 200"], rows)


def _accuracy(published: pd.DataFrame, path: Path) -> str:
    table = _read(path, "task", "subset", "row", "metric", "value", "published", "sequences")
    shown = table[table["published"].notna() & (table["subset"] == "all")]
    measured = {row.task: row.value for row in shown.itertuples()}
    items = _item(published, "dnabert_lrp", "section5.1")
    rows = [[s.capitalize(), _pair(float(row["value"]), measured.get(s), 3)] for (s, _, _), row in items.items()]
    return _markdown(["Task", "Accuracy"], rows)


def _motifs(published: pd.DataFrame, path: Path) -> str:
    table = _read(path, "score", "rank", "target_name", "tf_class")
    top = {row.score: f"{row.tf_class} ({row.target_name})" for row in table[table["rank"] == 1].itertuples()}
    items = _item(published, "dnabert_lrp", "section5.3")
    rows = [[score, str(row["value"]), top.get(score, NOT_RUN)] for (score, _, _), row in items.items()]
    return _markdown(["Score", "published", "here"], rows)


def _hybrid(published: pd.DataFrame, path: Path, item: str) -> str:
    table = _read(path, "label", "activation", "metric", "mean")
    measured = {(row.label, row.metric, row.activation): row.mean for row in table.itertuples()}
    known, metrics = _item(published, "hybrid_networks", item), HYBRID_METRICS[item]
    networks = dict.fromkeys((name, activation) for name, _, activation in known)
    rows = []
    for name, activation in networks:
        keys = [(name, metric, activation) for metric in metrics]
        cells = [_pair(float(known[key]["value"]), measured.get(key), 3) for key in keys]
        rows.append([name, activation, *cells])
    return _markdown(["Network", "first layer", *metrics.values()], rows)
