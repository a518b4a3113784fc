"""Claims of the lectures on models of assay tracks, and their evidence: the numbers of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.runs import EvidenceKind
from regulens.core.tables import read_table
from regulens.studies.claims import Estimate, Group, NotTested, claims_table, load_claims
from regulens.studies.sequence_to_function import boundaries, enhancers, insulators, variants
from regulens.studies.sequence_to_function.enhancers import ALL
from regulens.studies.tiers import COLUMNS as TIER_COLUMNS
from regulens.studies.tiers import UNCHANGED

AREAS = {"enhancers": "auprc", "sites": "auroc"}
"""What is compared in a table of areas."""


class Evidence(NamedTuple):
    """Numbers of a run; public methods are the ``values`` of ``claims.yaml``. The lectures print none."""

    tables: Mapping[str, pd.DataFrame]
    """By name: those of `enhancers`, `insulators`, `sites`, `variants`, `boundaries` and `tiers` (tests of scores)."""
    missing: str = "the run has no table of {}"
    """Why the table of this name is not there."""

    def gains(self, table: str, method: str) -> Group:
        """Area of a method less that of the table's reference, with its interval, by model."""
        of = self._table(table)
        of, name = of[(of["group"] == ALL) & (of["model"] != "") & (of["method"] == method)], f"{AREAS[table]}_gain"
        if of.empty:
            raise NotTested(f"no model has {method}")
        return Group(map(Estimate, of[name], of[f"{name}_low"], of[f"{name}_high"], of["label"]))

    def advantages(self, table: str, method: str, over: list[str]) -> Group:
        """Area of a method less that of the best of some methods without a model, by model."""
        found = Group()
        for label, mine in self._by_model(table):
            free = [mine[name] for name in over if name in mine]
            if method in mine and free:
                found.append(Estimate(mine[method] - max(free), name=label))
        if not found:
            raise NotTested(f"{method} or {' and '.join(over)} was not computed")
        return found

    def variant_areas(self) -> Group:
        """AUROC of causal against matched variants, by model and group of tracks."""
        of = self._table("variants")
        of = of[of["statistic"] == "auroc"]
        if of.empty:
            raise NotTested("it is not known which variants are causal")
        return Group(Estimate(row.value, row.low, row.high, f"{row.label}, {row.group}") for row in of.itertuples())

    def insulator_differences(self, method: str) -> Group:
        """Score of enhancers behind an insulator less that of those behind another element, by model."""
        of = self._table("insulators")
        of = of[of["method"] == method]
        if of.empty:
            raise NotTested(f"no model has {method}")
        return Group(Estimate(row.difference, row.low, row.high, row.label) for row in of.itertuples())

    def boundary_differences(self, map: str) -> Group:
        """Insulation at boundaries less that at matched places, by model."""
        of = self._table("boundaries")
        of = of[(of["map"] == map) & (of["places"] == "boundaries")]
        if of.empty:
            raise NotTested(f"no model has a map of {map}")
        return Group(Estimate(row.difference, row.low, row.high, row.label) for row in of.itertuples())

    def shuffled(self, besides: list[str]) -> dict:
        """Rank correlation of every score with that of the model with shuffled weights, by model and score; the same of
        those that hardly change."""
        of = self._table("tiers")
        of = of[(of["test"] == "randomised") & ~of["score"].isin(besides)]
        values = Group(Estimate(abs(row.value), name=f"{row.label}, {row.score_label}") for row in of.itertuples())
        return {"values": values, "kept": f"{Group(item for item in values if item.value >= UNCHANGED)}" or "none"}

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self.tables:
            raise NotTested(self.missing.format(name))
        return self.tables[name]

    def _by_model(self, table: str) -> list[tuple[str, dict[str, float]]]:
        """Area of every method, by the label of the model."""
        whole = self._table(table)
        whole, value = whole[whole["group"] == ALL], AREAS[table]
        free = whole[whole["model"] == ""].set_index("method")[value].to_dict()
        models = whole[whole["model"] != ""]
        return [
            (label, free | part.set_index("method")[value].to_dict())
            for label, part in models.groupby("label", sort=False)
        ]


CLAIMS = load_claims(Path(__file__).with_suffix(".yaml"), Evidence)

READ = {
    "enhancers": (enhancers.COLUMNS, ["auprc", "auroc", "auprc_gain", "auprc_gain_low", "auprc_gain_high"]),
    "insulators": (insulators.COLUMNS, ["difference", "low", "high"]),
    "sites": (enhancers.COLUMNS, ["auroc", "auroc_gain", "auroc_gain_low", "auroc_gain_high"]),
    "variants": (variants.COLUMNS, ["value", "low", "high"]),
    "boundaries": (boundaries.COLUMNS, ["difference", "low", "high"]),
    "tiers": (TIER_COLUMNS, ["value"]),
}
"""Columns of every table, and those that are numbers."""


@command("sequence-to-function claims")
def claims(
    *,
    tables: Mapping[str, Path | str],
    csv: Path | str,
    md: Path | str,
    evidence: Part[EvidenceKind],
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Evaluate what the lectures say of such models on this run. See `studies.claims.claims_table`.

    Arguments:
        tables: tables of this study by name, a key of `READ`; claims about an omitted one are not tested.
        csv, md: the claims, to write.
        evidence: what the data are.
    """
    found = {}
    for name, path in tables.items():
        columns, numbers = READ[name]
        table = read_table(path, columns, keep_default_na=False)
        found[name] = table.assign(**{column: pd.to_numeric(table[column]) for column in numbers})
    published = Evidence({}, "the lectures print no numbers")
    return claims_table(CLAIMS, Evidence(found), published, csv, md, facts={}, evidence=evidence, data_note=data_note)
