"""Attention files, distances under attention, whole-layer maps."""

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore, write_store
from regulens.data.tracks import assign_groups
from regulens.interpret.attention import attention_distance, write_attention, write_distances
from regulens.models.base import AttentionMap, build

GEOMETRY = Geometry(input_bp=72, bins=4, bin_bp=8)
"""Padded to 10 bins = 80 bp."""
SWIN = {
    "embedding_width": 6,
    "widths": [6, 6, 8],
    "windows": [12, 10, 20],
    "heads": 2,
    "key_dim": 3,
    "functions": 3,
    "transformer": {"depth": 1, "heads": 2, "key_dim": 3, "functions": 2},
    "init_sd": 0.5,
}
CNN = {"stem_width": 4, "widths": [4, 4], "final_width": 4}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build("swin1d", SWIN, GEOMETRY, 2)


@pytest.fixture
def store(tmp_path):
    tracks = pd.DataFrame(
        {
            "identifier": ["a", "b"],
            "file": ["a.bw", "b.bw"],
            "clip": 32.0,
            "clip_soft": np.nan,
            "scale": 1.0,
            "sum_stat": "mean",
            "strand_pair": [0, 1],
            "description": ["DNASE:a", "CAGE:b"],
        }
    )
    random = np.random.default_rng(0)
    with write_store(tmp_path / "test.h5", assign_groups(tracks, {"all": ["DNASE", "CAGE"]}), GEOMETRY, "test") as file:
        for example in range(5):
            codes = random.integers(0, 4, 72).astype(np.uint8)
            file.append(codes, np.ones((4, 2), np.float16), f"chr1:{100 * example}-{100 * example + 72}")
    with AssayStore(tmp_path / "test.h5") as opened:
        yield opened


def loops(attention: AttentionMap, uniform: bool = False) -> np.ndarray:
    """Mean |i - j| in tokens, pair by pair, (batch, heads); wrapped pairs and padding left out."""
    weights = attention.weights.numpy().astype(float)
    batch, heads, windows, w, _ = weights.shape
    means = np.zeros((batch, heads))
    for b in range(batch):
        for head in range(heads):
            queries = []
            for window in range(windows):
                for i in range(w):
                    total = mass = 0.0
                    a = attention.offset + window * w + i
                    if window * w + i >= attention.tokens:
                        continue
                    for j in range(w):
                        c = attention.offset + window * w + j
                        if window * w + j >= attention.tokens or (a >= attention.tokens) != (c >= attention.tokens):
                            continue
                        p = 1.0 if uniform else weights[b, head, window, i, j]
                        total += p * abs(a - c)
                        mass += p
                    queries.append(total / mass)
            means[b, head] = np.mean(queries)
    return means


def test_distances_against_loops(model, store):
    codes = np.stack([store.sequence(i) for i in range(5)])
    table = attention_distance(model, [codes[:2], codes[2:]])
    with torch.no_grad():
        maps = model.eval().attention(one_hot(torch.as_tensor(codes)))
    assert list(table[["layer", "block"]].drop_duplicates().itertuples(index=False, name=None)) == [
        (layer, block) for layer in (1, 2, 3) for block in ("regular", "shifted")
    ] + [(4, "full")]
    padded = {m.layer for m in maps if m.weights.shape[2] * m.weights.shape[3] > m.tokens}
    assert padded == {1}, "one layer of the model has a padded window"
    for attention in maps:
        rows = table[(table.layer == attention.layer) & (table.block == attention.block)].set_index("head")
        assert list(rows.index) == ["all", "1", "2"]
        assert (rows.n_segments == 5).all()
        assert (rows.bp_per_token == attention.bp_per_token).all()
        expected = loops(attention) * attention.bp_per_token
        np.testing.assert_allclose(rows.mean_distance_bp, [expected.mean(), *expected.mean(0)], rtol=1e-5)
        np.testing.assert_allclose(rows.sd_bp, [expected.mean(1).std(ddof=1), *expected.std(0, ddof=1)], rtol=1e-3)
        np.testing.assert_allclose(rows.uniform_bp, loops(attention, True)[0, 0] * attention.bp_per_token, rtol=1e-5)


def test_uniform_reference_of_whole_windows(model, store):
    table = attention_distance(model, [store.sequence(0)[None]])
    w = 10
    second = table[(table.layer == 2) & (table.block == "regular")]
    np.testing.assert_allclose(second.uniform_bp, 2 * (w * w - 1) / (3 * w), rtol=1e-6)
    assert table.sd_bp.isna().all(), "one segment has no standard deviation"


class OneMap(torch.nn.Module):
    """Stands for a model with one attention map of its own making."""

    def __init__(self, attention):
        super().__init__()
        self.attention_map, self.nothing = attention, torch.nn.Parameter(torch.zeros(1))

    def attention(self, x, observe):
        observe(self.attention_map)


def test_neighbours_across_the_wrap_do_not_count():
    """8 tokens, windows of 4 shifted by 2: tokens 6, 7, 0, 1 share the last window."""
    weights = torch.zeros(1, 1, 2, 4, 4)
    weights[..., 0, :, :] = torch.eye(4)
    weights[0, 0, 1] = torch.tensor([[0.1, 0.3, 0.6, 0.0], [0.0, 0.5, 0.5, 0.0], [0.9, 0.0, 0.05, 0.05], [0, 0, 0, 1]])
    table = attention_distance(OneMap(AttentionMap(1, "shifted", 1, 8, 2, weights)), [np.zeros((1, 1), np.uint8)])
    # Queries 6, 7, 0, 1 look at their own side only: 0.3 / 0.4, 0, 0.05 / 0.1 and 0 tokens away; the other four at
    # themselves.
    np.testing.assert_allclose(table.mean_distance_bp, (0.75 + 0.5) / 8, rtol=1e-5)


def test_exported_file(model, store, tmp_path):
    model.train()
    write_attention(model, store, 3, tmp_path / "attention.h5", "1D-Swin seed 0")
    assert model.training, "the model is left as it was"
    codes = store.sequence(3)
    with torch.no_grad():
        maps = model.eval().attention(one_hot(torch.as_tensor(codes[None])))
    with h5py.File(tmp_path / "attention.h5") as file:
        assert dict(file.attrs) == {"location": "chr1:300-372", "example": 3, "model": "1D-Swin seed 0"}
        assert file["sequence"][:].tolist() == [4] * 4 + codes.tolist() + [4] * 4
        assert set(file) - {"sequence"} == {f"layer{m.layer}_{m.block}" for m in maps}
        for m in maps:
            data = file[f"layer{m.layer}_{m.block}/weights"]
            assert data.dtype == np.float16
            for key in ("layer", "block", "bp_per_token", "tokens", "offset", "start_bp"):
                assert data.attrs[key] == getattr(m, key)
            windows, w = data.shape[1:3]
            valid = np.arange(windows * w).reshape(windows, w) < m.tokens
            np.testing.assert_allclose(data[:][:, valid], m.weights[0].numpy()[:, valid], atol=1e-3)
            assert not data[:][:, ~valid].any()
        assert file["layer1_shifted/weights"].attrs["offset"] == 6
        assert file["layer4_full/weights"].attrs["start_bp"] == 3 * 8


def test_export_says_what_is_wrong(model, store, tmp_path):
    output = tmp_path / "attention.h5"
    with pytest.raises(InputError, match="example 5 does not exist: the store has 5"):
        write_attention(model, store, 5, output)
    with pytest.raises(InputError, match="'maxpool_cnn' has no attention to export"):
        write_attention(build("maxpool_cnn", CNN, GEOMETRY, 2), store, 0, output)
    with pytest.raises(InputError, match="'maxpool_cnn' has no attention to measure"):
        write_distances(build("maxpool_cnn", CNN, GEOMETRY, 2), store, output)
    other = build("swin1d", SWIN, Geometry(input_bp=80, bins=4, bin_bp=8), 2)
    with pytest.raises(InputError, match="the model was built for"):
        write_attention(other, store, 0, output)
    assert [path.name for path in tmp_path.iterdir()] == ["test.h5"], "a failure leaves no file behind"


def test_distances_are_written_for_the_whole_store(model, store, tmp_path):
    write_distances(model, store, tmp_path / "distance.csv", batch=2)
    table = pd.read_csv(tmp_path / "distance.csv")
    assert (table.n_segments == 5).all()
    expected = attention_distance(model, [np.stack([store.sequence(i) for i in range(5)])])
    np.testing.assert_allclose(table.mean_distance_bp, expected.mean_distance_bp, rtol=1e-5)
    assert list(table) == list(expected)
