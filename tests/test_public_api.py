"""What notebooks import."""

import re
import subprocess
import sys

import numpy as np
import pytest
from small_models import small_model

import regulens
from regulens.core.errors import InputError
from regulens.interpret.settings import MutagenesisSettings


def test_every_name_is_there_documented_and_listed():
    listed = re.findall(r"^\* `(\w+)`: ", regulens.__doc__, flags=re.M)
    assert listed == list(regulens._PUBLIC)
    assert set(listed) <= set(dir(regulens))
    for name in listed:
        function = getattr(regulens, name)
        assert callable(function)
        assert function.__doc__
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        regulens.trian  # noqa: B018


def test_importing_the_package_loads_none_of_it():
    code = "import sys, regulens; sys.exit(bool({'numpy', 'torch', 'pandas', 'regulens.core'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_attribution_in_a_notebook():
    """In batches, and without the scores that a model lacks."""
    model = small_model("maxpool_cnn").eval()
    codes = np.random.default_rng(0).integers(0, 4, (5, model.geometry.input_bp)).astype(np.uint8)
    whole = regulens.attribute(model, codes, [0, 1, 2, 0, 1], ["gradient_x_input", "attention"])
    assert list(whole) == ["gradient_x_input"]
    assert whole["gradient_x_input"].shape == codes.shape
    parts = regulens.attribute(model, codes, [0, 1, 2, 0, 1], batch=2)
    assert np.allclose(parts["gradient_x_input"], whole["gradient_x_input"], atol=1e-6)
    assert not np.allclose(whole["gradient_x_input"][0], whole["gradient_x_input"][3])
    with pytest.raises(InputError, match="no score is called 'gradient'; did you mean 'gradient_x_input'"):
        regulens.attribute(model, codes, [0] * 5, ["gradient"])


def test_mutants_of_the_bases_that_a_classifier_reads_are_not_recognised():
    codes = np.zeros((4, 6), np.uint8)
    codes[2:, 0] = 1
    scores = {"first": np.eye(1, 6).repeat(4, 0), "last": np.eye(1, 6, 5).repeat(4, 0)}
    outcomes = regulens.mutagenesis(
        lambda batch: (batch[:, 0] == 1).long(),
        [f"sequence {row}" for row in range(4)],
        codes,
        np.array([0, 0, 1, 1]),
        scores,
        MutagenesisSettings(sequences_per_class=2, mutations=[1], repeats=2),
    )
    assert outcomes.correct["first", 1][:, 2:].sum() == 0
    assert outcomes.correct["last", 1].all()
    assert outcomes.correct["unmutated", 0].all()
