"""A full disk (a small one in memory): one sentence with the file, nothing half-written; with room, the run goes on."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.data.store import AssayStore, link_shards
from regulens.training.evaluate import write_predictions
from regulens.training.lock import TrainingLock

DISK_BYTES = 1 << 20
NO_SPACE = "no space left to write it .*make room there"


@pytest.fixture
def disk(tmp_path):
    """Folder that is a disk of `DISK_BYTES`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command: no small disk to fill")
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk (that takes root): {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, free: int = 0) -> Path:
    """Fill a disk up to the given number of free bytes; returns the file that does."""
    system = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(max(0, system.f_bavail * system.f_frsize - free)))
    return ballast


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and path.name != "ballast"}


@pytest.mark.parametrize("free", [0, 4096, 16384, 65536])
def test_a_shard_is_whole_or_absent(disk, stores, make_store_of, free):
    """The HDF5 library ends the process when it closes a file that it could not write: it must not notice."""
    with AssayStore(stores["train"]) as store:
        codes, target = (np.stack([read(row) for row in range(50)]) for read in (store.sequence, store.target))
    ballast = fill(disk, free)
    for _ in range(2):
        with pytest.raises(InputError, match=f"a.h5: {NO_SPACE}"):
            make_store_of(disk / "a.h5", codes, target)
        assert not names(disk)
    ballast.unlink()
    make_store_of(disk / "a.h5", codes, target)
    with AssayStore(disk / "a.h5") as store:
        assert len(store) == 50


def test_an_older_file_survives(disk, stores):
    link_shards([stores["train"]], disk / "train.h5")
    before = (disk / "train.h5").read_bytes()
    fill(disk)
    with pytest.raises(InputError, match=f"train.h5: {NO_SPACE}"):
        link_shards([stores["train"], stores["train"]], disk / "train.h5")
    with (
        AssayStore(stores["train"]) as store,
        pytest.raises(InputError, match=f"p.h5: {NO_SPACE}"),
        write_predictions(disk / "p.h5", store, "zero", 1) as writer,
    ):
        writer.append(np.ones((50, 6, 4)))
    assert names(disk) == {"train.h5"}
    assert (disk / "train.h5").read_bytes() == before


def test_the_lock(disk):
    ballast = fill(disk)
    (disk / "state").mkdir()
    with pytest.raises(InputError, match="cannot write the lock of model.ckpt: No space left on device; make room"):
        TrainingLock(disk / "state", "model.ckpt").__enter__()
    assert not names(disk)
    ballast.unlink()
    with TrainingLock(disk / "state", "model.ckpt"):
        pass


@pytest.mark.parametrize("room", ["none", "little"])
def test_training_goes_on_when_there_is_room(disk, make_run, monkeypatch, capfd, room):
    """The disk is full when the state of the third epoch is written, or becomes full while it is."""
    settings = {"max_epochs": 5}
    whole, run = make_run("whole", settings=settings), make_run(settings=settings)
    whole.here()
    run.folder = disk
    save, rows = run_epochs(monkeypatch, lambda: fill(disk, 0 if room == "none" else 8192))
    with pytest.raises(InputError, match=f"state/last.ckpt: {NO_SPACE}"):
        run.here()
    assert rows == [1, 2, 3]
    assert names(disk) == {"last.ckpt", "log.csv"}

    monkeypatch.setattr("regulens.training.loop.save_state", save)
    (disk / "ballast").unlink()
    capfd.readouterr()
    run.here()
    assert "resuming after 2 finished epochs" in capfd.readouterr().err
    assert run.rows().equals(whole.rows())
    assert names(disk) == {"model.ckpt", "log.csv"}


def run_epochs(monkeypatch, full):
    """Call ``full`` before the state of the third epoch is written; returns the real writer and the epochs written."""
    from regulens.training import loop

    save, epochs = loop.save_state, []

    def saved(path, state):
        epochs.append(state.epoch)
        if state.epoch == 3:
            full()
        save(path, state)

    monkeypatch.setattr(loop, "save_state", saved)
    return save, epochs


def test_no_room_for_the_model(disk, make_run, monkeypatch):
    """All epochs are done: the state has them, and the rerun only writes the model."""
    run = make_run(settings={"max_epochs": 1})
    run.folder = disk
    write = "regulens.training.assay.save_model"
    from regulens.training.checkpoint import save_model

    with monkeypatch.context() as patch:
        patch.setattr(write, lambda *args, **facts: (fill(disk, 4096), save_model(*args, **facts)))
        with pytest.raises(InputError, match=f"model.ckpt: {NO_SPACE}"):
            run.here()
    assert names(disk) == {"last.ckpt", "log.csv"}
    (disk / "ballast").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("regulens.training.loop._trainer", None)  # no epoch is left to train
        run.here()
    assert run.output.exists()


@pytest.mark.exhaustive
def test_two_processes_end_together(disk, make_run):
    """Process 0 alone writes and fails: the other does not wait for it."""
    run = make_run(settings={"max_epochs": 400, "devices": 2, "batch_per_device": 4})
    run.folder = disk
    process = run.start()
    run.wait_for_epochs(process, 1)
    fill(disk)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    assert "no space left to write it" in errors
    assert not run.output.exists()
    assert not [name for name in names(disk) if ".part." in name]
