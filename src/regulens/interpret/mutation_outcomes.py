"""The file of mutagenesis outcomes: which mutant of which sequence the model classifies correctly.

HDF5: ``id`` and ``label`` uint8 of the N sequences; ``correct/<score>/<n>`` uint8 (repeats, N), 1 where the mutant of
``n`` bases chosen by the score is assigned to the class of its sequence. ``correct/unmutated/0`` (1, N) are the
sequences themselves, ``correct/random_sequence/<L>`` entirely random sequences in place of them.
``tied/<score>/<n>`` uint8 (N,), 1 where equal values left a choice of the bases; not for the random score. Attributes
task, seed (of the model) and k.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from regulens.data.hdf5 import hdf5_output
from regulens.errors import InputError

UNMUTATED = "unmutated"
RANDOM_SEQUENCE = "random_sequence"


class Outcomes(NamedTuple):
    """Outcomes of all mutants of one task and model."""

    ids: list[str]
    """Names of the N sequences."""
    labels: np.ndarray
    """uint8 (N,), 1 = positive."""
    correct: dict[tuple[str, int], np.ndarray]
    """uint8 (repeats, N) by score and number of mutated bases, in the order of the mutagenesis."""
    tied: dict[tuple[str, int], np.ndarray]
    """bool (N,) by score that ranks the bases and number of them: the choice was made by lot, see `ranking`."""

    @property
    def scores(self) -> list[str]:
        """Scores that chose bases, in order."""
        return [score for score in dict.fromkeys(name for name, _ in self.correct) if score not in _NO_SCORE]


_NO_SCORE = (UNMUTATED, RANDOM_SEQUENCE)


def write_outcomes(path: Path | str, outcomes: Outcomes, **attributes: str | int) -> None:
    """Write ``outcomes`` with the file's attributes."""
    with hdf5_output(path) as file:
        file.attrs.update(attributes)
        file.create_dataset("id", data=np.array([name.encode() for name in outcomes.ids]))
        file.create_dataset("label", data=outcomes.labels.astype(np.uint8))
        for number, ((score, n), correct) in enumerate(outcomes.correct.items()):
            file.create_dataset(f"correct/{score}/{n}", data=correct, compression="gzip").attrs["order"] = number
        for (score, n), tied in outcomes.tied.items():
            file.create_dataset(f"tied/{score}/{n}", data=tied.astype(np.uint8), compression="gzip")
        file.require_group("tied")


def read_outcomes(path: Path | str) -> Outcomes:
    """Read a file of `write_outcomes`; `InputError` when it is missing, broken or something else."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: the outcomes do not exist: run the mutagenesis that makes them")
    try:
        with h5py.File(path, "r") as file:
            groups: Mapping = file["correct"]
            found = [(score, int(n), data) for score in groups for n, data in groups[score].items()]
            found.sort(key=lambda item: item[2].attrs["order"])
            correct = {(score, n): data[:] for score, n, data in found}
            groups = file["tied"]
            tied = {(score, int(n)): data[:].astype(bool) for score in groups for n, data in groups[score].items()}
            ids = [name.decode() for name in file["id"][:]]
            return Outcomes(ids, file["label"][:], correct, tied)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a readable file of outcomes ({error}): run the mutagenesis again") from None
