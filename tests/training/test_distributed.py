"""Two processes on two CPU devices, started the way SLURM starts a job."""

import os
import signal
import time
from pathlib import Path

import pytest
import torch

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
@pytest.mark.parametrize(("ending", "as_module"), [(signal.SIGTERM, True), (signal.SIGKILL, False)])
def test_no_process_stays_behind(make_run, ending, as_module):
    """Started as a script and by `python -m`."""
    settings = SETTINGS | {"devices": 2, "max_epochs": 400}
    run = make_run(settings=settings, environment=SLURM, as_module=as_module)
    process = run.start()
    run.wait_for_epochs(process, 2)
    (other,) = children(process.pid)
    os.kill(process.pid, ending)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (143 if ending == signal.SIGTERM else -signal.SIGKILL)
    end = time.monotonic() + 10
    while running(other) and time.monotonic() < end:
        time.sleep(0.1)
    assert not running(other)
    assert not run.output.exists()
    if ending == signal.SIGTERM:
        assert "Traceback" not in errors
        assert not (run.state / "lock").exists()
