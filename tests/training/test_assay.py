"""Training: what the files hold, and what must not change a result."""

import math
import multiprocessing

import numpy as np
import pandas as pd
import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.data.store import AssayStore
from regulens.models.base import build
from regulens.training import loop
from regulens.training.assay import AssayTask, poisson_loss
from regulens.training.batches import BatchPlan
from regulens.training.checkpoint import load_model
from regulens.training.loop import EpochKeeper, log_columns
from regulens.training.resume import TrainingState
from regulens.training.settings import TrainingSettings

NO_DROPOUT = {"final_dropout": 0.0}


def close(one: dict, other: dict, tolerance: float) -> bool:
    return all(torch.allclose(one[name], other[name], rtol=0, atol=tolerance) for name in one)


def test_model_log_and_state_folder(make_run, capfd):
    run = make_run(settings={"max_epochs": 12})
    run.here()
    log = pd.read_csv(run.log)
    assert list(log.columns) == log_columns(["pearson"])
    assert log["epoch"].tolist() == list(range(1, 13))
    assert log["lr"][0] == pytest.approx(0.01)
    assert log["lr"].is_monotonic_decreasing
    assert log["train_loss"].iloc[-1] < log["train_loss"].iloc[0]
    assert log["valid_pearson"].max() > 0.3

    content = torch.load(run.output, weights_only=True)
    best = log.loc[log["valid_pearson"].idxmax()]
    assert content["epoch"] == best["epoch"]
    assert content["valid_pearson"] == pytest.approx(best["valid_pearson"])
    assert content["seed"] == 1
    assert content["groups"] == ["DNase", "CAGE"]
    assert TrainingSettings(**content["training"]).max_epochs == 12
    assert not load_model(run.output).training
    assert not run.state.exists()
    printed = capfd.readouterr()
    assert "epoch 12/12" in printed.err
    assert not printed.out


def test_accumulated_batches_are_one_batch(make_run):
    """50 examples in steps of 8: the last step has 2, in one micro-batch."""
    whole = make_run("whole", settings={"max_epochs": 2, "batch_per_device": 8}, model=NO_DROPOUT)
    parts = make_run("parts", settings={"max_epochs": 2, "batch_per_device": 2}, model=NO_DROPOUT)
    whole.here()
    parts.here()
    assert close(whole.weights(), parts.weights(), 1e-5)
    assert whole.rows()["valid_loss"].tolist() == pytest.approx(parts.rows()["valid_loss"].tolist(), abs=1e-6)


def test_loader_processes_change_nothing(make_run):
    settings = {"max_epochs": 2, "augmentation": {"reverse_complement": True, "shift_bp": 4}}
    alone = make_run("alone", settings=settings)
    helped = make_run("helped", settings=settings | {"workers": 2})
    alone.here()
    helped.here()
    assert close(alone.weights(), helped.weights(), 0)


def test_the_gradient_step_is_that_of_the_mean_loss(make_run, stores):
    """One Adam step on all 50 examples, against the same step by hand."""
    run = make_run(settings={"max_epochs": 1, "effective_batch": 64, "batch_per_device": 16}, model=NO_DROPOUT)
    run.here()
    with AssayStore(stores["train"]) as store:
        codes = torch.stack([torch.from_numpy(store.sequence(i)) for i in range(50)])
        target = torch.stack([torch.from_numpy(store.target(i)) for i in range(50)]).float()
        torch.manual_seed(loop.derived_seed("weights", 1))
        twin = build("maxpool_cnn", run.arguments()["settings"], store.geometry, 4)
        twin.initialise_head(target.double().mean(dim=(0, 1)))
    optimizer = torch.optim.Adam(twin.parameters(), lr=0.01)
    rate = twin(torch.nn.functional.one_hot(codes.long(), 5)[..., :4].transpose(1, 2).float())
    (rate - target * rate.log()).mean().backward()
    optimizer.step()
    assert close(dict(twin.state_dict()), run.weights(), 1e-6)


def test_patience_stops_and_the_best_epoch_is_kept(make_run, stores):
    run = make_run(settings={"max_epochs": 60, "patience": 2, "select": "loss", "learning_rate": 0.05})
    run.here()
    rows, content = run.rows(), torch.load(run.output, weights_only=True)
    best = rows["valid_loss"].idxmin()
    assert content["epoch"] == rows["epoch"][best]
    assert len(rows) == best + 3
    assert len(rows) < 60
    model, losses = load_model(run.output), []
    with AssayStore(stores["valid"]) as store, torch.inference_mode():
        for i in range(len(store)):
            codes, target = (torch.from_numpy(values)[None] for values in (store.sequence(i), store.target(i)))
            losses.append(poisson_loss(model(one_hot(codes)), target).item())
    assert np.mean(losses) == pytest.approx(rows["valid_loss"][best], rel=1e-5)
    assert rows["valid_loss"].iloc[-1] > 1.001 * rows["valid_loss"][best], "the weights of the last epoch are others"


def test_undefined_scores_are_worse_than_any():
    keeper = EpochKeeper(TrainingState(""), None, None, None, None)
    row = {"valid_pearson": math.nan, "valid_loss": 1.0}
    assert keeper._better("pearson", row)
    keeper.state.best = {"row": {"valid_pearson": math.nan, "valid_loss": 1.0}}
    assert not keeper._better("pearson", row)
    # Among undefined scores the loss decides.
    assert keeper._better("pearson", {"valid_pearson": math.nan, "valid_loss": 0.9})
    assert not keeper._better("pearson", {"valid_pearson": math.nan, "valid_loss": 1.1})
    assert not keeper._better("pearson", {"valid_pearson": math.nan, "valid_loss": math.nan})
    assert keeper._better("pearson", {"valid_pearson": -0.5, "valid_loss": 9.0})
    keeper.state.best = {"row": {"valid_pearson": math.nan, "valid_loss": math.nan}}
    assert keeper._better("loss", row)
    assert keeper._better("pearson", row)
    keeper.state.best = {"row": {"valid_pearson": 0.2, "valid_loss": 1.0}}
    assert not keeper._better("pearson", row)
    assert keeper._better("loss", {"valid_pearson": 0.1, "valid_loss": 0.9})
    assert not keeper._better("loss", {"valid_pearson": 0.3, "valid_loss": math.nan})
    assert keeper._better("last", {"valid_pearson": 0.0, "valid_loss": 9.0})


def test_augmentation_is_drawn_for_every_seed_and_epoch(stores, model_keys):
    with AssayStore(stores["train"]) as store:
        settings = TrainingSettings(augmentation={"shift_bp": 4})
        task = AssayTask(build("maxpool_cnn", model_keys, store.geometry, 4), [store, store], settings)
        drawn = set()
        for seed, epoch in ((1, 0), (1, 1), (2, 0), (2, 1), (1, 0)):
            task.start_epoch(seed, epoch)
            drawn.add(tuple(task.augmentation.by.tolist()))
    assert len(drawn) == 4


@pytest.mark.parametrize("architecture", ["attpool_cnn", "attpool_dilated"])
def test_weight_decay_is_for_matrices_and_filters_alone(stores, model_keys, architecture):
    with AssayStore(stores["train"]) as store:
        model = build(architecture, model_keys, store.geometry, 4)
        decay = {}
        for rate in (0.0, 0.1):
            settings = TrainingSettings(weight_decay=rate)
            training = loop.Training(AssayTask(model, [store, store], settings), settings, 1, 0, 0, False)
            optimizer = training.configure_optimizers()["optimizer"]
            of = {id(each): group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
            decay[type(optimizer)] = {name: of[id(parameter)] for name, parameter in model.named_parameters()}
    spared = [name.endswith("bias") or "norm" in name for name in decay[torch.optim.AdamW]]
    assert list(decay[torch.optim.AdamW].values()) == [0.0 if each else 0.1 for each in spared]
    assert set(decay[torch.optim.Adam].values()) == {0.0}
    assert 0 < sum(spared) < len(spared)


def test_weight_decay_clipping_warmup_and_bf16_run(make_run):
    run = make_run(
        settings={
            "max_epochs": 2,
            "weight_decay": 0.1,
            "gradient_clip": 0.5,
            "warmup_fraction": 0.5,
            "precision": "bf16",
        }
    )
    run.here()
    rows = run.rows()
    assert rows["lr"].tolist() == pytest.approx([0.01 / 7, 0.01])
    assert all(tensor.dtype == torch.float32 for tensor in run.weights().values())


def test_a_loss_that_is_not_finite_ends_with_advice(make_run):
    run = make_run(settings={"max_epochs": 3, "learning_rate": 1e30})
    with pytest.raises(InputError, match="not finite: lower training.learning_rate"):
        run.here()
    assert not run.output.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_missing_gpu_is_named(make_run):
    with pytest.raises(InputError, match="1 GPU.* requested, 0 found"):
        make_run(settings={"accelerator": "gpu"}).here()


def test_stores_that_do_not_belong_together(make_run, stores, tmp_path):
    run = make_run()
    run.stores = stores | {"valid": tmp_path / "absent.h5"}
    with pytest.raises(InputError, match="absent.h5"):
        run.here()


def test_a_loader_that_leaves_examples_out_is_noticed(make_run, monkeypatch):
    monkeypatch.setattr(BatchPlan, "order", lambda self, *_: np.array([0, *range(self.examples - 1)]))
    with pytest.raises(RuntimeError, match="1 of 50 training examples were not used and 1 more than once"):
        make_run(settings={"max_epochs": 1}).here()


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_validation_batch_end"])
def test_loader_processes_end_with_a_failed_fit(make_run, monkeypatch, hook):
    def fail(*_):
        raise ConnectionError

    monkeypatch.setattr(EpochKeeper, hook, fail)
    with pytest.raises(ConnectionError) as error:  # keeps the frames of the fit alive, as a traceback does
        make_run(settings={"max_epochs": 1, "workers": 1}).here()
    assert error.value.__traceback__ is not None
    assert not multiprocessing.active_children()


def test_a_world_of_another_size_is_noticed(make_run, monkeypatch):
    real = loop.pl.Trainer

    def one_process(**keys):
        return real(**keys | {"devices": 1, "strategy": "auto"})

    monkeypatch.setattr(loop.pl, "Trainer", one_process)
    with pytest.raises(RuntimeError, match=r"runs in 1 process\(es\) where devices = 2"):
        make_run(settings={"max_epochs": 1, "devices": 2}).here()
