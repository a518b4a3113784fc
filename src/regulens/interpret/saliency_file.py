"""Files with the saliency of a few sequences, by every trial of a network: what the logo figure is drawn from."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from regulens.data.hdf5 import hdf5_output
from regulens.errors import InputError
from regulens.interpret.saliency_settings import SaliencySettings

FORMAT = "regulens saliency examples 1"
ARRAYS = {
    "scores": np.float32,
    "probability": np.float32,
    "codes": np.uint8,
    "model": np.float32,
    "rows": np.int64,
    "trials": np.int64,
}


@dataclass(frozen=True)
class SaliencyExamples:
    """Saliency of E sequences of L bp by T trials."""

    scores: np.ndarray
    """float32 (T, E, L): saliency of every base; not finite for a trial that diverged."""
    probability: np.ndarray
    """float32 (T, E): the sigmoid output of class 0."""
    codes: np.ndarray
    """uint8 (E, L): A, C, G, T = 0 to 3, N = 4."""
    model: np.ndarray
    """float32 (E, L, 4): planted probability of A, C, G, T at every position."""
    rows: np.ndarray
    """int64 (E,): rows among the positive test sequences, from 0."""
    trials: np.ndarray
    """int64 (T,): numbers of the trials."""
    settings: SaliencySettings
    """How the scores were computed."""


def write_saliency_examples(path: Path | str, examples: SaliencyExamples) -> None:
    """Write ``examples`` as HDF5, one data set an array, the settings as JSON in an attribute."""
    with hdf5_output(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["settings"] = examples.settings.model_dump_json()
        for name, dtype in ARRAYS.items():
            file[name] = np.asarray(getattr(examples, name), dtype)


def read_saliency_examples(path: Path | str) -> SaliencyExamples:
    """What `write_saliency_examples` wrote. Raises `InputError` for any other file."""
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise InputError(f"{path}: the file of saliency examples does not exist: run regulens score-saliency") from None
    except OSError:
        raise InputError(
            f"{path}: not a file of saliency examples (not HDF5, or damaged): run regulens score-saliency again"
        ) from None
    with file:
        if file.attrs.get("format") != FORMAT or "settings" not in file.attrs or set(ARRAYS) - set(file):
            raise InputError(f"{path}: not a file of saliency examples ({FORMAT}): run regulens score-saliency")
        settings = SaliencySettings.model_validate_json(file.attrs["settings"])
        return SaliencyExamples(**{name: file[name][:] for name in ARRAYS}, settings=settings)
