"""Merge the trials of a run into the tables and figures of this folder, which several machines have trained.

    python docs/reproduction/hybrid_networks/merge.py RUN [--first-trial N]

RUN is the run's folder of this study (results/<run>/hybrid_networks); N is the number of its first trial here. A trial
that is in the tables already stays as it is.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from regulens.config import load
from regulens.core.tables import read_table
from regulens.studies.hybrid_networks.claims import claims
from regulens.studies.hybrid_networks.figure2 import figure2
from regulens.studies.hybrid_networks.figure3 import figure3
from regulens.studies.hybrid_networks.results import TASKS, TRIAL_COLUMNS, read_trials, results

HERE = Path(__file__).parent
PUBLISHED = HERE / "../../../config/published.csv"
NETWORK = ["architecture", "activation"]


def merge(run: Path, first_trial: int, work: Path) -> None:
    """Write a folder with the tables of all trials, one network each, and the results from it."""
    configured = load(HERE / "../../../config/config.yaml").hybrid_networks
    tomtom = next(run.glob("task1/*/*/tomtom.tsv"))
    for task, what in TASKS.items():
        known = read_trials(HERE / f"{task}_trials.csv", task)
        for (architecture, activation), rows in known.groupby(NETWORK):
            place = work / task / architecture / activation
            place.mkdir(parents=True)
            facts = {source: rows[name] for name, source in what.classification.items()}
            pd.DataFrame({**rows[TRIAL_COLUMNS], **facts}).to_csv(place / "metrics.csv", index=False)
            found = {source: rows[name] for name, source in what.interpretation.items()}
            pd.DataFrame({"trial": rows["trial"], **found}).to_csv(place / what.source, index=False)
        for new in sorted(run.glob(f"{task}/*/*/{what.source}")):
            place = work / task / new.parent.relative_to(run / task)
            place.mkdir(parents=True, exist_ok=True)
            for name in ("metrics.csv", what.source):
                more = read_table(new.parent / name, ["trial"])
                more["trial"] += first_trial
                if (place / name).exists():
                    table = pd.concat([pd.read_csv(place / name), more]).drop_duplicates("trial")
                else:
                    table = more
                table.to_csv(place / name, index=False)
        architectures = {
            name: one
            for name, one in configured.architectures.items()
            if all((work / task / name / activation / what.source).exists() for activation in configured.activations)
        }
        for place in work.glob("task1/*/*"):
            # All filters were compared in one way, which the table's notes tell.
            shutil.copy(tomtom, place)
        settings = getattr(configured, task)
        results(
            work, task=task, architectures=architectures, activations=configured.activations, keep=3,
            selection=settings.selection, published=PUBLISHED, label=settings.label, data_note=configured.data_note,
            csv=HERE / f"{task}.csv", trials=HERE / f"{task}_trials.csv", md=HERE / f"{task}.md",
            tex=work / f"{task}.tex", facts=work / f"{task}.facts.json",
        )  # fmt: skip
    for meme in sorted(run.glob("task1/*/*/filters.meme")):
        target = HERE / "filters" / f"{meme.parent.parent.name}_{meme.parent.name}.meme"
        if not target.exists():
            shutil.copy(meme, target)
    figure2(HERE / "task1.csv", pdf=work / "figure2.pdf", png=HERE / "figure2.png")
    figure3(HERE / "task2.csv", pdf=work / "figure3.pdf", png=HERE / "figure3.png")
    claims(
        task1=HERE / "task1_trials.csv", task2=HERE / "task2_trials.csv", published=PUBLISHED,
        csv=HERE / "claims.csv", md=HERE / "claims.md", evidence="paper", data_note=configured.data_note,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--first-trial", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        merge(arguments.run, arguments.first_trial, Path(folder))
