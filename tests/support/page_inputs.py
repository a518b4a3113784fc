"""A small run to write pages of: two studies with a figure and a table each, claims and captions."""

import csv
from pathlib import Path

from PIL import Image

from regulens.config import load
from regulens.motifs.tomtom import Compared, write_comparisons
from regulens.report.items import PageSettings
from regulens.studies.claims import COLUMNS

TINY = Path(__file__).parents[1] / "config/tiny.yaml"
NOTE = "Less < more & {braces} {{ 7 * 7 }}, <script>alert(1)</script>."
"""A sentence with everything that a template or a browser could take for its own."""


TABLE = """model,label,group,pearson,sd,n_seeds,n_tracks,published
<i>a</i>,<i>A</i>,Overall,0.123456,0.01,2,5313,0.4614
b,B,Overall,0.3,0.02,2,5313,0.45
gc_cpg_ridge,Ridge,Overall,0.9,,1,5313,
"""
TASK1 = """label,activation,metric,mean,sd,low,high,n_kept,published
C24,relu,aupr,0.9,0.01,0.88,0.92,3,0.914
C4C6,relu,tpr,0.25,0.1,0.1,0.4,3,0.396
"""


def write_run(root: Path) -> PageSettings:
    """Write the files of a run below ``root``, which is the working folder, and return what the page needs to know."""
    configured = load(TINY).model_dump(mode="json")
    studies = {name: configured[name] for name in ("genomic_interpreter", "hybrid_networks")}
    studies["genomic_interpreter"]["data_note"] = NOTE
    studies["hybrid_networks"]["architectures"]["c24"]["label"] = "C24 <b>&"
    for study in studies:
        folder = root / "results/test" / study
        folder.mkdir(parents=True)
        Image.new("RGB", (1800, 400), "white").save(folder / "figure1.png")
        (folder / "figure1.pdf").write_text("%PDF")
        (folder / "table1.csv").write_text(TABLE)
        write_claims(
            folder / "claims.csv", ["holds", "does not hold", "not tested in this run", "not a test: simulated data"]
        )
    studies["genomic_interpreter"]["evidence"], studies["hybrid_networks"]["evidence"] = "simulated", "paper"
    (root / "results/test/hybrid_networks/task1.csv").write_text(TASK1)
    (root / "results/test/hybrid_networks/table1.md").write_text(
        "# Title\n\n| Model | Value |\n| --- | ---: |\n| <i>a</i> | 0.123 |\n"
    )
    way = {"engine": "native", "version": "0.1.0", "distance": "ed", "q_value_method": "BH", "max_q_value": "0.1"}
    write_comparisons(
        [Compared("Motifs", way | {"targets": "J"})], root / "results/test/hybrid_networks/table1.facts.json"
    )
    sheet = root / "results/test/hybrid_networks/filters_c24.png"
    Image.new("RGB", (200, 100), "grey").save(sheet)
    (root / "caption.rst").write_text("What the figure ``shows`` (paper: Figure 1). Nothing else.\n")
    return PageSettings.model_validate(
        {"run": "test", "folder": "results/test", "studies": studies, "rules": _rules(list(studies))}
    )


def _rules(studies: list[str]) -> list[dict]:
    rules = []
    for study in studies:
        folder = f"results/test/{study}"
        rules += [
            _rule(study, "a_claims", {"item": "Claims"}, "Claims", [f"{folder}/claims.csv"]),
            _rule(study, "a_table", {"item": "Table 1"}, "Table 1: numbers & <more>", [f"{folder}/table1.csv"])
            | {"outputs": [f"{folder}/table1.{suffix}" for suffix in ("csv", "md", "facts.json")]},
            _rule(study, "a_figure", {"item": "Figure 1"}, "Figure 1: a picture", [f"{folder}/figure1.png"])
            | {"outputs": [f"{folder}/figure1.pdf", f"{folder}/figure1.png"]},
        ]
    sheet = _rule(
        "hybrid_networks",
        "a_sheet",
        {"item": "Filters", "network": "{architecture}"},
        "Logos of {wildcards.architecture}",
        ["results/test/hybrid_networks/filters_{architecture}.png"],
    )
    return [*rules, sheet | {"wildcards": [{"architecture": "c24"}]}]


def _rule(study: str, rule: str, labels: dict, message: str, shown: list[str]) -> dict:
    return {
        "study": study,
        "rule": f"{study}_{rule}",
        "caption": "caption.rst",
        "message": message,
        "labels": labels,
        "shown": shown,
        "outputs": shown,
        "wildcards": [{}],
    }


def write_claims(path: Path, verdicts: list[str]) -> None:
    """A claims table with one claim for each verdict."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number, verdict in enumerate(verdicts):
            row = dict.fromkeys(COLUMNS, f"words {number}") | {"claim": f"claim{number}", "verdict": verdict}
            writer.writerow(row | {"sentence": "A < B & {C}", "published_verdict": "not in the paper's table"})
