"""Files of saliency examples: round trip, errors, and the settings behind them."""

import h5py
import numpy as np
import pytest
from pydantic import ValidationError

from regulens.core.errors import InputError
from regulens.interpret.saliency import ARRAYS, SaliencyExamples, read_saliency_examples, write_saliency_examples
from regulens.interpret.settings import SaliencySettings


def some_examples() -> SaliencyExamples:
    rng = np.random.default_rng(0)
    return SaliencyExamples(
        scores=rng.normal(0, 1, (3, 2, 30)).astype(np.float32),
        probability=rng.random((3, 2)).astype(np.float32),
        codes=rng.integers(0, 5, (2, 30)).astype(np.uint8),
        model=np.full((2, 30, 4), 0.25, np.float32),
        rows=np.array([4, 0]),
        trials=np.array([0, 1, 2]),
        settings=SaliencySettings(examples=[4, 0], of="logit"),
    )


def test_what_was_written_is_read(tmp_path):
    written = some_examples()
    write_saliency_examples(tmp_path / "e.h5", written)
    read = read_saliency_examples(tmp_path / "e.h5")
    for name, dtype in ARRAYS.items():
        assert getattr(read, name).dtype == dtype
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert read.settings == written.settings


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "e.h5"
    with pytest.raises(InputError, match="e.h5: the file of saliency examples does not exist"):
        read_saliency_examples(path)
    path.write_text("no")
    with pytest.raises(InputError, match="no readable HDF5 file"):
        read_saliency_examples(path)
    write_saliency_examples(path, some_examples())
    with h5py.File(path, "r+") as file:
        del file["rows"]
    with pytest.raises(InputError, match="not a file of saliency examples"):
        read_saliency_examples(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"examples": []},
        {"examples": [1, 1]},
        {"examples": [-1]},
        {"of": "loss"},
        {"worst": 0},
        {"signal_bits": 2},
        {"background_tolerance": -1},
        {"unknown": 1},
    ],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValidationError):
        SaliencySettings(**wrong)


def test_the_defaults_are_those_of_the_papers_code():
    values = SaliencySettings()
    assert (values.of, values.signal_bits, values.worst) == ("probability", 0.1, 20)
