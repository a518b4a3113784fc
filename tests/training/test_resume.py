"""Interrupted training: the rerun gives what an uninterrupted run gives, and says clearly when it cannot."""

import os
import signal
import socket

import pytest
import torch

from regulens.core.errors import InputError
from regulens.training import loop

LONG = {
    "max_epochs": 30,
    "effective_batch": 4,
    "augmentation": {"reverse_complement": True, "shift_bp": 4},
}


def same(one, other) -> None:
    assert one.rows().equals(other.rows())
    first, second = one.weights(), other.weights()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def uninterrupted(run_class, stores, tmp_path_factory):
    """The long run, done."""
    torch.set_num_threads(1)
    run = run_class(stores, tmp_path_factory.mktemp("uninterrupted"), settings=LONG)
    run.here()
    return run


def test_killed_run_goes_on_as_if_nothing_had_happened(make_run, uninterrupted, capfd):
    run = make_run(settings=LONG)
    process = run.start()
    run.wait_for_epochs(process, 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not run.output.exists()
    assert (run.state / "lock").exists()

    run.here()
    messages = capfd.readouterr().err
    assert f"taking over the lock of process {process.pid} on host {socket.gethostname()}" in messages
    assert "resuming after" in messages
    assert "epoch 1/30" not in messages
    same(run, uninterrupted)
    assert not run.state.exists()


@pytest.mark.parametrize("group", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_sigterm_ends_with_143_and_the_rerun_goes_on(make_run, uninterrupted, group):
    """To the process alone, or to its whole group with loader processes, as a cluster does."""
    run = make_run(settings=LONG | {"workers": 1 if group else 0}, environment={"SLURM_JOB_ID": "77"})
    process = run.start(new_group=group)
    run.wait_for_epochs(process, 2)

    holder = f"already in training by process {process.pid} on host .*, SLURM job 77.*scancel 77"
    with pytest.raises(InputError, match=holder):
        run.here()

    os.killpg(process.pid, signal.SIGTERM) if group else process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143, errors
    assert "stopped by a signal" in errors
    assert "Traceback" not in errors
    assert not run.output.exists()
    assert [path.name for path in run.state.iterdir()] == ["last.ckpt"]

    run.here()
    same(run, uninterrupted)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_epochs": 6, "weight_decay": 0.1, "gradient_clip": 1.0, "warmup_fraction": 0.3, "batch_per_device": 3},
        {"max_epochs": 40, "patience": 2, "select": "loss", "learning_rate": 0.05},
    ],
)
@pytest.mark.parametrize("epochs", [1, 3])
def test_every_kind_of_state_survives(make_run, monkeypatch, settings, epochs):
    whole, cut = make_run("whole", settings=settings), make_run("cut", settings=settings)
    whole.here()
    write = loop.write_log

    def power_cut(path, rows):
        write(path, rows)
        if len(rows) == epochs:
            raise ConnectionError("power cut")

    monkeypatch.setattr(loop, "write_log", power_cut)
    with pytest.raises(ConnectionError):
        cut.here()
    monkeypatch.setattr(loop, "write_log", write)
    cut.here()
    same(whole, cut)


def test_a_run_that_ended_before_its_model_was_written_only_writes_it(make_run, monkeypatch):
    run = make_run(settings={"max_epochs": 2})

    def full_disk(*_, **__):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("regulens.training.assay.save_model", full_disk)
        with pytest.raises(OSError, match="disk full"):
            run.here()
    with monkeypatch.context() as patch:
        patch.setattr("regulens.training.loop._trainer", None)  # no epoch is left to train
        run.here()
    assert run.output.exists()
    assert len(run.rows()) == 2


def interrupted(run, monkeypatch) -> bytes:
    """Leave the state of a run that was cut off after one epoch; returns it."""
    write = loop.write_log

    def power_cut(path, rows):
        raise ConnectionError

    monkeypatch.setattr(loop, "write_log", power_cut)
    with pytest.raises(ConnectionError):
        run.here()
    monkeypatch.setattr(loop, "write_log", write)
    return (run.state / "last.ckpt").read_bytes()


@pytest.mark.parametrize("damage", ["truncated", "garbage", "foreign"])
def test_a_damaged_state_is_an_error_and_stays(make_run, monkeypatch, damage):
    run = make_run(settings={"max_epochs": 2})
    content = interrupted(run, monkeypatch)
    path = run.state / "last.ckpt"
    if damage == "foreign":
        torch.save({"epoch": 3}, path)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"not a checkpoint")
    damaged = path.read_bytes()
    with pytest.raises(
        InputError, match="last.ckpt: .* cannot be read .*: delete it, and training starts from the beginning"
    ):
        run.here()
    assert path.read_bytes() == damaged
    assert not (run.state / "lock").exists()
    path.unlink()
    run.here()


@pytest.mark.parametrize("change", ["settings", "model", "seed", "data"])
def test_another_run_does_not_take_the_state(make_run, monkeypatch, stores, capfd, change):
    run = make_run(settings={"max_epochs": 2})
    interrupted(run, monkeypatch)
    if change == "settings":
        run.settings["learning_rate"] = 0.02
    elif change == "model":
        run.model["final_dropout"] = 0.2
    elif change == "seed":
        run.seed = 2
    else:
        run.stores = stores | {"train": stores["test"]}
    capfd.readouterr()
    run.here()
    messages = capfd.readouterr().err
    assert "last.ckpt is from a run with other settings, data or code: training starts from the beginning" in messages
    assert "epoch 1/2" in messages


def test_memory_and_hardware_keys_do_not_end_a_run(make_run, monkeypatch, capfd):
    run = make_run(settings={"max_epochs": 2})
    interrupted(run, monkeypatch)
    run.settings |= {"batch_per_device": 2, "workers": 1}
    run.here()
    assert "resuming after 1 finished epochs" in capfd.readouterr().err
