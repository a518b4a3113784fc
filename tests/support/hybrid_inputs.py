"""A results folder of the hybrid networks with the files that the tables read, and numbers of one's choice."""

from pathlib import Path

import numpy as np
import pandas as pd

from regulens.models.settings import HybridArchitecture
from regulens.motifs.tomtom import HIT_COLUMNS
from regulens.studies.hybrid_networks.results import TASKS

FACTS = {"engine": "native", "version": "0.1.0", "distance": "ed", "q_value_method": "BH", "max_q_value": "0.1"}
FACTS |= {"targets": "JASPAR2020 CORE (1964 motifs)", "queries": "320"}
PUBLISHED = Path(__file__).parents[2] / "config" / "published.csv"
MODULES = {
    "": [],
    "Att": ["attention"],
    "LSTM-Att": ["lstm", "attention"],
    "LSTM-Trans1": ["lstm", "transformer"],
    "LSTM-Trans2": ["lstm", *["transformer"] * 2],
    "LSTM-Trans4": ["lstm", *["transformer"] * 4],
}


def paper_architectures() -> dict[str, HybridArchitecture]:
    """The paper's 17 networks; C4 has an LSTM of its own and is called C4-LSTM."""
    found = {}
    for baseline in ("C24", "C4C6", "C4-LSTM"):
        own = baseline == "C4-LSTM"
        for name, modules in MODULES.items():
            if own and name == "LSTM-Att":
                continue
            label = "-".join(filter(None, [baseline, name.removeprefix("LSTM-") if own else name]))
            key = label.replace("C4-LSTM", "C4").lower().replace("-", "_")
            used = [module for module in modules if not (own and module == "lstm")]
            found[key] = HybridArchitecture(
                label=label, baseline=baseline.split("-")[0].lower(), modules=used, published=label
            )
    return found


def write_model(
    place: Path, task: str, trials: int = 3, statuses=None, values=None, drop=(), seed: int = 0
) -> pd.DataFrame:
    """Files of one model: ``values`` maps a metric to its numbers, one a trial; the others are made up.

    ``drop``: metrics whose number is missing in the last trial.
    """
    what, rng = TASKS[task], np.random.default_rng(seed)
    made = {name: np.round(rng.uniform(0.2, 0.9, trials), 6) for name in what.metrics} | (values or {})
    table = pd.DataFrame({name: np.asarray(made[name], float) for name in what.metrics})
    table.loc[trials - 1, list(drop)] = np.nan
    statuses = statuses or ["early_stopped"] * trials
    front = {"trial": range(trials), "seed": [10 + t for t in range(trials)], "status": statuses}
    front |= {"epochs": 30, "best_epoch": 20, "parameters": 140748}
    metrics = pd.DataFrame(front, index=range(trials)).assign(test_loss=0.3, test_aupr=0.0, test_auroc=0.0)
    for name, column in what.classification.items():
        metrics[column] = table[name]
    source = pd.DataFrame({"trial": range(trials), "filters": 32})
    for name, column in what.interpretation.items():
        source[column] = table[name]
    place.mkdir(parents=True, exist_ok=True)
    metrics.to_csv(place / "metrics.csv", index=False)
    source.to_csv(place / what.source, index=False)
    if task == "task1":
        lines = [f"# {key}: {value}\n" for key, value in FACTS.items()]
        (place / "tomtom.tsv").write_text("".join(lines) + "\t".join(HIT_COLUMNS) + "\n")
    return table


def around(mean: float, sd: float, count: int) -> np.ndarray:
    """Numbers with this mean and population standard deviation."""
    shape = np.linspace(-1, 1, count)
    return mean + (sd * shape / shape.std() if count > 1 else 0 * shape)


def write_paper(folder: Path, task: str, trials: int, keep: int, architectures=None) -> dict[str, HybridArchitecture]:
    """The paper's numbers as a results folder: the best ``keep`` trials have its means and standard deviations.

    The other trials classify worse and are otherwise alike; all stand in no order.
    """
    architectures = architectures or paper_architectures()
    table = pd.read_csv(PUBLISHED)
    table = table[(table["study"] == "hybrid_networks") & (table["item"] == task)]
    known = {(r.subject, r.metric, r.condition): (float(r.value), float(r.sd)) for r in table.itertuples()}
    first = next(iter(TASKS[task].classification))
    for place, (name, architecture) in enumerate(architectures.items()):
        for activation in ("relu", "exponential"):
            values, order = {}, np.random.default_rng(place).permutation(trials)
            for metric in TASKS[task].metrics:
                key = (architecture.published, metric, activation)
                if key in known:
                    worst = 0.05 if metric == first else 0.01
                    kept = around(*known[key], keep)
                    values[metric] = np.concatenate([np.full(trials - keep, kept.min() - worst), kept])[order]
            if task == "task1":
                values["match_any"] = values["tpr"] + values["fpr"]
                values["no_hit"] = 1 - values["match_any"]
            status = ["max_epochs" if trial == trials - 1 else "early_stopped" for trial in range(trials)]
            write_model(folder / task / name / activation, task, trials, status, values, seed=place)
    return architectures


def results_table(item: str, kept: int, trials: int, shift: float = 0.0) -> pd.DataFrame:
    """A table of results with the paper's numbers, ``shift`` added to the means, in the format of the real one."""
    table = pd.read_csv(PUBLISHED)
    table = table[(table["study"] == "hybrid_networks") & (table["item"] == item)]
    known = {(r.subject, r.metric, r.condition): (float(r.value), float(r.sd)) for r in table.itertuples()}
    rows = []
    for name, design in paper_architectures().items():
        for (subject, metric, activation), (mean, sd) in known.items():
            if subject == design.published:
                front = (name, design.label, design.baseline, "+".join(design.modules), activation, metric)
                rows.append((*front, mean + shift, sd, kept, trials, mean))
    columns = ["architecture", "label", "baseline", "modules", "activation", "metric", "mean", "sd"]
    return pd.DataFrame(rows, columns=[*columns, "n_kept", "n_trials", "published"])
