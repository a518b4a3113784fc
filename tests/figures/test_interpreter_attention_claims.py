"""Criteria on attention, by which claims about Genomic Interpreter are judged."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import write_attention

from regulens.studies.claims import NotTested
from regulens.studies.genomic_interpreter.claims import (
    AssayEvidence,
    Shown,
    grows_with_layer,
    heads_differ,
    looks_back,
    lower_layers_local,
    some_head,
    windows_differ,
)
from regulens.studies.genomic_interpreter.figure4 import AttentionFile

SHOWN = Shown("swin1d", "T013", "enformer", 8, 6)


def evidence(table=None, attention=None, shown=SHOWN) -> AssayEvidence:
    """A run of which only attention was measured."""
    return AssayEvidence(pd.DataFrame(), pd.DataFrame(), table, attention, shown)


def distances(ratios, layer_bp=2.0, heads=(), segments=50) -> pd.DataFrame:
    """Layers with a distance in multiples of uniform attention; heads of the last layer."""
    rows = []
    for layer, ratio in enumerate(ratios, 1):
        uniform = 10 * layer_bp**layer
        block = "full" if layer == len(ratios) else "regular"
        rows.append((layer, block, 1, "all", ratio * uniform, 0.1 * uniform, uniform, segments))
        rows.append((layer, "shifted", 1, "all", 5 * uniform, 0.1 * uniform, uniform, segments))
    rows += [(len(ratios), "full", 1, str(n), r * uniform, 0.1 * uniform, uniform, segments) for n, r in heads]
    columns = ["layer", "block", "bp_per_token", "head", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"]
    return pd.DataFrame(rows, columns=columns)


def with_distances(*arguments, shown=SHOWN, **options) -> AssayEvidence:
    return evidence(distances(*arguments, **options), shown=shown)


def test_attention_that_grows_only_with_its_windows_is_told_apart():
    flat = with_distances([0.8, 0.7, 0.6, 0.8, 0.7, 0.6, 0.7, 0.6])
    assert grows_with_layer("mean_distance_bp", "distance", 0)(flat).holds
    assert not grows_with_layer("ratio", "ratio", 2)(flat).holds
    growing = with_distances([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1])
    assert grows_with_layer("ratio", "ratio", 2)(growing).holds
    assert "of layers 1 to 8: 0.10, 0.20," in grows_with_layer("ratio", "ratio", 2)(growing).numbers
    assert lower_layers_local()(growing).holds
    assert not lower_layers_local()(with_distances([0.1, 0.2, 1.3, 0.4, 0.5, 0.7])).holds
    with pytest.raises(NotTested, match="4 layers are too few"):
        lower_layers_local()(with_distances([0.1, 0.2, 0.3, 0.4]))
    with pytest.raises(NotTested, match="measured on Enformer, not on 1D-Swin"):
        lower_layers_local()(with_distances([0.1] * 8, shown=SHOWN._replace(main_model="enformer")))


@pytest.mark.parametrize(
    ("heads", "differ", "far", "near"),
    [((1.0, 1.1, 1.2), False, False, False), ((0.4, 1.0, 1.3), True, True, True), ((0.6, 1.0), True, False, False)],
)
def test_heads_by_how_far_they_look(heads, differ, far, near):
    run = with_distances([0.5] * 8, heads=list(enumerate(heads, 1)))
    assert heads_differ(1.5)(run).holds is differ
    assert some_head(1.25)(run).holds is far
    assert some_head(0.5)(run).holds is near
    # sd 0.1 over 50 segments: t 2.01 x 0.1 / 7.07
    assert f"head 1 at {heads[0]:.2f} [{heads[0] - 0.0284:.2f}, {heads[0] + 0.0284:.2f}]" in some_head(0.5)(run).numbers


def test_a_head_that_looks_at_itself_alone_is_no_division_by_0():
    found = heads_differ(1.5)(with_distances([0.5] * 8, heads=[(1, 0.0), (2, 0.5)]))
    assert found.holds
    assert found.numbers.endswith("factor above 100")


def test_one_head_has_nothing_to_differ_from():
    with pytest.raises(NotTested, match="layer 8 has 1 head"):
        heads_differ(1.5)(with_distances([0.5] * 8, heads=[(1, 0.4)]))


def test_a_head_that_looks_back_and_windows_that_differ(tmp_path):
    path = write_attention(tmp_path / "a.h5")
    run = evidence(attention=AttentionFile(path))
    assert not looks_back(2 / 3)(run).holds
    assert windows_differ(0.1)(run).holds  # every window has noise of its own
    with h5py.File(path, "a") as file:
        last = file["layer8_full/weights"]
        w = last.shape[-1]
        back = np.tril(np.ones((w, w)), -1) * 9 + np.triu(np.ones((w, w)), 1)
        last[2, 0] = back / back.sum(-1, keepdims=True)
        same = file["layer6_regular/weights"]
        same[:] = same[:, :1]
    run = evidence(attention=AttentionFile(path))
    found = looks_back(2 / 3)(run)
    assert found.holds
    assert "layer 8, one test segment: share on earlier tokens by head 0.4" in found.numbers
    assert not windows_differ(0.1)(run).holds
    with pytest.raises(NotTested, match="layer 8 has one window"):
        windows_differ(0.1)(run._replace(shown=SHOWN._replace(windows_layer=8)))
    with pytest.raises(NotTested, match="no layer 9"):
        windows_differ(0.1)(run._replace(shown=SHOWN._replace(windows_layer=9)))
