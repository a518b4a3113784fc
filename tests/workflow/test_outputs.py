"""Inside the outputs of the tiny run: whole, consistent with one another, and made by the documented command."""

import json

import h5py
import numpy as np
import pandas as pd
import pyBigWig
import pytest

from regulens.data.store import AssayStore
from regulens.training.checkpoint import load_model

MODELS = ["maxpool_cnn", "attpool_cnn", "attpool_dilated", "enformer", "swin1d"]


def test_nothing_half_written_is_left(tiny):
    assert not [path for path in (tiny / "results").rglob("*") if ".part." in path.name]
    assert not list((tiny / "results").rglob("state/last.ckpt"))


def test_the_run_ends_by_naming_the_page(tiny):
    lines = (tiny / "first_run.txt").read_text().split("Done: tiny")[1].splitlines()
    named = [line.split()[0] for line in lines if line.strip().startswith("results/")]
    assert named == ["results/tiny/index.html"]
    assert (tiny / named[0]).is_file()


def test_crop_follows_the_bigwig_files(tiny, study):
    genome = tiny / "results/tiny/simulated_genome"
    with AssayStore(study / "data/test.h5") as store:
        row = next(i for i, text in enumerate(store.tracks["description"]) if text.startswith("DNASE"))
        track, example = store.tracks.iloc[row], len(store) // 2
        contig, span = store.location(example).split(":")
        start = int(span.split("-")[0]) + (store.geometry.input_bp - store.geometry.target_bp) // 2
        found = store.target(example)[:, row]
    with pyBigWig.open(str(genome / "coverage" / track["file"])) as bigwig:
        values = np.nan_to_num(bigwig.values(contig, start, start + 1024, numpy=True)).astype(np.float16)
    expected = np.minimum(values.astype(float).reshape(8, 128).mean(1) * track["scale"], track["clip"])
    assert found.max() > 0
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_correlations_are_those_of_the_stored_predictions(study, model):
    table = pd.read_csv(study / f"pearson/{model}/seed2.csv")
    with h5py.File(study / f"predictions/{model}/seed2.h5") as file, AssayStore(study / "data/test.h5") as store:
        predicted = file["prediction"][:].astype(float).reshape(-1, len(table))
        truth = np.stack([store.target(i) for i in range(len(store))]).astype(float).reshape(-1, len(table))
    expected = [np.corrcoef(predicted[:, t], truth[:, t])[0, 1] for t in range(len(table))]
    np.testing.assert_allclose(table["pearson"], expected, atol=1e-6)


def test_predictions_are_those_of_the_saved_model(study):
    import torch

    from regulens.core.sequence import one_hot

    model = load_model(study / "models/swin1d/seed1/model.ckpt")
    with AssayStore(study / "data/test.h5") as store, torch.no_grad():
        rates = model(one_hot(torch.from_numpy(store.sequence(1))[None]))[0].numpy()
    with h5py.File(study / "predictions/swin1d/seed1.h5") as file:
        np.testing.assert_allclose(file["prediction"][1], rates, rtol=1e-4, atol=1e-5)


def test_table1_has_every_row_and_follows_from_the_tracks(study):
    table = pd.read_csv(study / "table1.csv").set_index(["model", "group"])
    assert list(dict.fromkeys(table.index.get_level_values("model"))) == [*MODELS, "mean", "gc_cpg_ridge"]
    assert list(dict.fromkeys(table.index.get_level_values("group"))) == ["DNase", "ChIP", "CAGE", "Overall"]
    tracks = pd.concat(pd.read_csv(study / f"pearson/enformer/seed{s}.csv").assign(seed=s) for s in (1, 2))
    by_seed = tracks[tracks["group"] == "CAGE"].groupby("seed")["pearson"].mean()
    assert table.loc[("enformer", "CAGE"), "pearson"] == pytest.approx(by_seed.mean(), abs=1e-6)
    assert table.loc[("enformer", "CAGE"), "sd"] == pytest.approx(by_seed.std(), abs=1e-6)
    assert table.loc[("enformer", "CAGE"), "published"] == 0.3307
    assert table.loc["mean", "pearson"].isna().all()
    assert table.loc["gc_cpg_ridge", "pearson"].notna().all()
    assert "undefined" in (study / "table1.md").read_text()


def test_attention_is_of_the_configured_example_and_sums_to_one(study):
    with h5py.File(study / "attention/example.h5") as file, AssayStore(study / "data/test.h5") as store:
        assert file.attrs["location"] == store.location(0)
        blocks = [file[name]["weights"] for name in file if name.startswith("layer")]
        layers = sorted({int(block.attrs["layer"]) for block in blocks})
        assert layers == list(range(1, 9))
        for block in blocks:
            windows, w = block.shape[1], block.shape[2]
            real = np.arange(windows * w).reshape(windows, w) < block.attrs["tokens"]
            sums = block[:].astype(float).sum(-1)[:, real]
            np.testing.assert_allclose(sums, 1, atol=5e-3)


def test_attention_distances_stay_within_their_windows(study):
    table = pd.read_csv(study / "attention_distance.csv")
    every = table[table["head"] == "all"]
    assert len(every) == 7 * 2 + 1
    # Full attention over n tokens: the mean of |i - j| over all pairs is (n^2 - 1) / 3n.
    last = every[every["layer"] == 8].iloc[0]
    assert last["uniform_bp"] == pytest.approx(63 / 24 * 128, rel=1e-3)
    assert (every["mean_distance_bp"] > 0).all()
    assert (every["mean_distance_bp"] < np.minimum(140 * every["bp_per_token"], 1536)).all()
    with AssayStore(study / "data/test.h5") as store:
        assert (table["n_segments"] == len(store)).all()


def test_logs_have_a_row_an_epoch(study):
    log = pd.read_csv(study / "models/enformer/seed1/log.csv")
    assert log["epoch"].tolist() == [1, 2]
    assert log["train_loss"].notna().all()


def test_planted_sites_are_in_the_sequence(tiny):
    genome = tiny / "results/tiny/simulated_genome"
    planted = pd.read_csv(genome / "planted.bed", sep="\t", header=None)
    contigs = dict(line.split("\n", 1) for line in (genome / "genome.fa").read_text().split(">")[1:])
    best = planted[(planted[3] == "CTCF") & (planted[4] > 900) & (planted[5] == "+")].iloc[0]
    site = contigs[best[0]].replace("\n", "")[best[1] : best[2]]
    assert len(site) == 19
    assert "GGCGC" in site or "GGGGGC" in site or "AGGGGG" in site


def test_checkpoints_tell_what_made_them(study):
    import torch

    content = torch.load(study / "models/swin1d/seed2/model.ckpt", weights_only=True)
    assert (content["architecture"], content["seed"]) == ("swin1d", 2)
    assert json.loads(json.dumps(content["model_settings"]))["embedding_width"] == 8
