"""Fine-tuning and pre-training on 51 training and 13 validation sequences of 30 bp: an epoch takes a moment."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from regulens.core.tensors import read_weight_file
from regulens.data.sequences import SequenceSet, write_sequences
from regulens.models.bert import BertSettings
from regulens.training.classification import classification_task
from regulens.training.loop import train
from regulens.training.pretraining import masked_kmer_task
from regulens.training.settings import FineTuningSettings, MaskedTrainingSettings, PretrainingSettings

LENGTH = 30
BERT = {"k": 3, "layers": 1, "hidden": 16, "heads": 2, "intermediate": 32, "positions": 40}
MASKS = {"valid_fraction": 0.2, "seed": 4}


def write_tables(folder: Path) -> dict[str, Path]:
    """Sequence files of 51 training and 13 validation sequences; those of class 1 have TATAAA somewhere."""
    random = np.random.default_rng(1)
    for split, number in (("train", 51), ("valid", 13)):
        labels = (np.arange(number) % 2).astype(np.uint8)
        codes = random.integers(0, 4, (number, LENGTH), dtype=np.uint8)
        for row in np.flatnonzero(labels):
            start = random.integers(0, LENGTH - 6)
            codes[row, start : start + 6] = (3, 0, 3, 0, 0, 0)
        write_sequences(folder / f"{split}.tsv", SequenceSet([f"{split}{i}" for i in range(number)], labels, codes))
    return {split: folder / f"{split}.tsv" for split in ("train", "valid")}


@dataclass
class TaskRun:
    """Fine-tuning (`kind` classes) or pre-training (kmers: 64 windows, 13 of them validate) in a folder of its own."""

    kind: str
    tables: dict[str, Path]
    folder: Path
    training: dict = field(default_factory=dict)
    bert: dict = field(default_factory=dict)
    initial: Path | None = None
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

    def settings(self) -> dict:
        defaults = {"accelerator": "cpu", "effective_batch": 8, "batch_per_device": 8, "learning_rate": 0.01}
        return defaults | {"max_epochs": 3, "select": "loss"} | self.training

    def here(self) -> None:
        """Train in this process."""
        bert, outputs = BertSettings(**BERT | self.bert), (self.seed, self.output, self.log, self.state)
        if self.kind == "classes":
            train(
                lambda: classification_task(
                    self.tables["train"], self.tables["valid"], bert, self.initial, "promoters"
                ),
                FineTuningSettings(**self.settings()),
                *outputs,
            )
        else:
            masks = PretrainingSettings(**MASKS)
            train(
                lambda: masked_kmer_task([], self.tables.values(), bert, masks, LENGTH),
                MaskedTrainingSettings(**self.settings()),
                *outputs,
            )

    def command(self) -> str:
        """Train with the command of the workflow, in a process of its own; returns what it wrote to stderr."""
        values = {"model": BERT | self.bert, "training": self.settings()}
        if self.kind == "classes":
            words = ["fine-tune", "--train", self.tables["train"], "--valid", self.tables["valid"]]
            words += ["--task", "promoters", "--seed", self.seed]
            words += ["--initial", self.initial] if self.initial else []
        else:
            words = ["pretrain", "--sequences", self.tables["train"], "--sequences", self.tables["valid"]]
            values |= {"data": MASKS, "length_bp": LENGTH, "seed": self.seed}
        self.state.parent.mkdir(parents=True, exist_ok=True)
        config = self.state.with_suffix(".yaml")
        config.write_text(yaml.safe_dump({"given": values}))
        words += ["--config", config, *(word for key in values for word in ("--part", f"given/{key}"))]
        words += ["--state", self.state, "--epochs-log", self.log, "--output", self.output]
        done = subprocess.run(
            [sys.executable, "-m", "regulens", *map(str, words)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def rows(self) -> pd.DataFrame:
        """The log without the columns that measure time."""
        return pd.read_csv(self.log).drop(columns=["seconds", "examples_per_s"])

    def content(self) -> dict:
        """Everything in the file of the model."""
        return read_weight_file(self.output)

    def weights(self) -> dict[str, torch.Tensor]:
        return self.content()["state_dict"]
