"""`kill -9` in the moment of writing: what is half-written has another name, and the rerun takes none of it."""

import os
import signal
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[1] / "faults"


@pytest.mark.parametrize(
    "victim",
    [
        "state/last.ckpt",
        pytest.param("log.csv", marks=pytest.mark.exhaustive),
        pytest.param("model.ckpt", marks=pytest.mark.exhaustive),
    ],
)
def test_killed_while_a_file_is_written(make_run, tmp_path, capfd, victim):
    settings = {"max_epochs": 3}
    whole, run = make_run("whole", settings=settings), make_run(settings=settings)
    whole.here()
    mark = tmp_path / "killed"
    path = os.pathsep.join([str(FAULTS), os.environ.get("PYTHONPATH", "")])
    run.environment = {"PYTHONPATH": path, "REGULENS_FAULT": f"kill_at_rename {victim} {mark}"}
    process = run.start()
    process.communicate(timeout=120)
    assert mark.exists()
    assert process.returncode == -signal.SIGKILL
    name = Path(victim).name
    (half,) = (run.folder / victim).parent.glob(f".*.part.{name}")
    assert not (run.folder / victim).exists()
    assert half.stat().st_size

    capfd.readouterr()
    run.here()
    finished = {"state/last.ckpt": 0, "log.csv": 1, "model.ckpt": 3}[victim]
    assert (f"resuming after {finished} finished epochs" in capfd.readouterr().err) == (finished > 0)
    assert run.rows().equals(whole.rows())
    assert all((value == whole.weights()[name]).all() for name, value in run.weights().items())
