"""`train_trials` and the commands: from the sequences to ``model.pt`` and ``metrics.csv``."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from commands import run_command
from small_trials import TRAINING, network, sequences, write_sequences

from regulens.core.errors import InputError
from regulens.data.simulate.motifs import MotifSequences, write_motif_sequences
from regulens.training.lock import TrainingLock
from regulens.training.trials import METRIC_COLUMNS, TrialGroup, evaluate_trials, load_trials, train_trials

NETWORK = network("c4c6", activation="exponential")
COMMAND = [sys.executable, "-m", "regulens"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_sequences(tmp_path_factory.mktemp("data") / "data.h5")


def train(data: Path, folder: Path, trials: int = 3, settings=NETWORK, **changes) -> Path:
    training = TRAINING.model_copy(update=changes)
    train_trials(data, settings, training, trials, 1, folder / "model.pt", folder / "log.csv", folder / "state")
    return folder


def same(one: Path, other: Path, trials: int, tolerance: float = 0) -> None:
    """The first ``trials`` trials of two trainings have one log and one set of weights."""
    models = [load_trials(folder / "model.pt") for folder in (one, other)]
    tables = [model.trials.head(trials) for model in models]
    pd.testing.assert_frame_equal(*tables, rtol=tolerance, atol=0)
    logs = [pd.read_csv(folder / "log.csv").drop(columns="seconds") for folder in (one, other)]
    logs = [log[log["trial"] < trials] for log in logs]
    pd.testing.assert_frame_equal(*logs, rtol=max(tolerance, 1e-12))
    for name, value in models[0].network.state_dict().items():
        torch.testing.assert_close(
            value[:trials], models[1].network.state_dict()[name][:trials], rtol=tolerance, atol=tolerance
        )


def left(folder: Path) -> set[str]:
    """What a training leaves in its folder of states."""
    return {path.name for path in (folder / "state").iterdir()}


def test_outputs(data, tmp_path, capfd):
    train(data, tmp_path, trials=2, stop_patience=1)
    log, model = pd.read_csv(tmp_path / "log.csv"), load_trials(tmp_path / "model.pt")
    assert list(log) == [
        "trial", "seed", "epoch", "learning_rate", "train_loss", "valid_loss", "valid_auroc", "valid_aupr", "seconds",
    ]  # fmt: skip
    for trial, rows in log.groupby("trial"):
        known = model.trials.loc[trial]
        assert rows["epoch"].tolist() == list(range(1, known["epochs"] + 1))
        best = rows["valid_auroc"].idxmax()
        assert rows["epoch"][best] == known["best_epoch"]
        assert known["valid_aupr"] == pytest.approx(rows["valid_aupr"][best], rel=1e-5)
        assert known["status"] == ("early_stopped" if known["epochs"] - known["best_epoch"] == 1 else "max_epochs")
    assert model.settings == NETWORK
    assert model.training["stop_patience"] == 1
    assert left(tmp_path) == {"trial_0.pt", "trial_1.pt"}
    assert "model.pt: 2 trials (" in capfd.readouterr().err


def test_training_learns_and_its_validation_score_is_that_of_the_kept_weights(data, tmp_path):
    """The test split is made a copy of the validation split: scores must agree."""
    easy = sequences(train=400, valid=100, test=0, seed=3)
    twice = [np.concatenate([array, array[400:]]) for array in (easy.codes, easy.labels, easy.model, easy.split)]
    twice[3][500:] = 2
    write_motif_sequences(tmp_path / "data.h5", MotifSequences(*twice, easy.classes), "{}")
    train(tmp_path / "data.h5", tmp_path, trials=2, epochs=12)
    table = evaluate_trials(tmp_path / "model.pt", tmp_path / "data.h5", tmp_path / "metrics.csv", batch=30)
    assert table["test_auroc"].max() > 0.95
    assert table["test_auroc_exact"].max() > 0.95
    np.testing.assert_allclose(table["test_auroc"], table["valid_auroc"], atol=1e-6)
    np.testing.assert_allclose(table["test_aupr"], table["valid_aupr"], atol=1e-6)
    log = pd.read_csv(tmp_path / "log.csv")
    best = log.merge(table[["trial", "best_epoch"]].rename(columns={"best_epoch": "epoch"}))
    np.testing.assert_allclose(best["valid_loss"], table["test_loss"], rtol=1e-5)


def test_company_and_number_of_trials_change_nothing(data, tmp_path):
    one = train(data, tmp_path / "one", trials=3)
    together = train(data, tmp_path / "together", trials=4, trials_at_once=4)
    # In float32 the order of sums differs with the number of trials; a few steps do not blow that up.
    same(one, together, 3, tolerance=2e-3)
    pairs = train(data, tmp_path / "again", trials=2)
    same(one, pairs, 2)


@pytest.mark.parametrize(("stop", "at_once"), [(signal.SIGTERM, 1), (signal.SIGKILL, 2)])
def test_interrupted_training_goes_on_as_if_nothing_had_happened(data, tmp_path, capfd, stop, at_once):
    changes = {"epochs": 6, "trials_at_once": at_once}
    whole = train(data, tmp_path / "whole", **changes)
    cut = tmp_path / "cut"
    settings = {"network": NETWORK.model_dump(mode="json"), "trials": 3, "seed": 1}
    settings["training"] = TRAINING.model_copy(update=changes | {"trials_at_once": None}).model_dump(mode="json")
    settings["training"]["trials_at_once"] = at_once
    config = tmp_path / "configuration.yaml"
    config.write_text(yaml.safe_dump(settings))
    options = ["--config", config, *(word for key in settings for word in ("--part", key)), "--state", cut / "state"]
    outputs = ["--epochs-log", cut / "log.csv", "--output", cut / "model.pt"]
    command = [*COMMAND, "train-trials", data, *options, *outputs]
    process = subprocess.Popen(list(map(str, command)), env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=-1, text=True)
    # The first trials are done, the next ones on their way.
    for line in process.stderr:
        if ("trial 1 " if at_once == 1 else "trial 2 ") in line and "epoch 2/6" in line:
            break
    process.send_signal(stop)
    process.communicate()
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGKILL: -9}[stop]
    assert not (cut / "model.pt").exists()

    capfd.readouterr()
    train(data, cut, **changes)
    messages = capfd.readouterr().err
    assert "trial 0  epoch" not in messages
    assert "epoch 1/6" not in messages.partition("after 6 epochs")[0]
    assert "resuming after" in messages
    same(whole, cut, 3)
    assert left(cut) == {"trial_0.pt", "trial_1.pt", "trial_2.pt"}


def start(data: Path, folder: Path, monkeypatch, **changes) -> None:
    """Train until the fourth epoch of the whole run begins, which fails."""
    done, epoch = [], TrialGroup.train_epoch

    def failing(*arguments):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return epoch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(TrialGroup, "train_epoch", failing)
        patch.setattr("regulens.training.trials._QUIET", 0)
        with pytest.raises(KeyboardInterrupt):
            train(data, folder, **changes)


def test_group_goes_on_with_its_trials_whatever_may_train_at_once(data, tmp_path, monkeypatch, capfd):
    whole = train(data, tmp_path / "whole", trials_at_once=3)
    start(data, tmp_path / "cut", monkeypatch, trials_at_once=3)
    assert pd.read_csv(tmp_path / "cut" / "log.csv")["epoch"].max() == 3
    capfd.readouterr()
    train(data, tmp_path / "cut", trials_at_once=1)
    assert "trials 0-2: resuming after 3 finished epochs" in capfd.readouterr().err
    same(whole, tmp_path / "cut", 3)


def test_fewer_trials_take_what_concerns_them(data, tmp_path, monkeypatch):
    whole = train(data, tmp_path / "whole", trials_at_once=3)
    start(data, tmp_path / "cut", monkeypatch, trials_at_once=3)
    train(data, tmp_path / "cut", trials=1)
    same(whole, tmp_path / "cut", 1, tolerance=2e-3)


@pytest.mark.parametrize("change", ["training", "data"])
def test_state_of_another_training_is_not_used(data, tmp_path, monkeypatch, capfd, change):
    start(data, tmp_path / "cut", monkeypatch)
    changes = {"learning_rate": 0.02} if change == "training" else {}
    data = data if change == "training" else write_sequences(tmp_path / "other.h5", seed=9)
    capfd.readouterr()
    train(data, tmp_path / "cut", trials=2, **changes)
    messages = capfd.readouterr().err
    assert "running.pt is from a run with other settings, data or code: it is not used" in messages
    assert "trial 0  epoch 1/4" in messages
    same(train(data, tmp_path / "whole", trials=2, **changes), tmp_path / "cut", 2)
    assert left(tmp_path / "cut") == {"trial_0.pt", "trial_1.pt"}


def test_more_trials_train_the_missing_ones(data, tmp_path, capfd):
    """As if all had been trained at once; the files of fewer trials are of no use to other settings, and go."""
    whole, grown = train(data, tmp_path / "whole", trials=3), train(data, tmp_path / "grown", trials=1)
    capfd.readouterr()
    (grown / "model.pt").unlink()  # Snakemake deletes it before it starts the job again
    train(data, grown, trials=3)
    messages = capfd.readouterr().err
    assert "trial 0  epoch" not in messages
    assert "trial 1  epoch 1/4" in messages
    assert "trial 2  epoch 4/4" in messages
    same(whole, grown, 3)
    capfd.readouterr()
    train(data, grown, trials=2)
    assert "epoch" not in capfd.readouterr().err.partition("model.pt: 2 trials")[0]
    same(whole, grown, 2)
    assert left(grown) == {"trial_0.pt", "trial_1.pt", "trial_2.pt"}
    (grown / "state" / "trial_2.pt").write_bytes(b"PK nothing")
    train(data, grown, trials=2)
    assert left(grown) == {"trial_0.pt", "trial_1.pt"}
    train(data, grown, trials=1, learning_rate=0.02)
    assert "trial 0  epoch 1/4" in capfd.readouterr().err
    assert left(grown) == {"trial_0.pt"}


def test_damaged_state_is_named(data, tmp_path, monkeypatch):
    start(data, tmp_path, monkeypatch)
    (tmp_path / "state" / "running.pt").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match=r"running\.pt: the state of an interrupted training run cannot be read"):
        train(data, tmp_path)


def test_second_training_of_the_same_model_is_refused(data, tmp_path):
    with (
        TrainingLock(tmp_path / "state", tmp_path / "model.pt"),
        pytest.raises(InputError, match="already in training by process"),
    ):
        train(data, tmp_path)


def test_data_that_do_not_fit(data, tmp_path):
    with pytest.raises(InputError, match="has sequences of 48 bp and 2 classes, the network takes 72 bp and gives 2"):
        train(data, tmp_path, settings=network(input_bp=72))
    with pytest.raises(InputError, match="the network takes 48 bp and gives 3 classes"):
        train(data, tmp_path, settings=network(classes=3))
    for sizes, what in (({"train": 0}, "no training sequences"), ({"valid": 0}, "no validation sequences")):
        with pytest.raises(InputError, match=what):
            train(write_sequences(tmp_path / "part.h5", **sizes), tmp_path)
    same_labels = sequences()
    same_labels.labels[:] = 0
    write_motif_sequences(tmp_path / "same.h5", same_labels, "{}")
    with pytest.raises(InputError, match="all labels of the 60 validation sequences are the same"):
        train(tmp_path / "same.h5", tmp_path)
    assert not (tmp_path / "model.pt").exists()


def test_evaluation(data, tmp_path):
    train(data, tmp_path, trials=2)
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    for value in content["state"].values():
        value[1] = torch.nan
    content["trials"][1] |= {"status": "diverged", "best_epoch": 0}
    torch.save(content, tmp_path / "model.pt")
    evaluate_trials(tmp_path / "model.pt", data, tmp_path / "metrics.csv", batch=25)
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert list(table) == list(METRIC_COLUMNS)
    assert table["trial"].tolist() == [0, 1]
    model = load_trials(tmp_path / "model.pt")
    assert table["parameters"].tolist() == [model.network.parameter_count()] * 2
    scores = [name for name in METRIC_COLUMNS if name.startswith("test_")]
    assert table.loc[0, scores].notna().all()
    assert table.loc[1, scores].isna().all()
    with pytest.raises(InputError, match="60 test sequences of 48 bp with 2 classes"):
        other = network("c24", classes=3)
        three = sequences()
        labels = np.concatenate([three.labels, three.labels[:, :1]], axis=1)
        everything = MotifSequences(three.codes, labels, three.model, three.split, ("a", "b", "c"))
        write_motif_sequences(tmp_path / "three.h5", everything, "{}")
        train(tmp_path / "three.h5", tmp_path / "three", trials=1, settings=other, epochs=1)
        evaluate_trials(tmp_path / "three" / "model.pt", data, tmp_path / "metrics.csv")


def test_commands(data, tmp_path):
    network = NETWORK.model_dump(mode="json")
    training = {"epochs": 1, "trials_at_once": 2, "accelerator": "cpu"}
    settings = {"network": network, "training": training, "trials": 1, "seed": 2}
    files = ["--state", tmp_path / "state", "--epochs-log", tmp_path / "log.csv", "--output", tmp_path / "model.pt"]

    def run(*words, **settings) -> None:
        run_command(*words, folder=tmp_path, settings=settings)

    run("train-trials", data, *files, **settings)
    model = load_trials(tmp_path / "model.pt")
    assert model.training["trials_at_once"] == 2
    assert model.seed == 2
    metrics = ["--data", data, "--output", tmp_path / "metrics.csv"]
    run("evaluate-trials", tmp_path / "model.pt", *metrics, batch=20)
    assert len(pd.read_csv(tmp_path / "metrics.csv")) == 1
    run("adopt-trials", tmp_path / "model.pt", "--output", tmp_path / "adopted.pt", network=network)
    assert (tmp_path / "adopted.pt").exists()

    wrong = {
        "trials: input should be greater than 0; found 0": {"trials": 0},
        "training.epoch: unknown key": {"training": {"epoch": 1}},
        "network.baseline: unknown value": {"network": {"baseline": "c7"}},
    }
    for message, changes in wrong.items():
        with pytest.raises(InputError, match=message):
            run("train-trials", data, *files, **settings | changes)
    with pytest.raises(InputError, match="batch: input should be a valid integer.*; found 'many'"):
        run("evaluate-trials", tmp_path / "model.pt", *metrics, batch="many")
