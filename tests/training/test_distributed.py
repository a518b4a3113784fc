"""Two processes on two CPU devices, started the way SLURM starts a job."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed, multiprocessing

from regulens.training.batches import BLANK, BatchPlan, evaluation_batches
from regulens.training.correlation import TrackPearson

SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "train",
    "SLURM_NTASKS": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NNODES": "1",
    "SLURM_JOB_NODELIST": "localhost",
    "SLURM_STEP_NODELIST": "localhost",
    # What a launcher around the command may have left behind.
    "RANK": "0",
    "WORLD_SIZE": "1",
    "LOCAL_RANK": "0",
}
SETTINGS = {
    "max_epochs": 3,
    "effective_batch": 8,
    "batch_per_device": 2,
    "augmentation": {"reverse_complement": True, "shift_bp": 4},
}
NO_DROPOUT = {"final_dropout": 0.0}


def test_two_devices_give_what_one_gives(make_run):
    """13 validation examples, and 2 in the last training step: no example counts twice, none is left out."""
    one = make_run("one", settings=SETTINGS, model=NO_DROPOUT)
    two = make_run("two", settings=SETTINGS | {"devices": 2}, model=NO_DROPOUT, environment=SLURM)
    one.here()
    errors = two()
    assert errors.count("epoch 1/3") == 1  # the second process is silent
    for column in ("train_loss", "valid_loss", "valid_pearson"):
        assert two.rows()[column].tolist() == pytest.approx(one.rows()[column].tolist(), abs=1e-4)
    first, second = one.weights(), two.weights()
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)
    assert not two.state.exists()


@pytest.mark.exhaustive
def test_two_devices_are_one_with_twice_the_batch(make_run):
    """No accumulation on either side: steps of 8 examples, of which each of two devices takes 4."""
    settings = SETTINGS | {"max_epochs": 4, "gradient_clip": 1.0, "weight_decay": 0.01}
    one = make_run("one", settings=settings | {"batch_per_device": 8}, model=NO_DROPOUT)
    two = make_run("two", settings=settings | {"batch_per_device": 4, "devices": 2}, model=NO_DROPOUT)
    one.here()
    two()
    assert two.rows().to_numpy() == pytest.approx(one.rows().to_numpy(), rel=1e-4)


@pytest.mark.exhaustive
def test_only_the_first_process_writes(make_run, tmp_path):
    faults = os.pathsep.join([str(Path(__file__).parents[1] / "faults"), os.environ.get("PYTHONPATH", "")])
    (tmp_path / "notes").mkdir()
    environment = {"PYTHONPATH": faults, "REGULENS_FAULT": f"note {tmp_path / 'notes'}"}
    run = make_run(settings=SETTINGS | {"devices": 2}, environment=environment)
    process = run.start()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    notes = {path.name: path.read_text().splitlines() for path in (tmp_path / "notes").iterdir()}
    changes = {pid: [line for line in lines if str(run.folder) in line] for pid, lines in notes.items()}
    first = changes.pop(str(process.pid))
    for path, times in ((run.output, 1), (run.state / "last.ckpt", 3), (run.log, 4), (run.state / "lock", 1)):
        assert sum(line.startswith(("os.rename", "os.link")) and line.endswith(f"{path}") for line in first) == times
    assert len(changes) == 1  # the second process has its notes, and they name no file of the run
    assert not any(changes.values())


def test_an_example_that_comes_twice_ends_the_run(make_run, monkeypatch):
    """What a wrong sampler, or a process that knows nothing of the others, would do."""
    batches = BatchPlan.batches

    def twice_the_first(plan, order, rank):
        order = order.copy()
        order[1] = order[0]
        return batches(plan, order, rank)

    monkeypatch.setattr(BatchPlan, "batches", twice_the_first)
    run = make_run(settings=SETTINGS)
    with pytest.raises(RuntimeError, match="1 of 50 training examples were not used and 1 more than once"):
        run.here()
    assert not run.output.exists()


RANKS, TRACKS = 3, 4
EXAMPLES = (13, 6, 1)
"""Sizes of validation sets: with blank examples on one device, without any, and with an example on one device only."""


def scores_of(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets (examples, bins, tracks), float32."""
    random = np.random.default_rng(examples)
    target = random.gamma(1, size=(examples, 6, TRACKS)).astype(np.float32)
    return target + random.normal(size=target.shape).astype(np.float32), target


def merge(rank: int, folder: Path) -> None:
    """One of the processes: adds its share of each validation set and writes what it makes of all."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=RANKS)
    found = []
    for examples in EXAMPLES:
        metric, (prediction, target) = TrackPearson(TRACKS), map(torch.from_numpy, scores_of(examples))
        for batch in evaluation_batches(examples, 2, rank, RANKS):
            rows = [index for index in batch if index != BLANK]
            metric.update(prediction[rows], target[rows])
        found.append(metric.correlation().pearson)
    np.save(folder / f"{rank}.npy", torch.stack(found).numpy())
    distributed.destroy_process_group()


def test_correlation_is_merged_without_duplicates(tmp_path):
    # Forked: started anew, each process would import PyTorch.
    multiprocessing.start_processes(merge, (tmp_path,), RANKS, start_method="fork")
    found = [np.load(tmp_path / f"{rank}.npy") for rank in range(RANKS)]
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])
    for row, examples in enumerate(EXAMPLES):
        prediction, target = (values.astype(float).reshape(-1, TRACKS) for values in scores_of(examples))
        expected = [np.corrcoef(prediction[:, track], target[:, track])[0, 1] for track in range(TRACKS)]
        assert found[0][row] == pytest.approx(expected, abs=1e-10)
    # What a sampler that fills up with examples from the start would have given is another number.
    prediction, target = (np.concatenate([values, values[:2]]).reshape(-1, TRACKS) for values in scores_of(13))
    padded = [np.corrcoef(prediction[:, track], target[:, track])[0, 1] for track in range(TRACKS)]
    assert np.abs(found[0][0] - padded).max() > 1e-4


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the process table of Linux")
@pytest.mark.parametrize(
    ("ending", "as_module"),
    [(signal.SIGTERM, True), pytest.param(signal.SIGKILL, False, marks=pytest.mark.exhaustive)],
)
def test_no_process_stays_behind(make_run, ending, as_module):
    """Started as a script and by `python -m`."""
    settings = SETTINGS | {"devices": 2, "max_epochs": 400}
    run = make_run(settings=settings, environment=SLURM, as_module=as_module)
    process = run.start()
    run.wait_for_epochs(process, 2)
    (other,) = children(process.pid)
    os.kill(process.pid, ending)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == (143 if ending == signal.SIGTERM else -signal.SIGKILL)
    end = time.monotonic() + 60
    while running(other) and time.monotonic() < end:
        time.sleep(0.1)
    assert not running(other)
    assert not run.output.exists()
    if ending == signal.SIGTERM:
        assert "Traceback" not in errors
        assert not (run.state / "lock").exists()
