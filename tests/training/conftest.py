"""A store of a few hundred examples of 64 bp and a model of a few thousand weights: an epoch takes a moment."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from regulens.data.settings import Geometry
from regulens.data.store import write_store
from regulens.data.tracks import assign_groups
from regulens.training.assay import train_assay
from regulens.training.checkpoint import read_checkpoint
from regulens.training.settings import TrainingSettings

GEOMETRY = Geometry(input_bp=64, bins=6, bin_bp=8)
MODEL = {"stem_width": 8, "stem_kernel": 5, "widths": [8, 8], "kernel": 3, "final_width": 16, "final_dropout": 0.1}


def track_table() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "identifier": ["GC", "CpG", "plus", "minus"],
            "file": ["gc.bw", "cpg.bw", "plus.bw", "minus.bw"],
            "clip": 100.0,
            "clip_soft": np.nan,
            "scale": 1.0,
            "sum_stat": "mean",
            "strand_pair": [0, 1, 3, 2],
            "description": ["DNASE:gc", "DNASE:cpg", "CAGE:plus", "CAGE:minus"],
        }
    )
    return assign_groups(table, {"DNase": ["DNASE"], "CAGE": ["CAGE"]})


def make_store(path: Path, examples: int, seed: int, split: str) -> Path:
    """Random sequence with some N; rates that follow from each bin's bases."""
    random = np.random.default_rng(seed)
    codes = random.choice(5, size=(examples, 64), p=[0.28, 0.2, 0.2, 0.28, 0.04]).astype(np.uint8)
    bins = codes[:, 8:56].reshape(examples, 6, 8)
    rates = [
        np.isin(bins, (1, 2)).sum(axis=2),
        ((bins[..., :-1] == 1) & (bins[..., 1:] == 2)).sum(axis=2) * 2,
        (bins == 0).sum(axis=2),
        (bins == 3).sum(axis=2),
    ]
    target = random.poisson(np.stack(rates, axis=2) + 0.1).astype(np.float16)
    return write_examples(path, codes, target, track_table(), GEOMETRY, split)


def write_examples(path, codes, target, tracks, geometry, split) -> Path:
    with write_store(path, tracks, geometry, split) as writer:
        for number, (sequence, values) in enumerate(zip(codes, target, strict=True)):
            writer.append(sequence, values, f"chr1:{number * 64}-{number * 64 + 64}")
    return path


@pytest.fixture(scope="session")
def stores(tmp_path_factory) -> dict[str, Path]:
    """Stores of 50 training, 13 validation and 11 test examples."""
    folder = tmp_path_factory.mktemp("stores")
    sizes = {"train": 50, "valid": 13, "test": 11}
    return {
        split: make_store(folder / f"{split}.h5", size, seed, split) for seed, (split, size) in enumerate(sizes.items())
    }


@pytest.fixture(scope="session")
def model_keys() -> dict:
    """Settings of a small model for these stores."""
    return MODEL


@pytest.fixture(scope="session")
def make_store_of():
    """Factory of a store with the usual tracks: path, codes (examples, 64), targets (examples, 6, 4)."""
    return lambda path, codes, target: write_examples(path, codes, target, track_table(), GEOMETRY, "train")


@pytest.fixture
def other_store(tmp_path):
    """Factory of stores that differ from the usual ones: `renamed`, `fewer` tracks, `longer` input."""

    def make(kind: str) -> Path:
        tracks, geometry = track_table(), GEOMETRY
        if kind == "renamed":
            tracks["identifier"] = ["GC", "CpG", "forward", "minus"]
        elif kind == "fewer":
            tracks = tracks.iloc[:3].assign(strand_pair=range(3))
        elif kind == "longer":
            geometry = Geometry(input_bp=80, bins=6, bin_bp=8)
        codes = np.zeros((2, geometry.input_bp), dtype=np.uint8)
        target = np.ones((2, 6, len(tracks)), dtype=np.float16)
        return write_examples(tmp_path / "other" / f"{kind}.h5", codes, target, tracks, geometry, "test")

    return make


@dataclass
class Run:
    """A training command in a folder of its own."""

    stores: dict[str, Path]
    folder: Path
    settings: dict = field(default_factory=dict)
    model: dict = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    as_module: bool = False
    seed: int = 1

    @property
    def output(self) -> Path:
        return self.folder / "model.ckpt"

    @property
    def log(self) -> Path:
        return self.folder / "log.csv"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def arguments(self) -> dict:
        return {
            "architecture": "maxpool_cnn",
            "settings": MODEL | self.model,
            "train": str(self.stores["train"]),
            "valid": str(self.stores["valid"]),
            "training": {"accelerator": "cpu", "effective_batch": 8, "learning_rate": 0.01, **self.settings},
            "seed": self.seed,
            "output": str(self.output),
            "epochs_log": str(self.log),
            "state": str(self.state),
        }

    def here(self) -> None:
        """Train in this process."""
        train_assay(**self.arguments() | {"training": TrainingSettings(**self.arguments()["training"])})

    def start(self, new_group: bool = False) -> subprocess.Popen:
        """Start the command in a process of its own, or in a process group of its own."""
        script = Path(__file__).with_name("run_training.py")
        program = ["-m", script.stem] if self.as_module else [str(script)]
        path = os.pathsep.join(filter(None, [str(script.parent), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path} | self.environment
        return subprocess.Popen(
            [sys.executable, *program, json.dumps(self.arguments())],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=new_group,
        )

    def __call__(self) -> str:
        """Run the command to its end; returns what it wrote to stderr."""
        process = self.start()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return errors

    def rows(self) -> pd.DataFrame:
        """The log without the columns that measure time."""
        return pd.read_csv(self.log).drop(columns=["seconds", "examples_per_s"])

    def weights(self) -> dict[str, torch.Tensor]:
        """The weights of the final model."""
        return read_checkpoint(self.output)["state_dict"]

    def wait_for_epochs(self, process: subprocess.Popen, epochs: int) -> None:
        """Wait until a started command has finished that many epochs."""
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if self.log.exists() and len(pd.read_csv(self.log)) >= epochs:
                return
            time.sleep(0.02)
        process.kill()
        pytest.fail(f"did not reach epoch {epochs}: {process.communicate()}")


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums in the same order in this process and in those that it starts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def run_class() -> type[Run]:
    """`Run`, for fixtures that outlive a test."""
    return Run


@pytest.fixture
def make_run(stores, tmp_path):
    """Factory of training commands: name of their folder, then fields of `Run`."""

    def make(name: str = "run", **fields) -> Run:
        return Run(stores, tmp_path / name, **fields)

    return make
