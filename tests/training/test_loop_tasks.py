"""Fine-tuning and pre-training through the real trainer: what the files hold, and what must not change a result."""

import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from task_runs import BERT, LENGTH, MASKS, TaskRun, write_tables
from torch.nn.functional import cross_entropy

from regulens.core.errors import InputError
from regulens.core.kmers import token_ids
from regulens.core.tensors import read_weight_file
from regulens.data.sequences import read_sequences, write_sequences
from regulens.models.bert import BertSettings, load_classifier
from regulens.training import loop
from regulens.training.classification import ENCODER_KIND, ClassificationTask, classification_task
from regulens.training.loop import log_columns
from regulens.training.pretraining import MaskedKmerTask
from regulens.training.settings import FineTuningSettings

NO_DROPOUT = {"hidden_dropout": 0.0, "attention_dropout": 0.0}
KINDS = ["classes", "kmers"]
SCORES = {"classes": ClassificationTask.scores, "kmers": MaskedKmerTask.scores}


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, Path]:
    """Sequence files of both splits."""
    return write_tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture
def make_task_run(tables, tmp_path):
    """Factory of trainings: kind, name of the folder, then fields of `TaskRun`."""

    def make(kind: str, name: str = "run", **fields) -> TaskRun:
        return TaskRun(kind, tables, tmp_path / name, **fields)

    return make


@pytest.fixture(scope="module")
def encoder(tables, tmp_path_factory) -> Path:
    """A pre-trained encoder."""
    run = TaskRun("kmers", tables, tmp_path_factory.mktemp("encoder"))
    run.here()
    return run.output


def same(one: TaskRun, other: TaskRun) -> None:
    assert one.rows().equals(other.rows())
    first, second = one.weights(), other.weights()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def close(one: TaskRun, other: TaskRun, tolerance: float) -> None:
    pd.testing.assert_frame_equal(one.rows(), other.rows(), rtol=0, atol=tolerance)
    first, second = one.weights(), other.weights()
    assert first.keys() == second.keys()
    for name in first:
        # Adding a constant to all keys changes no attention: the gradient of their bias is rounding, which Adam scales
        # up to whole steps.
        if name.endswith("key.bias"):
            continue
        torch.testing.assert_close(
            first[name], second[name], rtol=0, atol=tolerance, msg=lambda text, n=name: f"{n}: {text}"
        )


def cut(run: TaskRun, monkeypatch, epochs: int) -> None:
    """Train, and lose power after that many epochs."""
    write = loop.write_log

    def power_cut(path, rows):
        write(path, rows)
        if len(rows) == epochs:
            raise ConnectionError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", power_cut)
        with pytest.raises(ConnectionError):
            run.here()
    assert not run.output.exists()
    assert (run.state / "last.ckpt").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_log_has_the_columns_of_the_task_and_the_schedule_of_dnabert(make_task_run, kind):
    """51 examples in steps of 8 make 7 steps an epoch: of 28, the first 2 warm up, then a straight line to 0."""
    run = make_task_run(kind, training={"max_epochs": 4})
    run.here()
    assert list(pd.read_csv(run.log).columns) == log_columns(SCORES[kind])
    rows = run.rows()
    assert rows["epoch"].tolist() == [1, 2, 3, 4]
    expected = [0.01 / 2, *(0.01 * (1 - (step - 2) / 26) for step in (7, 14, 21))]
    assert rows["lr"].tolist() == pytest.approx(expected)
    assert rows["train_loss"].iloc[-1] < rows["train_loss"].iloc[0]
    assert rows["valid_accuracy"].between(0, 1).all()
    assert not run.state.exists()


def one_class(tables, folder) -> dict[str, Path]:
    """The tables, with a validation set of one class: its AUROC is undefined in every epoch."""
    valid = read_sequences(tables["valid"])
    write_sequences(folder / "valid.tsv", valid._replace(labels=np.zeros_like(valid.labels)))
    return tables | {"valid": folder / "valid.tsv"}


def test_where_no_epoch_has_a_score_the_loss_decides_and_that_is_said(make_task_run, tables, tmp_path, capfd):
    run = make_task_run("classes", training={"select": "auroc", "max_epochs": 4, "learning_rate": 0.001})
    run.tables = one_class(tables, tmp_path)
    run.here()
    rows = run.rows()
    assert rows["valid_auroc"].isna().all()
    best = rows["epoch"][rows["valid_loss"].idxmin()]
    assert run.content()["epoch"] == best
    assert best > 1
    words = f"the validation auroc is undefined in all of 4 epochs, .*: epoch {best} is kept for its loss"
    assert re.search(words, capfd.readouterr().err)


def test_without_a_finite_loss_no_epoch_is_kept(make_task_run, monkeypatch):
    monkeypatch.setattr(loop.Training, "epoch_losses", lambda self: (1.0, float("nan")))
    run = make_task_run("classes")
    with pytest.raises(InputError, match="the validation loss is not a finite number in any of 3 epochs"):
        run.here()
    assert not run.output.exists()


def test_the_classifier_file_loads_and_is_that_of_its_row(make_task_run, tables):
    """Accuracy and loss of the validation set again, from the file."""
    run = make_task_run("classes")
    run.here()
    model, content = load_classifier(run.output)
    assert (content["task"], content["seed"], content["length_bp"], content["initial"]) == (
        "promoters",
        1,
        LENGTH,
        None,
    )
    assert FineTuningSettings(**content["training"]).max_epochs == 3
    row = run.rows().set_index("epoch").loc[content["epoch"]]
    assert content["valid_loss"] == pytest.approx(row["valid_loss"])
    valid = read_sequences(tables["valid"])
    with torch.inference_mode():
        logits = model(token_ids(torch.from_numpy(valid.codes), 3)).logits
    labels = torch.from_numpy(valid.labels).long()
    assert cross_entropy(logits, labels).item() == pytest.approx(row["valid_loss"], abs=1e-5)
    assert (logits.argmax(1) == labels).float().mean().item() == pytest.approx(row["valid_accuracy"])


def test_the_encoder_file_is_what_fine_tuning_starts_from(make_task_run, encoder):
    content = read_weight_file(encoder)
    assert (content["kind"], content["task"], content["windows"]) == (ENCODER_KIND, "pretraining", 51)
    assert all(name.startswith("bert.") for name in content["state_dict"])
    tiny_steps = {"max_epochs": 1, "learning_rate": 1e-12}
    run = make_task_run("classes", training=tiny_steps, initial=encoder)
    new = make_task_run("classes", "new", training=tiny_steps)
    run.here()
    new.here()
    weights, fresh = run.weights(), new.weights()
    for name, tensor in content["state_dict"].items():
        torch.testing.assert_close(weights[name], tensor, rtol=0, atol=1e-6)
    assert not torch.allclose(
        fresh["bert.embeddings.word_embeddings.weight"], weights["bert.embeddings.word_embeddings.weight"]
    )
    assert torch.allclose(fresh["classifier.weight"], weights["classifier.weight"], atol=1e-6)
    assert run.content()["initial"] == str(encoder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epochs", [1, 2])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(make_task_run, monkeypatch, capfd, kind, epochs):
    """With dropout, and with masks that are new in every epoch."""
    settings = {"max_epochs": 4, "batch_per_device": 3}
    whole, parts = make_task_run(kind, "whole", training=settings), make_task_run(kind, "cut", training=settings)
    whole.here()
    cut(parts, monkeypatch, epochs)
    capfd.readouterr()
    parts.here()
    assert f"resuming after {epochs} finished epochs" in capfd.readouterr().err
    same(whole, parts)
    assert not parts.state.exists()


def test_an_interrupted_fine_tuning_does_not_start_from_the_encoder_again(make_task_run, monkeypatch, encoder):
    whole, parts = make_task_run("classes", "whole", initial=encoder), make_task_run("classes", "cut", initial=encoder)
    whole.here()
    cut(parts, monkeypatch, 2)
    parts.here()
    same(whole, parts)


@pytest.mark.parametrize("change", ["initial", "bert", "seed", "masks"])
def test_another_training_does_not_take_the_state(make_task_run, monkeypatch, tmp_path, encoder, capfd, change):
    run = make_task_run("kmers" if change == "masks" else "classes", initial=encoder)
    cut(run, monkeypatch, 1)
    if change == "initial":
        content = read_weight_file(encoder)
        content["state_dict"]["bert.embeddings.LayerNorm.bias"] += 1
        run.initial = tmp_path / "other.ckpt"
        torch.save(content, run.initial)
    elif change == "bert":
        run.bert = NO_DROPOUT
    elif change == "seed":
        run.seed = 2
    else:
        monkeypatch.setitem(MASKS, "mask_fraction", 0.3)
    capfd.readouterr()
    run.here()
    assert (
        "is from a run with other settings, data or code: training starts from the beginning" in capfd.readouterr().err
    )


@pytest.mark.parametrize("kind", KINDS)
def test_accumulated_batches_are_one_batch(make_task_run, kind):
    """The last step has 3 examples: micro-batches of 3 and 1, then of 3 alone."""
    whole = make_task_run(kind, "whole", bert=NO_DROPOUT)
    parts = make_task_run(kind, "parts", bert=NO_DROPOUT, training={"batch_per_device": 2})
    whole.here()
    parts.here()
    close(whole, parts, 1e-4)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_two_devices_give_what_one_gives(make_task_run, encoder, kind):
    """In micro-batches of one example: in the last step, and in the validation, one device has nothing but blanks.

    The encoder that a classifier starts from is read in one process and reaches the other one from there.
    """
    initial = encoder if kind == "classes" else None
    settings = {"max_epochs": 2, "batch_per_device": 1}
    one = make_task_run(kind, "one", bert=NO_DROPOUT, training=settings, initial=initial)
    two = make_task_run(kind, "two", bert=NO_DROPOUT, training=settings | {"devices": 2}, initial=initial)
    one.here()
    errors = two.command()
    assert errors.count("epoch 1/2") == 1  # the second process is silent
    assert "Warning" not in errors
    close(one, two, 1e-4)
    assert not two.state.exists()


@pytest.mark.parametrize("select", ["last", "accuracy", "auroc", "loss"])
def test_the_selected_epoch_is_kept(make_task_run, tables, select):
    """A model that soon learns its training set by heart: every score is best before the end."""
    training = {"max_epochs": 8, "select": select, "learning_rate": 0.02}
    run = make_task_run("classes", training=training, bert={"init_sd": 0.2}, seed=3)
    run.here()
    rows = run.rows().set_index("epoch")
    best = {
        "last": 8,
        "accuracy": rows["valid_accuracy"].idxmax(),
        "auroc": rows["valid_auroc"].idxmax(),
        "loss": rows["valid_loss"].idxmin(),
    }
    assert max(best["accuracy"], best["auroc"], best["loss"]) < 8
    assert run.content()["epoch"] == best[select]
    valid, model = read_sequences(tables["valid"]), load_classifier(run.output)[0]
    with torch.inference_mode():
        logits = model(token_ids(torch.from_numpy(valid.codes), 3)).logits
    loss = cross_entropy(logits, torch.from_numpy(valid.labels).long()).item()
    assert loss == pytest.approx(rows["valid_loss"][best[select]], abs=1e-5)


@pytest.fixture
def make_training(make_task_run):
    """Factory of Lightning modules of a small classifier: settings, seed, rank."""

    def make(seed: int = 1, rank: int = 0, **settings) -> loop.Training:
        run = make_task_run("classes")
        settings = FineTuningSettings(**run.settings() | settings)
        with classification_task(
            run.tables["train"], run.tables["valid"], BertSettings(**BERT), None, "promoters"
        ) as task:
            return loop.Training(task, settings, seed, 0, rank, False)

    return make


def test_weight_decay_is_that_of_bert(make_training):
    """None for biases and LayerNorm, as in DNABERT's own fine-tuning."""
    training = make_training(weight_decay=0.01)
    groups = training.configure_optimizers()["optimizer"].param_groups
    decay = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    for name, parameter in training.task.model.named_parameters():
        assert decay[id(parameter)] == (0.0 if "bias" in name or "LayerNorm" in name else 0.01), name


def test_dropout_has_a_stream_for_every_seed_epoch_and_process(make_training):
    """Other draws are for the task, which is told seed and epoch, and for the order of the examples."""
    drawn, told = set(), []
    for seed, rank in product((1, 2), (0, 1, 2)):
        training = make_training(seed, rank)
        training.task.start_epoch = lambda *given: told.append(given)
        for epoch in (0, 1, 2):
            training.trainer = SimpleNamespace(current_epoch=epoch)
            training.on_train_epoch_start()
            assert told[-1] == (seed, training.batches.epoch) == (seed, epoch)
            drawn.add(torch.rand(1).item())
    assert len(drawn) == 2 * 3 * 3
