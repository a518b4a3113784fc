"""Who may train: locks of live, dead and distant processes."""

import json
import os
import subprocess
import sys
import threading

import pytest

from regulens.core.errors import InputError
from regulens.training import lock as lock_module
from regulens.training.lock import TrainingLock


def edit(folder, **fields) -> None:
    path = folder / "lock"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.fixture
def left_behind(tmp_path):
    """A lock whose holder did not release it."""
    with TrainingLock(tmp_path, "model.ckpt"):
        text = (tmp_path / "lock").read_text()
    (tmp_path / "lock").write_text(text)
    return tmp_path


def test_the_second_process_hears_who_the_first_is(tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with TrainingLock(tmp_path, "model.ckpt"):
        with pytest.raises(
            InputError, match=rf"model.ckpt is already .* process {os.getpid()} on host .*kill {os.getpid()}"
        ):
            TrainingLock(tmp_path, "model.ckpt").__enter__()
        assert (tmp_path / "lock").exists()
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_dead_process_is_taken_over(left_behind, capfd):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    edit(left_behind, pid=ended.pid)
    with TrainingLock(left_behind, "model.ckpt") as lock:
        lock.check()
    assert f"taking over the lock of process {ended.pid}" in capfd.readouterr().err
    assert not list(left_behind.iterdir())


def test_a_process_with_the_same_number_is_not_the_holder(left_behind):
    edit(left_behind, process_start="1")
    with TrainingLock(left_behind, "model.ckpt") as lock:
        lock.check()


@pytest.mark.parametrize("alive", [True, False])
def test_the_lock_of_another_host_lives_as_long_as_it_is_touched(left_behind, monkeypatch, alive):
    monkeypatch.setattr(lock_module, "PATIENCE_S", 1.0)
    edit(left_behind, host="elsewhere")
    touch = threading.Timer(0.3, os.utime, [left_behind / "lock"])
    if alive:
        touch.start()
        with pytest.raises(InputError, match="host elsewhere"):
            TrainingLock(left_behind, "model.ckpt").__enter__()
        touch.join()
    else:
        with TrainingLock(left_behind, "model.ckpt") as lock:
            lock.check()


def test_the_holder_touches_its_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_module, "HEARTBEAT_S", 0.05)
    with TrainingLock(tmp_path, "model.ckpt"):
        path = tmp_path / "lock"
        os.utime(path, (0, 0))
        for _ in range(100):
            if path.stat().st_mtime > 1:
                break
            threading.Event().wait(0.05)
        assert path.stat().st_mtime > 1


@pytest.mark.parametrize("how", ["removed", "taken over"])
def test_a_holder_notices_that_its_lock_is_gone(tmp_path, how):
    with TrainingLock(tmp_path, "model.ckpt") as lock:
        if how == "removed":
            (tmp_path / "lock").unlink()
        else:
            edit(tmp_path, token="another")
        with pytest.raises(InputError, match="removed or taken over"):
            lock.check()
    assert (tmp_path / "lock").exists() == (how == "taken over")


def test_the_slower_of_two_finders_leaves_the_lock_of_the_faster(left_behind):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    edit(left_behind, pid=ended.pid)
    slow = TrainingLock(left_behind, "model.ckpt")
    stale = slow._holder()
    with TrainingLock(left_behind, "model.ckpt") as fast:
        slow._remove(stale)
        fast.check()


@pytest.mark.parametrize("text", ["", "[]", '{"pid": 1}'])
def test_a_foreign_lock_is_not_touched(tmp_path, text):
    (tmp_path / "lock").write_text(text)
    with pytest.raises(InputError, match="not a lock of this program; delete it"):
        TrainingLock(tmp_path, "model.ckpt").__enter__()
