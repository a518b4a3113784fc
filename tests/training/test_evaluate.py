"""Predictions, correlation tables and references, against numpy."""

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.sequence import encode, one_hot, reverse_complement
from regulens.core.tables import CORRELATION_COLUMNS
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore, track_means, write_store
from regulens.models.base import build
from regulens.training.checkpoint import save_model
from regulens.training.evaluate import (
    composition,
    gc_cpg_ridge,
    pearson_table,
    predict,
    predict_reference,
    training_mean,
    write_predictions,
)


@pytest.fixture(scope="module")
def trained(stores, model_keys, tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "model.ckpt"
    with AssayStore(stores["train"]) as store:
        torch.manual_seed(1)
        model = build("maxpool_cnn", model_keys, store.geometry, 4)
        save_model(path, model, model.state_dict(), store, seed=3)
    return model.eval(), path


def arrays(path):
    with AssayStore(path) as store:
        sequences = np.stack([store.sequence(i) for i in range(len(store))])
        targets = np.stack([store.target(i) for i in range(len(store))]).astype(np.float64)
        return sequences, targets, [store.location(i) for i in range(len(store))]


def test_predictions_are_the_models(trained, stores, tmp_path):
    model, path = trained
    output = tmp_path / "predictions.h5"
    predict(path, stores["test"], output, batch=4, accelerator="cpu", seed=5, name="cnn")
    sequences, _, locations = arrays(stores["test"])
    with torch.inference_mode():
        expected = model(one_hot(torch.from_numpy(sequences))).numpy()
    with h5py.File(output) as file:
        assert file["prediction"].dtype == np.float32
        assert np.allclose(file["prediction"][:], expected, atol=1e-6)
        assert [name.decode() for name in file["location"]] == locations
        assert (file.attrs["model"], file.attrs["seed"], file.attrs["bins"]) == ("cnn", 5, 6)


def test_a_model_for_other_data_does_not_predict(trained, other_store, tmp_path):
    for kind, message in (("longer", "geometry"), ("renamed", "track 2, identifier"), ("fewer", "predicts 4")):
        with pytest.raises(InputError, match=message):
            predict(trained[1], other_store(kind), tmp_path / "predictions.h5", accelerator="cpu")
    assert not list(tmp_path.glob("predictions*"))


def test_table_of_correlations(stores, tmp_path):
    random = np.random.default_rng(1)
    _, targets, _ = arrays(stores["test"])
    values = (targets + random.normal(size=targets.shape)).astype(np.float32)
    values[:, :, 1] = 0.3
    with AssayStore(stores["test"]) as store, write_predictions(tmp_path / "p.h5", store, "noise", 1) as writer:
        writer.append(values[:5])
        writer.append(values[5:])
    table = pearson_table(tmp_path / "p.h5", stores["test"], tmp_path / "pearson.csv")
    assert list(table.columns) == CORRELATION_COLUMNS
    for track in (0, 2, 3):
        expected = np.corrcoef(values[:, :, track].ravel().astype(float), targets[:, :, track].ravel())[0, 1]
        assert table["pearson"][track] == pytest.approx(expected, abs=1e-12)
    written = pd.read_csv(tmp_path / "pearson.csv", keep_default_na=False)
    assert written["constant"].tolist() == ["", "prediction", "", ""]
    assert written["pearson"][1] == ""
    assert written["group"].tolist() == ["DNase", "DNase", "CAGE", "CAGE"]


def test_predictions_of_other_examples_are_refused(stores, tmp_path):
    with AssayStore(stores["test"]) as store, write_predictions(tmp_path / "p.h5", store, "zero", 1) as writer:
        writer.append(np.zeros((11, 6, 4)))
    with pytest.raises(InputError, match="make the predictions again"):
        pearson_table(tmp_path / "p.h5", stores["valid"], tmp_path / "pearson.csv")
    with h5py.File(tmp_path / "p.h5", "a") as file:
        file["location"][3] = b"chr9:0-64"
    with pytest.raises(InputError, match="example 3 is 'chr9:0-64' there and 'chr1:192-256' in"):
        pearson_table(tmp_path / "p.h5", stores["test"], tmp_path / "pearson.csv")
    with pytest.raises(InputError, match=r"absent\.h5"):
        pearson_table(tmp_path / "absent.h5", stores["test"], tmp_path / "pearson.csv")
    (tmp_path / "p.h5").write_bytes(b"text")
    with pytest.raises(InputError, match="no readable HDF5 file"):
        pearson_table(tmp_path / "p.h5", stores["test"], tmp_path / "pearson.csv")


def test_an_incomplete_file_of_predictions_does_not_appear(stores, tmp_path):
    with (
        AssayStore(stores["test"]) as store,
        pytest.raises(ValueError, match="2 predictions for 11 examples"),
        write_predictions(tmp_path / "p.h5", store, "zero", 1) as writer,
    ):
        writer.append(np.zeros((2, 6, 4)))
    assert not list(tmp_path.iterdir())


def test_composition_of_bins():
    """Two bins of 4 bp within 12 bp: the last pair of a bin reaches into the next one."""
    geometry = Geometry(input_bp=12, bins=2, bin_bp=4)
    found = composition(encode("AACGTCGCNNAA"), geometry)  # bins CGTC, GCNN
    assert found[0].tolist() == [0.75, 2 / 4]  # pairs CG GT TC CG
    assert found[1].tolist() == [1.0, 0.0]  # pairs GC; CN, NN, NA do not count
    assert np.isnan(composition(encode("A" * 6 + "N" * 6), geometry)[1]).all()
    # The pair of the target's last base reaches into the flank, that of the base before the target does not count.
    flanked = Geometry(input_bp=8, bins=1, bin_bp=4)
    for bases, cpg in (("AAAAACGA", 1 / 4), ("AAAAACAG", 0.0), ("ACGAAAAA", 0.0), ("AAAAACNG", 0.0)):
        assert composition(encode(bases), flanked)[0, 1] == cpg, bases
    # Without flanks the last base has no neighbour.
    assert composition(encode("AACG"), Geometry(input_bp=4, bins=1, bin_bp=4))[0].tolist() == [0.5, 1 / 3]


@pytest.mark.parametrize("alpha", [0.0, 25.0])
def test_ridge_is_the_least_squares_solution_of_numpy(stores, tmp_path, alpha):
    predict_reference("gc_cpg_ridge", stores["train"], stores["test"], tmp_path / "ridge.h5", alpha)
    geometry = Geometry(input_bp=64, bins=6, bin_bp=8)

    def features(sequences):
        return np.concatenate([composition(codes, geometry) for codes in sequences])

    train, test = arrays(stores["train"]), arrays(stores["test"])
    x, y = features(train[0]), train[1].reshape(-1, 4)
    mean, sd = x.mean(axis=0), x.std(axis=0)
    design = np.column_stack([np.ones(len(x)), (x - mean) / sd])
    penalty = np.sqrt(alpha) * np.eye(3)[1:]  # as further observations of zero; none for the intercept
    solution = np.linalg.lstsq(np.vstack([design, penalty]), np.vstack([y, np.zeros((2, 4))]), rcond=None)[0]
    expected = np.column_stack([np.ones(66), (features(test[0]) - mean) / sd]) @ solution
    with h5py.File(tmp_path / "ridge.h5") as file:
        assert file["prediction"][:].reshape(-1, 4) == pytest.approx(expected, abs=1e-5)
        assert file.attrs["model"] == "gc_cpg_ridge"
    table = pearson_table(tmp_path / "ridge.h5", stores["test"], tmp_path / "pearson.csv")
    assert table["pearson"][0] > 0.6  # the GC track


def test_ridge_with_bins_of_n_and_a_feature_without_variance(make_store_of, tmp_path):
    """Bins without bases take the average of the features; CpG is 0 everywhere here."""
    random = np.random.default_rng(1)
    codes = random.choice([0, 2, 3], size=(20, 64)).astype(np.uint8)
    codes[::3, 8:32] = 4
    target = random.normal(size=(20, 6, 4)).astype(np.float16)
    path = make_store_of(tmp_path / "n.h5", codes, target)
    gc_cpg_ridge(path, path, tmp_path / "ridge.h5", alpha=0.0)
    with h5py.File(tmp_path / "ridge.h5") as file:
        found = file["prediction"][:].reshape(-1, 4)
    gc = (codes[:, 8:56].reshape(-1, 8) == 2).sum(axis=1) / 8
    known = (codes[:, 8:56].reshape(-1, 8) != 4).any(axis=1)
    gc[~known] = gc[known].mean()
    design = np.column_stack([np.ones(len(gc)), gc])
    y = target.reshape(-1, 4).astype(float)
    assert found == pytest.approx(design @ np.linalg.lstsq(design, y, rcond=None)[0], abs=1e-5)


def test_the_training_mean_is_constant_and_has_no_correlation(stores, tmp_path):
    predict_reference("mean", stores["train"], stores["test"], tmp_path / "mean.h5")
    with h5py.File(tmp_path / "mean.h5") as file:
        expected = arrays(stores["train"])[1].mean(axis=(0, 1))
        assert file["prediction"][:] == pytest.approx(np.broadcast_to(expected, (11, 6, 4)))
    table = pearson_table(tmp_path / "mean.h5", stores["test"], tmp_path / "pearson.csv")
    assert table["pearson"].isna().all()
    assert set(table["constant"]) == {"prediction"}


def test_references_need_stores_of_one_kind(stores, other_store, tmp_path):
    for reference in (training_mean, gc_cpg_ridge):
        with pytest.raises(InputError, match="differ in geometry or tracks"):
            reference(stores["train"], other_store("renamed"), tmp_path / "p.h5")
    with pytest.raises(InputError, match="unknown reference 'median': use mean, gc_cpg_ridge, replicate"):
        predict_reference("median", stores["train"], stores["test"], tmp_path / "p.h5")


def with_replicates(path, output, names):
    """A copy of a store whose tracks have these texts in the column replicates."""
    with AssayStore(path) as store:
        tracks = store.tracks.assign(replicates=names)
        with write_store(output, tracks, store.geometry, "test") as copy:
            for row in range(len(store)):
                copy.append(store.sequence(row), store.target(row), store.location(row))
    return output


def test_a_track_is_predicted_by_its_replicates(stores, tmp_path):
    test = with_replicates(stores["test"], tmp_path / "test.h5", ["a", "a", "", "a"])
    predict_reference("replicate", stores["train"], test, tmp_path / "p.h5")
    targets = arrays(test)[1]
    with h5py.File(tmp_path / "p.h5") as file:
        found = file["prediction"][:]
    assert found[:, :, 0] == pytest.approx(targets[:, :, [1, 3]].mean(axis=2))
    assert found[:, :, 3] == pytest.approx(targets[:, :, [0, 1]].mean(axis=2))
    assert not found[:, :, 2].any()
    table = pearson_table(tmp_path / "p.h5", test, tmp_path / "pearson.csv")
    assert table["constant"].fillna("").tolist() == ["", "", "prediction", ""]


@pytest.mark.parametrize("names", [["", "", "", ""], ["a", "b", "c", ""]])
def test_without_replicates_there_is_no_such_row(stores, tmp_path, names):
    test = with_replicates(stores["test"], tmp_path / "test.h5", names)
    with pytest.raises(InputError, match="column replicates of the track table: fill it in, or take replicate out"):
        predict_reference("replicate", stores["train"], test, tmp_path / "p.h5")
    assert not (tmp_path / "p.h5").exists()


def test_the_mean_over_both_strands(trained, stores, tmp_path):
    model, path = trained
    predict(path, stores["test"], tmp_path / "p.h5", batch=4, both_strands=True, accelerator="cpu")
    sequences, _, _ = arrays(stores["test"])
    pair = AssayStore(stores["test"]).tracks["strand_pair"].to_numpy()
    assert pair.tolist() != [0, 1, 2, 3]
    with torch.inference_mode():
        one, other = (
            model(one_hot(torch.from_numpy(codes))).numpy() for codes in (sequences, reverse_complement(sequences))
        )
    with h5py.File(tmp_path / "p.h5") as file:
        assert np.allclose(file["prediction"][:], (one + other[:, ::-1][:, :, pair]) / 2, atol=1e-6)


def test_means_of_a_sample(stores):
    targets = arrays(stores["train"])[1]
    with AssayStore(stores["train"]) as store:
        assert track_means(store) == pytest.approx(targets.mean(axis=(0, 1)))
        assert track_means(store, limit=2) == pytest.approx(targets[[0, 49]].mean(axis=(0, 1)))
