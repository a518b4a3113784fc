"""Rates that `benchmarks/gpu.sh` measured on a card, which the plan takes in place of its estimates.

A row of that table says in one text what was measured: default settings of a model, and its sizes. The functions below
make this text, for the benchmark and for the plan; they return None for settings that no table has.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from regulens.core.errors import InputError
from regulens.core.settings import Settings
from regulens.data.settings import Geometry
from regulens.interpret.settings import RelevanceSettings
from regulens.models.settings import BertSettings, HybridNetworkSettings

TABLE = Path("benchmarks/gpu.csv")
"""Where a committed table is, in the repository."""

OURS = "regulens"
"""Implementation in the rows that the plan reads; the other rows are comparisons."""

NO_CARD = "CPU"
"""Device in a table that was not measured on a card."""


@dataclass(frozen=True)
class Rates:
    """Measured rates; empty where nothing was measured."""

    per_second: dict[tuple[str, str], float] = field(default_factory=dict)
    """Examples, sequences or mutants per second, by what was measured and precision."""
    card: str = ""
    """Name of the card."""
    made: str = ""
    """Versions of driver, torch and code, and date."""

    def of(self, work: str | None, precision: str) -> float | None:
        """Rate of a work, or None if it was not measured."""
        return self.per_second.get((work, precision))


def read_rates(path: Path) -> Rates:
    """The rates in a table of the benchmark; none if there is no such file, or if it was made without a card.

    Raises `InputError` for another kind of file.
    """
    if not path.exists():
        return Rates()
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["implementation"] == OURS and row["device"] != NO_CARD]
        found = {(row["work"], row["precision"]): float(row["value"]) for row in rows if row["value"] and row["work"]}
        if not found:
            return Rates()
        made = f"driver {rows[0]['driver']}, torch {rows[0]['torch']}, commit {rows[0]['commit']}, {rows[0]['date']}"
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: not a table of benchmarks/gpu.sh ({error!r}): remove it, or measure again") from None
    return Rates(found, rows[0]["device"], made)


def assay_work(architecture: str, settings: Settings, geometry: Geometry, n_tracks: int) -> str | None:
    """Forward and backward pass of an assay model with its default settings; a rate counts examples."""
    fields = type(settings).model_fields.items()
    if any(getattr(settings, name) != key.get_default(call_default_factory=True) for name, key in fields):
        return None
    window = f"{geometry.input_bp} bp, {geometry.bins} bins of {geometry.bin_bp} bp"
    return f"training {architecture}: {window}, {n_tracks} tracks"


def score_work(settings: BertSettings, scores: Sequence[str], length_bp: int) -> str | None:
    """All relevance scores of DNABERT-6; a rate counts sequences."""
    if settings != BertSettings() or list(scores) != RelevanceSettings().scores:
        return None
    return f"all scores of DNABERT-6: {length_bp} bp"


def mutant_work(settings: BertSettings, length_bp: int) -> str | None:
    """Mutants made and classified by DNABERT-6; a rate counts mutants."""
    return f"mutants by DNABERT-6: {length_bp} bp" if settings == BertSettings() else None


def trial_work(settings: HybridNetworkSettings, trials: int, batch: int) -> str | None:
    """Forward and backward pass of trials of a hybrid network, default sizes; a rate counts examples of all trials."""
    design = {"baseline": settings.baseline, "modules": settings.modules, "activation": settings.activation}
    if settings != HybridNetworkSettings(**design):
        return None
    network = " + ".join([settings.baseline, *settings.modules])
    return f"training {network}: {settings.input_bp} bp, {trials} trials of {batch}"
