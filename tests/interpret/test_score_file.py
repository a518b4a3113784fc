"""Score files: round trip and errors."""

import h5py
import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.interpret.score_file import ScoreFile, write_score_file

FACTS = {"task": "promoters", "seed": 2, "rules": "plain", "target": "label", "k": 6, "model": "DNABERT-6"}
IDS = ["chr1:5-25", "zweite Sequenz", "β"]
LABELS, CODES = np.array([1, 0, 1]), np.arange(30).reshape(3, 10) % 4
LOGITS = np.array([[0.5, -1], [3, 2], [0, 0.25]])
SCORES = {"lrp": np.linspace(0, 1, 30).reshape(3, 10), "attention": -np.ones((3, 10))}


def write(path, **changes):
    with write_score_file(path, IDS, LABELS, CODES, list(SCORES), **FACTS | changes) as writer:
        for rows in (slice(0, 2), slice(2, 3)):
            writer.append(LOGITS[rows], {name: values[rows] for name, values in SCORES.items()})
    return path


def test_what_was_written_is_read(tmp_path):
    with ScoreFile(write(tmp_path / "scores.h5")) as file:
        assert file.ids == IDS
        assert file.labels.tolist() == [1, 0, 1]
        assert file.labels.dtype == file.predicted.dtype == file.codes.dtype == np.uint8
        assert file.predicted.tolist() == [0, 0, 1]
        assert np.array_equal(file.logits, LOGITS.astype(np.float32))
        assert np.array_equal(file.codes, CODES)
        assert file.names == ["lrp", "attention"]
        for name, values in SCORES.items():
            assert file.score(name).dtype == np.float32
            assert np.array_equal(file.score(name), values.astype(np.float32))
        assert file.attributes == FACTS
        assert type(file.attributes["seed"]) is int


def test_a_score_that_is_not_there_is_named(tmp_path):
    with (
        ScoreFile(write(tmp_path / "scores.h5")) as file,
        pytest.raises(InputError, match="no score 'rollout'; it has lrp, attention"),
    ):
        file.score("rollout")


def test_an_unfinished_file_does_not_appear(tmp_path):
    output, facts = tmp_path / "scores.h5", {name: value for name, value in FACTS.items() if name != "rules"}
    with (
        pytest.raises(ValueError, match="2 of 3 sequences were scored"),
        write_score_file(output, IDS, LABELS, CODES, ["lrp"], **FACTS) as writer,
    ):
        writer.append(LOGITS[:2], {"lrp": SCORES["lrp"][:2]})
    with (
        pytest.raises(ValueError, match="attributes missing: rules"),
        write_score_file(output, IDS, LABELS, CODES, ["lrp"], **facts),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="absent.h5: the score file does not exist"):
        ScoreFile(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match=r"text.h5: not a score file: no readable HDF5 file"):
        ScoreFile(tmp_path / "text.h5")
    path = write(tmp_path / "scores.h5")
    with h5py.File(path, "r+") as file:
        del file["codes"], file.attrs["k"]
    with pytest.raises(InputError, match="not a score file: codes, k missing"):
        ScoreFile(path)
