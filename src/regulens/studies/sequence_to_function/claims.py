"""Claims of the lectures on models of assay tracks, and their evidence: the numbers of a run."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.tables import read_table
from regulens.studies.claims import Estimate, Group, NotTested, claims_table, load_claims
from regulens.studies.sequence_to_function.enhancers import ALL, COLUMNS, MODEL_FREE

RANDOM = "random"


class Evidence(NamedTuple):
    """Numbers of a run; public methods are the ``values`` of ``claims.yaml``. The lectures print none."""

    enhancers: pd.DataFrame | None
    """Table of `enhancers`."""
    missing: str = "no pairs of promoters and elements were configured"
    """Why there is none."""

    def advantages(self, method: str, over: list[str]) -> Group:
        """Average precision of a method less the highest of the others, by model."""
        found = Group()
        for label, mine in self._by_model():
            if method in mine and all(name in mine for name in over):
                found.append(Estimate(mine[method] - max(mine[name] for name in over), name=label))
        if not found:
            raise NotTested(f"no model has {method} and {' and '.join(over)}")
        return found

    def best_advantages(self, over: str) -> Group:
        """Average precision of the best score of a model less that of a method without a model, by model."""
        found = Group()
        for label, mine in self._by_model():
            own = [name for name in mine if name not in (*MODEL_FREE, RANDOM)]
            if over in mine and own:
                best = max(own, key=mine.get)
                found.append(Estimate(mine[best] - mine[over], name=f"{label}, {self._labels()[best]}"))
        if not found:
            raise NotTested(f"{over} was not computed")
        return found

    def _labels(self) -> dict[str, str]:
        return dict(zip(self.enhancers["method"], self.enhancers["method_label"], strict=True))

    def _by_model(self) -> list[tuple[str, dict[str, float]]]:
        """Average precision of every method, by the label of the model."""
        if self.enhancers is None:
            raise NotTested(self.missing)
        whole = self.enhancers[self.enhancers["group"] == ALL]
        free = whole[whole["model"] == ""].set_index("method")["auprc"].to_dict()
        models = whole[whole["model"] != ""]
        return [
            (label, free | part.set_index("method")["auprc"].to_dict())
            for label, part in models.groupby("label", sort=False)
        ]


CLAIMS = load_claims(Path(__file__).with_suffix(".yaml"), Evidence)


@command("sequence-to-function claims")
def claims(
    *,
    enhancers: Path | str | None = None,
    csv: Path | str,
    md: Path | str,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Evaluate what the lectures say of such models on this run. See `studies.claims.claims_table`.

    Arguments:
        enhancers: table of the enhancer prioritisation; claims about an omitted table are not tested.
        csv, md: the claims, to write.
    """
    table = read_table(enhancers, COLUMNS, keep_default_na=False, na_values={}) if enhancers else None
    if table is not None:
        table["auprc"] = pd.to_numeric(table["auprc"])
    return claims_table(
        CLAIMS, Evidence(table), Evidence(None, "the lectures print no numbers"), csv, md, facts={}, data_note=data_note
    )
