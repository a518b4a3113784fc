"""Section 5.3 of DNABERT-LRP as a table: best JASPAR matches of the motifs of every score, with class and family."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.published import published_texts
from regulens.core.tables import markdown_table, read_table, write_csv
from regulens.interpret.scores import score_label
from regulens.motifs.tomtom import Compared, facts_path, group_by_way, read_hits, write_comparisons
from regulens.studies.dnabert_lrp.tasks import STUDY

COLUMNS = [
    "task",
    "score",
    "rank",
    "motif",
    "instances",
    "target",
    "target_name",
    "tf_class",
    "tf_family",
    "q_value",
    "engine",
    "published_class",
    "note",
]

MATCH_COLUMNS = ["target", "target_name", "tf_class", "tf_family", "q_value"]


@command("dnabert-lrp section53")
def section53(
    motifs: Path | str,
    /,
    task: str,
    annotation: Path | str,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    scores: Part[Sequence[str]],
    published_as: Part[str | None] = None,
    data_note: Part[str | None] = None,
    facts: Path | str | None = None,
) -> pd.DataFrame:
    """Section 5.3: the factors that the motifs of each score resemble.

    Arguments:
        motifs: folder with a folder of motifs and matches for each score (``motifs.csv`` of `discover`, ``tomtom.tsv``
            of `compare`).
        task: name of the task.
        annotation: factor, class and family of each target; TSV of `jaspar.write_targets`.
        published: ``config/published.csv`` (rows with study dnabert_lrp, item section53, condition
            <task of the paper>_positive).
        csv: every motif with its best target (lowest q, then lowest p), to write. ``rank`` orders the motifs of a score
            by q, then by instances (most first), then by p, with those without a match last: rank 1 is taken to be the
            top match, which the paper reports but does not define. A score without a motif has one row without a rank.
        md: the top motif (rank 1) of every score, to write.
        facts: how motifs were compared, JSON to write (default: beside the table, see `tomtom.facts_path`).
        scores: in the order of the rows.
        published_as: the paper's task that the task reproduces, e.g. ``promoters``, whose classes are shown beside it.
        data_note: one sentence on the data, printed under the table.

    Returns the tidy table. Raises `InputError` for a missing file or column, or a target without an annotation.
    """
    columns = ["matrix_id", "name", "tf_class", "tf_family"]
    annotated = read_table(annotation, columns, keep_default_na=False, sep="\t").set_index("matrix_id")
    classes = _published_classes(published, f"{published_as}_positive") if published_as else {}
    compared, parts = {}, []
    for score in scores:
        part, compared[score_label(score)] = _score_rows(Path(motifs) / score, annotated)
        parts.append(part.assign(task=task, score=score, published_class=classes.get(score, "")))
    table = pd.concat(parts, ignore_index=True)[COLUMNS]
    ways = group_by_way(compared)
    comparisons = [Compared(", ".join(labels) if len(ways) > 1 else "Motifs", way) for labels, way in ways]
    write_csv(table, csv)
    write_text(_markdown(table, comparisons, data_note), md)
    write_comparisons(comparisons, facts or facts_path(csv))
    return table


def _score_rows(folder: Path, annotated: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Motifs of one score with their best match, by rank (one row if there is no motif), and how they were compared."""
    matches, found = folder / "tomtom.tsv", folder / "motifs.csv"
    hits, facts = read_hits(matches)
    motifs = read_table(found, ["motif", "instances"], may_be_empty=True, keep_default_na=False)
    if motifs.empty:
        row = dict.fromkeys(["motif", *MATCH_COLUMNS], "") | {"rank": pd.NA, "instances": 0, "q_value": np.nan}
        return pd.DataFrame([row | {"engine": facts["engine"], "note": "no motif"}]).astype({"rank": "Int64"}), facts
    foreign = sorted(set(hits["query"]) - set(motifs["motif"]))
    if foreign:
        raise InputError(f"{matches}: {foreign[0]} is not a motif of {found}: compare the motifs again")
    strange = sorted(set(hits["target"]) - set(annotated.index))
    if strange:
        raise InputError(f"{matches}: the target {strange[0]} has no annotation: write targets and hits again")
    best = hits.sort_values(["q_value", "p_value"], kind="stable").drop_duplicates("query").set_index("query")
    part = motifs[["motif", "instances"]].join(best[["target", "q_value", "p_value"]], on="motif")
    part = part.join(annotated.rename(columns={"name": "target_name"}), on="target")
    part["minus"] = -part["instances"]
    part = part.sort_values(["q_value", "minus", "p_value"], kind="stable", na_position="last", ignore_index=True)
    part["rank"] = pd.array(range(1, len(part) + 1), dtype="Int64")
    part["engine"] = facts["engine"]
    part["note"] = np.where(part["target"].isna(), f"no match with q <= {facts['max_q_value']}", "")
    text = [name for name in MATCH_COLUMNS if name != "q_value"]
    return part.fillna(dict.fromkeys(text, "")), facts


def _published_classes(path: Path | str, condition: str) -> dict[str, str]:
    """Class that the paper reports for each score."""
    known = published_texts(path, STUDY, "section53", "top_motif_class")
    return {place.subject: text for place, text in known.items() if place.condition == condition}


def _markdown(table: pd.DataFrame, comparisons: Sequence[Compared], data_note: str | None) -> str:
    header = ["Score", "Motifs", "Top motif", "Instances", "Best match", "TF class", "TF family", "q-value", "Paper"]
    rows = []
    for score, part in table.groupby("score", sort=False):
        top = part.iloc[0]
        cells = [score_label(score), str(int((part["motif"] != "").sum())), top["motif"], str(top["instances"])]
        if top["note"]:
            cells += [top["note"], "", "", ""]
        else:
            match = f"{top['target_name']} ({top['target']})"
            cells += [match, top["tf_class"], top["tf_family"], f"{top['q_value']:.2g}"]
        rows.append([*cells, top["published_class"]])
    return markdown_table(header, rows, _notes(table, comparisons, data_note), left=len(header))


def _notes(table: pd.DataFrame, comparisons: Sequence[Compared], data_note: str | None) -> list[str]:
    """Sentences under the table, each true of this table."""
    lines = ["Top motif: the one whose best match has the lowest q-value; of equal ones that with more instances."]
    lines.append("Scores and motifs are those of the model of the first seed.")
    lines.append("TF class and family are JASPAR's own annotation of the match.")
    lines += [f"{one.what} compared by {one}." for one in comparisons]
    if (table["published_class"] != "").any():
        lines.append("Paper: class of the top match in section 5.3; its threshold and q-values are unstated.")
    if data_note:
        lines.append(data_note)
    return lines
