"""Placing windows along the sequence, against a dense map made token by token."""

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from figure_inputs import attention_weights, write_attention

from regulens.core.errors import InputError
from regulens.core.sequence import encode
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore, write_store
from regulens.interpret.attention import attention_distance
from regulens.interpret.attention import write_attention as write_maps
from regulens.models.base import build
from regulens.studies.genomic_interpreter.attention import AttentionFile, LayerAttention


def layer(tokens, w, offset=0, heads=2, bp=4, start=-8, seed=0):
    windows = -(-tokens // w)
    weights = attention_weights(heads, windows, w, 3.0, seed)
    missing = windows * w - tokens
    if missing:  # padded keys carry no weight
        weights[:, -1, :, w - missing :] = 0
        weights /= weights.sum(-1, keepdims=True)
    return LayerAttention(3, "regular", bp, tokens, offset, start, weights.astype(np.float32))


def dense(attention):
    """Token by token map of the mean over heads, in multiples of uniform attention over the window; NaN outside."""
    w, n = attention.window, attention.tokens
    result = np.full((n, n), np.nan)
    for k in range(attention.weights.shape[1]):
        rows = [p for p in range(w) if k * w + p < n]
        for i in rows:
            for j in rows:
                a = (attention.offset + k * w + i) % n
                b = (attention.offset + k * w + j) % n
                result[a, b] = np.mean([attention.weights[h, k, i, j] for h in range(len(attention.weights))]) * len(
                    rows
                )
    return result


@pytest.mark.parametrize(("tokens", "w", "offset"), [(24, 8, 0), (24, 8, 4), (21, 8, 0), (21, 8, 4), (8, 8, 4)])
def test_whole_map_equals_the_dense_one(tokens, w, offset):
    attention = layer(tokens, w, offset)
    np.testing.assert_allclose(attention.sequence_map(), dense(attention), rtol=1e-5)


@pytest.mark.parametrize(("tokens", "cells"), [(24, 8), (24, 10), (21, 5)])
def test_cells_hold_the_mean_over_reachable_pairs(tokens, cells):
    attention = layer(tokens, 8, 4)
    step = -(-tokens // cells)
    full = dense(attention)
    n = -(-tokens // step)
    expected = np.full((n, n), np.nan)
    for a in range(n):
        for b in range(n):
            part = full[a * step : (a + 1) * step, b * step : (b + 1) * step]
            if np.isfinite(part).any():
                expected[a, b] = np.nanmean(part)
    np.testing.assert_allclose(attention.sequence_map(cells), expected, rtol=1e-5)


def test_spread_is_the_mean_distance_in_bp():
    attention = layer(21, 8)
    full = dense(attention)
    size = np.isfinite(full).sum(1, keepdims=True)
    distance = np.abs(np.arange(21)[:, None] - np.arange(21)[None])
    expected = np.nansum(full / size * distance, axis=1).mean() * 4
    assert attention.mean_distance_bp() == pytest.approx(expected, rel=1e-5)


def test_uniform_attention_is_one_everywhere():
    attention = layer(24, 8)
    uniform = LayerAttention(1, "regular", 1, 24, 0, 0, np.full((2, 3, 8, 8), 1 / 8, np.float32))
    assert np.nanmax(np.abs(uniform.sequence_map() - 1)) < 1e-6
    assert uniform.mean_distance_bp() == pytest.approx(63 / 24)  # mean |i - j| of 8 tokens: (64 - 1) / (3 * 8)
    assert attention.window_map(0, 1).mean() == pytest.approx(1, rel=1e-5)


def test_the_window_at_the_centre():
    assert [layer(8 * count, 8).central_window() for count in (1, 2, 3, 4)] == [0, 0, 1, 1]


def test_file_is_read_with_positions(attention_path):
    file = AttentionFile(attention_path)
    assert file.layers == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (file.location, file.model, file.example) == ("chr7:1000-7000", "swin1d", 3)
    assert (file.segment_bp, file.pad_bp) == (6000, 72)
    assert file.layer(3).start_bp == -72
    assert file.layer(3).block == "regular"
    assert file.layer(3, block="shifted").offset == 24
    top = file.layer(8)
    assert top.block == "full"
    assert top.start_bp == -72 + 8 * 128  # 8 of 48 bins are cropped on either side
    with h5py.File(attention_path) as raw:
        np.testing.assert_array_equal(top.weights, raw["layer8_full/weights"][:].astype(np.float32))


def test_files_of_the_model_are_placed_and_measured_as_by_its_export(tmp_path):
    geometry = Geometry(input_bp=1800, bins=8, bin_bp=128)
    torch.manual_seed(0)
    sizes = {"embedding_width": 8, "widths": [8] * 7, "windows": 24, "heads": 2, "key_dim": 4, "functions": 4}
    model = build("swin1d", sizes | {"transformer": {"depth": 1, "heads": 2, "key_dim": 4}}, geometry, 3)
    codes = np.random.default_rng(0).integers(0, 4, geometry.input_bp).astype(np.uint8)
    tracks = pd.DataFrame(
        {
            "identifier": ["T0"],
            "file": "f.bw",
            "clip": 32.0,
            "clip_soft": np.nan,
            "scale": 1.0,
            "sum_stat": "mean",
            "strand_pair": 0,
            "description": "DNASE:liver",
        }
    )
    with write_store(tmp_path / "test.h5", tracks, geometry, "test") as writer:
        writer.append(codes[::-1].copy(), np.zeros((8, 1), np.float16), "chr2:0-1800")
        writer.append(codes, np.zeros((8, 1), np.float16), "chr1:500-2300")
    with AssayStore(tmp_path / "test.h5") as store:
        write_maps(model, store, 1, tmp_path / "a.h5", "swin1d")
    distances = attention_distance(model, [codes[None]])
    file = AttentionFile(tmp_path / "a.h5")
    assert (file.location, file.example, file.model) == ("chr1:500-2300", 1, "swin1d")
    assert file.pad_bp == (geometry.padded_bp - 1800) // 2
    assert file.layers == [1, 2, 3, 4, 5, 6, 7, 8]
    for row in distances[distances["block"] != "shifted"].itertuples():
        head = None if row.head == "all" else int(row.head) - 1
        assert file.layer(row.layer).mean_distance_bp(head) == pytest.approx(row.mean_distance_bp, rel=2e-3)
    top = file.layer(8)
    assert top.start_bp == geometry.crop_bins * 128 - file.pad_bp
    shifted = file.layer(5, block="shifted")
    np.testing.assert_allclose(shifted.sequence_map(shifted.tokens), dense(shifted), rtol=1e-4)
    np.testing.assert_allclose(shifted.weights.sum(-1)[:, :-1], 1, atol=0.02)  # half precision


def test_letters_of_a_token(tmp_path):
    path = write_attention(tmp_path / "a.h5", layers=4)
    with h5py.File(path, "a") as file:
        codes = file["sequence"][:]
        codes[72:88] = encode("ACGTTGCAGGGGCCCC")
        file["sequence"][:] = codes
    file = AttentionFile(path)
    fourth = file.layer(4)  # 8 bp a token: token 9 starts at padded position 72, the segment's first base
    assert fourth.position(9) == 0
    assert file.token_letters(fourth, 9) == "ACGTTGCA"
    assert file.token_letters(fourth, 10) == "GGGGCCCC"
    assert file.token_letters(fourth, 0) == "NNNNNNNN"


def test_missing_layer_and_block_name_the_valid_ones(attention_file):
    with pytest.raises(InputError, match="attention.heads_layer: layer 12 .*valid layers: 1, 2, 3, 4, 5, 6, 7, 8"):
        attention_file.layer(12, "attention.heads_layer")
    with pytest.raises(InputError, match="no shifted block; valid: full"):
        attention_file.layer(8, block="shifted")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none.h5: not a readable"):
        AttentionFile(tmp_path / "none.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1]
    with pytest.raises(InputError, match="no data set 'sequence'"):
        AttentionFile(tmp_path / "other.h5")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["sequence"] = [1]
        file.attrs["model"] = "maxpool_cnn"
    with pytest.raises(InputError, match="maxpool_cnn has no attention"):
        AttentionFile(tmp_path / "empty.h5")
