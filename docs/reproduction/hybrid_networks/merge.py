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
from regulens.core.io import write_text
from regulens.core.tables import write_csv
from regulens.studies.hybrid_networks.claims import claims
from regulens.studies.hybrid_networks.figure2 import figure2
from regulens.studies.hybrid_networks.figure3 import figure3
from regulens.studies.hybrid_networks.results import (
    TASKS,
    Selection,
    best_rows,
    collect_trials,
    compared_filters,
    join_published,
    read_published,
    read_trials,
    summarise,
    texts,
)

HERE = Path(__file__).parent
CONFIG = HERE / "../../../config"
PUBLISHED = CONFIG / "published.csv"
NETWORK = ["architecture", "activation"]
KEEP = 3


def merge(run: Path, first_trial: int) -> None:
    """Write the tables, filters, figures and claims of all trials, those of ``run`` among them."""
    configured = load(CONFIG / "config.yaml").hybrid_networks
    order = {name: place for place, name in enumerate([*configured.architectures, *configured.activations])}
    for task, what in TASKS.items():
        settings = configured.task(task)
        selection = Selection(KEEP, settings.selection.split, settings.selection.metric)
        architectures = {
            name: one
            for name, one in configured.architectures.items()
            if all((run / task / name / activation / what.source).exists() for activation in configured.activations)
        }
        new = collect_trials(run, task, architectures, configured.activations, *selection)
        new["trial"] += first_trial
        rows = pd.concat([read_trials(HERE / f"{task}_trials.csv", task), new]).drop_duplicates([*NETWORK, "trial"])
        rows = rows.sort_values([*NETWORK, "trial"], key=lambda of: of if of.name == "trial" else of.map(order))
        chosen_by = "_".join(selection[1:])
        metric = next(name for name, source in what.classification.items() if source == chosen_by)
        rows["kept"] = rows.groupby(NETWORK)[metric].transform(best_rows, KEEP)
        published = read_published(PUBLISHED, task)
        table = join_published(summarise(rows, task), published, configured.architectures)
        compared = compared_filters(run, task, architectures, configured.activations) if task == "task1" else []
        options = {"label": settings.label, "data_note": configured.data_note, "comparisons": compared}
        page, _ = texts(table, task, selection, **options)
        write_csv(rows, HERE / f"{task}_trials.csv")
        write_csv(table, HERE / f"{task}.csv")
        write_text(page, HERE / f"{task}.md")
    for meme in sorted(run.glob("task1/*/*/filters.meme")):
        target = HERE / "filters" / f"{meme.parent.parent.name}_{meme.parent.name}.meme"
        if not target.exists():
            shutil.copy(meme, target)
    with tempfile.TemporaryDirectory() as folder:
        figure2(HERE / "task1.csv", pdf=Path(folder) / "figure2.pdf", png=HERE / "figure2.png")
        figure3(HERE / "task2.csv", pdf=Path(folder) / "figure3.pdf", png=HERE / "figure3.png")
    claims(
        task1=HERE / "task1_trials.csv", task2=HERE / "task2_trials.csv", published=PUBLISHED,
        csv=HERE / "claims.csv", md=HERE / "claims.md", evidence="paper", data_note=configured.data_note,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--first-trial", type=int, default=0)
    merge(**vars(parser.parse_args()))
