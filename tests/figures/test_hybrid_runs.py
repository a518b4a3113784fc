"""Collecting the trials of the hybrid networks and choosing which ones count."""

import numpy as np
import pandas as pd
import pytest
from hybrid_inputs import paper_architectures, write_model

from regulens.core.errors import InputError
from regulens.studies.hybrid_networks.results import best_rows, best_trial, collect_trials, read_trials, trial_columns

NAMES = ["c4c6_lstm_trans2", "c24"]
ACTIVATIONS = ["relu", "exponential"]


@pytest.fixture
def architectures():
    every = paper_architectures()
    return {name: every[name] for name in NAMES}


@pytest.fixture
def folder(tmp_path, architectures):
    for task in ("task1", "task2"):
        for place, name in enumerate(architectures):
            for activation in ACTIVATIONS:
                write_model(tmp_path / task / name / activation, task, trials=4, seed=place)
    return tmp_path


@pytest.mark.parametrize(
    ("values", "keep", "kept"),
    [
        ([0.3, 0.9, 0.5, 0.7], 2, [1, 3]),
        ([0.5, 0.9, 0.5, 0.5], 2, [0, 1]),  # of equal ones the first
        ([np.nan, 0.1, np.nan, 0.2], 2, [1, 3]),
        ([np.nan, 0.1, np.nan, 0.2], 3, [1, 3]),  # no predictions, no vote
        ([0.2, 0.1], 5, [0, 1]),
        ([np.nan, np.nan], 1, []),
    ],
)
def test_the_best_are_kept_and_never_one_without_a_number(values, keep, kept):
    assert list(np.flatnonzero(best_rows(pd.Series(values), keep))) == kept


def test_rows_follow_the_configuration_and_say_what_a_network_is(folder, architectures):
    table = collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)
    assert list(table.columns) == trial_columns("task1")
    order = list(dict.fromkeys(zip(table["architecture"], table["activation"], strict=True)))
    assert order == [(name, activation) for name in NAMES for activation in ACTIVATIONS]
    first, last = table.iloc[0], table.iloc[-1]
    assert (first["label"], first["baseline"], first["modules"]) == (
        "C4C6-LSTM-Trans2",
        "c4c6",
        "lstm+transformer+transformer",
    )
    assert (last["label"], last["modules"], last["trial"], last["seed"]) == ("C24", "", 3, 13)
    assert (table.groupby(["architecture", "activation"])["kept"].sum() == 2).all()


@pytest.mark.parametrize("task", ["task1", "task2"])
def test_every_number_comes_from_its_own_column(tmp_path, architectures, task):
    one = {"c24": architectures["c24"]}
    made = write_model(tmp_path / task / "c24" / "relu", task, trials=3)
    assert made.to_numpy().size == len(np.unique(made))  # all different, so that a swap would show
    table = collect_trials(tmp_path, task, one, ["relu"], keep=3)
    pd.testing.assert_frame_equal(table[list(made.columns)], made)


@pytest.mark.parametrize(
    ("split", "metric", "column"),
    [("test", "aupr", "aupr"), ("test", "auroc", "auroc"), ("valid", "aupr", "valid_aupr")],
)
def test_the_configured_metric_chooses(tmp_path, architectures, split, metric, column):
    values = {"aupr": [0.9, 0.1, 0.5], "auroc": [0.2, 0.8, 0.1], "valid_aupr": [0.1, 0.2, 0.3]}
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", values=values)
    table = collect_trials(tmp_path, "task1", {"c24": architectures["c24"]}, ["relu"], 1, split, metric)
    assert table["kept"].idxmax() == np.argmax(values[column])
    assert table["kept"].sum() == 1


def test_a_diverged_trial_stays_in_the_table(tmp_path, architectures):
    drop = ["aupr", "auroc", "aupr_exact", "auroc_exact", "tpr"]
    statuses = ["early_stopped", "max_epochs", "diverged"]
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", statuses=statuses, drop=drop)
    table = collect_trials(tmp_path, "task1", {"c24": architectures["c24"]}, ["relu"], keep=3)
    assert list(table["status"]) == statuses
    assert list(table["kept"]) == [True, True, False]
    assert np.isnan(table["aupr"].iloc[2])


def test_trials_are_sorted_whatever_the_order_of_the_files(folder, architectures):
    expected = collect_trials(folder, "task2", architectures, ACTIVATIONS, keep=2, metric="auroc")
    for name, order in {"metrics.csv": [3, 2, 1, 0], "saliency.csv": [2, 0, 3, 1]}.items():
        path = folder / "task2" / "c24" / "relu" / name
        pd.read_csv(path).iloc[order].to_csv(path, index=False)
    pd.testing.assert_frame_equal(
        collect_trials(folder, "task2", architectures, ACTIVATIONS, 2, metric="auroc"), expected
    )


def test_the_table_reads_back_as_it_was(folder, architectures, tmp_path):
    table = collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)
    table.to_csv(tmp_path / "trials.csv", index=False)
    pd.testing.assert_frame_equal(read_trials(tmp_path / "trials.csv", "task1"), table)


def test_a_missing_file_is_named(folder, architectures):
    path = folder / "task1" / "c24" / "exponential" / "filter_statistics.csv"
    path.unlink()
    with pytest.raises(InputError, match=f"{path}: no such file"):
        collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("metrics.csv", lambda t: t.drop(columns="test_aupr"), "test_aupr is missing"),
        ("metrics.csv", lambda t: t.assign(test_auroc="high"), "test_auroc has values that are not numbers"),
        ("metrics.csv", lambda t: t.iloc[1:], "metrics.csv: trial 0 is missing.*filter_statistics.csv has it"),
        ("filter_statistics.csv", lambda t: t.iloc[:3], "filter_statistics.csv: trial 3 is missing.*metrics.csv has"),
        ("filter_statistics.csv", lambda t: t.iloc[:0], "no rows"),
    ],
)
def test_a_bad_file_is_an_error_that_says_what_and_where(folder, architectures, name, change, message):
    path = folder / "task1" / "c24" / "relu" / name
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(InputError, match=message) as error:
        collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "task3"}, "task: 'task3' does not exist; nearest valid: task"),
        ({"keep": 0}, "keep: 0 trials"),
        ({"split": "training"}, "selection.split: 'training'"),
        ({"metric": "accuracy"}, "selection.metric: 'accuracy'"),
        ({"activations": []}, "at least one"),
    ],
)
def test_bad_settings_are_errors(folder, architectures, options, message):
    given = {"task": "task1", "activations": ACTIVATIONS, "keep": 2} | options
    with pytest.raises(InputError, match=message):
        collect_trials(folder, architectures=architectures, **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(kept="yes"), "column kept has values that are not numbers"),
        (lambda t: t.assign(tpr="x"), "column tpr has values that are not numbers"),
        (lambda t: t.drop(columns="no_hit"), "no_hit is missing"),
    ],
)
def test_a_bad_table_of_trials_is_an_error(folder, architectures, tmp_path, change, message):
    path = tmp_path / "trials.csv"
    change(collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)).to_csv(path, index=False)
    with pytest.raises(InputError, match=message):
        read_trials(path, "task1")


@pytest.fixture(params=["task1", "task2"])
def kept(request, tmp_path, architectures):
    """Task and table of three trials of two networks, two kept by the test set; all of c24 with ReLU diverged."""
    name = {"task1": "aupr", "task2": "classification_auroc"}[request.param]
    test = {"relu": [0.8, 0.9, 0.7], "exponential": [0.9, 0.6, 0.9]}
    valid = {"relu": [0.8, 0.7, 0.9], "exponential": [0.3, 0.4, 0.5]}
    for architecture in architectures:
        for activation in ACTIVATIONS:
            values = {name: np.array(test[activation]), "valid_auroc": np.array(valid[activation])}
            if (architecture, activation) == ("c24", "relu"):
                values = {metric: np.full(3, np.nan) for metric in values}
            write_model(tmp_path / request.param / architecture / activation, request.param, values=values)
    metric = {"task1": "aupr", "task2": "auroc"}[request.param]
    table = collect_trials(tmp_path, request.param, architectures, ACTIVATIONS, 2, "test", metric)
    table.to_csv(tmp_path / "trials.csv", index=False)
    return request.param, metric, tmp_path / "trials.csv"


def test_the_best_kept_trial(kept):
    task, metric, path = kept
    network = (path, task, "c4c6_lstm_trans2")
    assert best_trial(*network, "relu", "test", metric) == 1
    assert best_trial(*network, "exponential", "test", metric) == 0  # the first of equals
    # Trial 2 has the highest validation score with ReLU, but was not kept.
    assert best_trial(*network, "relu", "valid", "auroc") == 0
    assert best_trial(*network, "exponential", "valid", "auroc") == 2
    assert best_trial(path, task, "c24", "relu", "test", metric) == 0  # none was kept


def test_a_trial_of_an_unknown_network_names_the_valid_ones(kept):
    task, _, path = kept
    with pytest.raises(InputError, match=r"trials.csv: architecture: 'c42' does not exist; nearest valid: c24"):
        best_trial(path, task, "c42", "relu")
    with pytest.raises(InputError, match="activation of c24: 'exp' does not exist; .*exponential"):
        best_trial(path, task, "c24", "exp")
    with pytest.raises(InputError, match="selection.split: 'train'"):
        best_trial(path, task, "c24", "relu", split="train")
    with pytest.raises(InputError, match="selection.metric: 'auc'"):
        best_trial(path, task, "c24", "relu", "test", "auc")
