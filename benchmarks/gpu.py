"""What only a card can tell, as one table: rates and memory of every kind of work, within 8 minutes.

    benchmarks/gpu.sh [--output build/gpu.csv] [--tiny]

The five assay models and Enformer's public implementation (enformer-pytorch), forward and backward in bf16 on batches
of 8; the block of 1D-Swin beside torchvision's and torch's; all relevance scores of DNABERT-6 at the batch where they
are fastest; its mutants; trials of hybrid networks one by one and ten at once; a training that is interrupted and
resumed. Measured by the functions of the benchmarks beside this file, on random input and with new weights. Without a
card, rows have the device "CPU" and float32; ``--tiny`` makes everything small, for the test of this file.

The table is written after every row, so that what was measured is kept whatever happens; a manifest beside it (.json)
has machine, versions, code and arguments. Memory is what the process takes of the card at most, with CUDA's own and
Adam's state; beside it the estimate of `regulens plan`, which takes rates from benchmarks/gpu.csv where a table of a
card is committed.

Nothing is imported at the top but what every Python has. The work is done in a second process, which is ended when a
job takes longer than its share of the time, and started again for the next one. Rows of regulens need pydantic and
rich beside torch, scores and mutants also transformers, h5py, pandas and scipy, the resumed training
pytorch-lightning and torchmetrics too; comparisons what they compare with.
"""

import argparse
import csv
import gc
import importlib.metadata
import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

MEASURED = ("part", "subject", "implementation", "work", "precision", "batch", "value", "unit")
MEMORY = ("memory_gb", "planned_memory_gb")
PLACE = ("device", "driver", "torch", "commit", "date")
COLUMNS = (*MEASURED, *MEMORY, "note", *PLACE)
"""``work`` is the text by which `regulens plan` finds a rate (`cluster.rates`)."""

ASSAY_MODELS = ("maxpool_cnn", "attpool_cnn", "attpool_dilated", "swin1d", "enformer")
NETWORKS = ("c24", "c4c6", "c4c6_att", "c4_lstm", "c4_lstm_trans4")
PACKAGES = ("enformer-pytorch", "numpy", "pydantic", "pytorch-lightning", "torchvision", "transformers", "triton")
OURS = "regulens"
BATCH = 8
SECONDS = 460
"""For all jobs together; gpu.sh ends everything after 475."""

Row = dict[str, object]


@dataclass(frozen=True)
class Job:
    """Work that gives rows of the table."""

    part: str
    rows: list[tuple[str, str]]
    """Subject and implementation of every row, in order."""
    seconds: int
    """Its share of the time, if earlier jobs used all of theirs."""
    run: Callable[[bool], Iterator[Row]]
    """Called in the second process with whether sizes are tiny; yields the other columns of every row. More rows than
    expected replace the last one."""


def jobs() -> list[Job]:
    """All jobs in the order of the table."""
    todo = [Job("assay models", [(name, OURS)], 20, partial(assay_model, name)) for name in ASSAY_MODELS]
    todo += [Job("assay models", [("enformer", "enformer-pytorch")], 25, public_enformer)]
    todo += [Job("block", [("1D-Swin block", name)], 8, partial(swin_block, name)) for name in BLOCKS]
    todo += [Job("scores", [("all scores, DNABERT-6", OURS)], 70, all_scores)]
    todo += [Job("mutants", [(f"DNABERT-6, {how}", OURS)], 25, partial(mutants_of, how)) for how in ("bf16", "fp32")]
    for name in NETWORKS:
        rows = [(name, "torch"), (f"{name}, 1 trial", OURS), (f"{name}, 10 trials", OURS)]
        todo.append(Job("trials", rows, 12, partial(hybrid_trials, name)))
    rows = [("interrupted and resumed", OURS), ("trained twice", OURS)]
    return [*todo, Job("resume", rows, 50, resumed_training)]


def main() -> None:
    from regulens.provenance.record import code_facts

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("build/gpu.csv"))
    parser.add_argument("--tiny", action="store_true", help="small sizes, to test this file")
    arguments = parser.parse_args()
    started, end = datetime.now(UTC), time.monotonic() + SECONDS
    worker = Worker(arguments.tiny)
    (facts,), problem = worker.rows(Job("machine", [("", "")], 0, machine), SECONDS)
    if problem:
        sys.exit(f"gpu.py: {problem}: nothing can be measured")
    place = facts | {"commit": code_facts()["commit"] or "unknown", "date": f"{started:%Y-%m-%d}"}
    table: list[Row] = []
    for row in measure(jobs(), worker, end):
        table.append(row | {name: place[name] for name in PLACE})
        write_table(arguments.output, table)
    write_manifest(arguments.output.with_suffix(".json"), arguments, started, facts)
    print(", ".join(f"{name} {place[name]}" for name in PLACE if place[name]), end="\n\n")
    print(markdown(table))


# Running the jobs within their time.


def measure(todo: list[Job], worker: "Worker", end: float) -> Iterator[Row]:
    """Rows of all jobs, with a note where one was not measured; ``end`` as `time.monotonic` counts."""
    for number, job in enumerate(todo):
        left = end - sum(later.seconds for later in todo[number + 1 :]) - time.monotonic()
        if left < 1:
            rows, problem = [{} for _ in job.rows], "no time was left"
        else:
            print(f"{job.part}: {job.rows[0][0]}, {job.rows[0][1]}", file=sys.stderr, flush=True)
            rows, problem = worker.rows(job, left)
        for (subject, implementation), row in zip(job.rows, rows, strict=True):
            note = {} if row else {"note": problem}
            yield {"part": job.part, "subject": subject, "implementation": implementation} | row | note


class Worker:
    """The second process, which does the work; it is started when there is some, and again after it was lost."""

    def __init__(self, tiny: bool):
        self.tiny = tiny
        self._process = None

    def rows(self, job: Job, seconds: float) -> tuple[list[Row], str]:
        """A row for each that the job has, empty if it was not measured within the time; and why not."""
        if self._process is None:
            self._start()
        found: list[Row] = []
        problem, end = "", time.monotonic() + seconds
        try:
            self._connection.send((job, self.tiny))
            while self._connection.poll(max(0, end - time.monotonic())):
                row = self._connection.recv()
                if isinstance(row, str):
                    problem = row
                    break
                found = [*found[: len(job.rows) - 1], row]
            else:
                problem = f"ended after {seconds:.0f} s, its share of the time"
                self._stop()
        except (EOFError, OSError):
            self._process.join()
            problem = f"its process died (exit status {self._process.exitcode})"
            self._stop()
        return found + [{}] * (len(job.rows) - len(found)), problem

    def _start(self) -> None:
        fresh = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
        self._connection, theirs = fresh.Pipe()
        self._process = fresh.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def _stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._process = None


def serve(connection: Connection) -> None:
    """In the second process: does every job that comes, sends its rows, and at last what went wrong, or ""."""
    while True:
        try:
            job, tiny = connection.recv()
        except EOFError:
            return
        try:
            for row in job.run(tiny):
                connection.send(row)
            problem = ""
        except ModuleNotFoundError as error:
            problem = f"needs the package {error.name}"
        except Exception as error:
            traceback.print_exc()
            problem = f"failed: {type(error).__name__}: {error}".splitlines()[0][:200]
        connection.send(problem)
        release_memory()


def release_memory() -> None:
    """Give the memory of the last job back to the card, and forget its peak."""
    torch = sys.modules.get("torch")
    gc.collect()
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


# Jobs: functions of the second process.


def machine(tiny: bool) -> Iterator[Row]:
    """Card and versions."""
    import torch

    facts = {"device": "CPU", "driver": "", "python": platform.python_version(), "torch": str(torch.__version__)}
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        facts |= {"device": card.name, "driver": driver(), "card_memory_gb": round(card.total_memory / 1e9, 1)}
        facts |= {"capability": f"{card.major}.{card.minor}", "cuda": torch.version.cuda}
        facts["cudnn"] = str(torch.backends.cudnn.version())
    yield facts


def driver() -> str:
    """Version of the card's driver."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.splitlines()[0].strip()


def assay_model(name: str, tiny: bool) -> Iterator[Row]:
    """Forward and backward passes of one assay model."""
    import models

    from regulens.cluster.cost import assay_cost, training_memory_gb
    from regulens.cluster.rates import assay_work
    from regulens.models.base import build

    settings, geometry, n_tracks, batch = assay_sizes(name, tiny)
    model = build(name, settings, geometry, n_tracks).to(device()).train()
    row = pass_row(model, *models.example(model, batch, device()), tiny)
    row["work"] = assay_work(name, model.settings, geometry, n_tracks)
    cost = assay_cost(name, settings, geometry, n_tracks)
    planned = training_memory_gb(cost, batch, device() == "cuda", 3 * 4 * geometry.bins * n_tracks)
    yield row | {"planned_memory_gb": f"{planned:.1f}"}


def public_enformer(tiny: bool) -> Iterator[Row]:
    """The same of enformer-pytorch, with the sizes of ours."""
    import models
    from enformer_pytorch import Enformer
    from torch import nn

    _, geometry, n_tracks, batch = assay_sizes("enformer", tiny)
    sizes = (
        {"dim": 96, "depth": 1, "heads": 2, "dim_divisible_by": 4} if tiny else {"dim": 1536, "depth": 11, "heads": 8}
    )

    class Public(nn.Module):
        """With our input and output."""

        def __init__(self):
            super().__init__()
            self.geometry, self.n_tracks = geometry.model_copy(update={"input_bp": geometry.padded_bp}), n_tracks
            heads = {"tracks": n_tracks}
            self.inner = Enformer.from_hparams(**sizes, output_heads=heads, target_length=geometry.bins)

        def forward(self, x):
            return self.inner(x.transpose(1, 2), head="tracks").float()

    model = Public().to(device()).train()
    row = pass_row(model, *models.example(model, batch, device()), tiny)
    yield row | {"note": f"{row['note']}; batch norm"}


def our_block(width: int, heads: int, window: int):
    """Block of `Swin1D` with its default settings."""
    from regulens.models.swin1d import Swin1D, WindowBlock

    keys = Swin1D.Settings()
    how = keys.families, keys.functions, keys.ffn_expansion, keys.depthwise_conv, keys.dropout, keys.attention_dropout
    return WindowBlock(width, window, heads, width // heads, *how), "relative positions, depth-wise convolution"


def torchvision_block(width: int, heads: int, window: int):
    """Block of Swin for images, which are one pixel high."""
    from torch import nn
    from torchvision.models.swin_transformer import SwinTransformerBlock

    block = SwinTransformerBlock(width, heads, [1, window], [0, 0], mlp_ratio=2, dropout=0.02, attention_dropout=0.02)
    return nn.Sequential(nn.Unflatten(1, (1, -1)), block, nn.Flatten(1, 2)), "positions by a table, no convolution"


def torch_block(width: int, heads: int, window: int):
    """Encoder layer inside windows."""
    from torch import nn

    layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.02, batch_first=True, norm_first=True)

    class Windows(nn.Module):
        """Windows folded into the batch."""

        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(x.reshape(-1, window, width)).reshape_as(x)

    return Windows(), "nn.TransformerEncoderLayer in windows: no positions, no convolution"


BLOCKS = {OURS: our_block, "torchvision": torchvision_block, "torch": torch_block}


def swin_block(implementation: str, tiny: bool) -> Iterator[Row]:
    """Attention inside windows and a feed-forward part; width, heads and window are those of 1D-Swin's last layer."""
    import torch

    width, heads, window, tokens = (32, 2, 10, 40) if tiny else (512, 8, 140, 2240)
    block, note = BLOCKS[implementation](width, heads, window)
    block.to(device()).train()
    x = torch.randn(BATCH, tokens, width, device=device(), requires_grad=True)
    row = pass_row(block, x, lambda y: y.float().square().mean(), tiny)
    yield row | {"note": f"{row['note']}; {tokens} tokens, windows of {window}, width {width}; {note}"}


def all_scores(tiny: bool) -> Iterator[Row]:
    """All relevance scores, at batches that double until they do not fit or are not faster."""
    import relevance
    import torch

    from regulens.cluster.rates import score_work
    from regulens.interpret.settings import RelevanceSettings
    from regulens.models.bert import build_classifier

    names, settings = RelevanceSettings().scores, bert(tiny)
    model = build_classifier(settings).to(device()).eval().requires_grad_(False)
    rates: dict[int, float] = {}
    for batch in (2, 4) if tiny else (8, 16, 32, 64, 128, 256):
        codes = torch.randint(0, 4, (batch, relevance.LENGTH), dtype=torch.uint8)
        work = partial(relevance.score_all, model, codes, settings.k, batch, names)
        try:
            rates[batch] = batch / relevance.seconds(work, device(), 1 if tiny else 2)
        except torch.OutOfMemoryError:
            if not rates:
                raise
            break
        best = max(rates, key=rates.get)
        tried = ", ".join(f"{batch}: {rate:.3g}" for batch, rate in rates.items())
        yield {
            "work": score_work(settings, names, relevance.LENGTH),
            "precision": "fp32",
            "batch": best,
            "value": f"{rates[best]:.4g}",
            "unit": "sequences/s",
            "note": f"{len(names)} scores; by batch {tried}",
        }
        if best != batch:
            break


def mutants_of(precision: str, tiny: bool) -> Iterator[Row]:
    """Mutants of DNABERT-6, made and classified."""
    import mutants

    from regulens.cluster.rates import mutant_work
    from regulens.interpret.mutagenesis import classifier
    from regulens.models.bert import build_classifier

    if precision == "bf16" and device() == "cpu":
        yield {"precision": precision, "note": "on a card only"}
        return
    settings, batch = bert(tiny), 8 if tiny else 512
    classify = classifier(build_classifier(settings).eval().to(device()), settings.k, precision)
    mutants.measure(classify, batch, batch)
    number = batch if tiny else {"bf16": 16, "fp32": 4}[precision] * batch
    yield {
        "work": mutant_work(settings, mutants.LENGTH),
        "precision": precision,
        "batch": batch,
        "value": f"{number / mutants.measure(classify, number, batch):.4g}",
        "unit": "mutants/s",
        "note": f"{number} mutants of {mutants.LENGTH} bp",
    }


def hybrid_trials(name: str, tiny: bool) -> Iterator[Row]:
    """Forward and backward passes of a hybrid network: one trial of plain torch modules, one and ten trials of ours."""
    import hybrid

    from regulens.cluster.rates import trial_work
    from regulens.models.settings import HybridNetworkSettings

    baseline, modules = hybrid.ARCHITECTURES[name]
    trials = [1, 2 if tiny else 10]
    reference, *seconds = hybrid.measure(name, device(), trials, 1 if tiny else 10)
    common = {"precision": "fp32", "batch": hybrid.BATCH, "unit": "examples/s"}
    yield common | {"value": f"{hybrid.BATCH / reference:.4g}", "note": "plain modules, one trial"}
    for number, taken in zip(trials, seconds, strict=True):
        ratio = taken / number / reference
        yield common | {
            "work": trial_work(HybridNetworkSettings(baseline=baseline, modules=modules), number, hybrid.BATCH),
            "value": f"{number * hybrid.BATCH / taken:.4g}",
            "note": f"trials at once: {number}; time for an example: {ratio:.2f} of plain modules'",
        }


def resumed_training(tiny: bool) -> Iterator[Row]:
    """1D-Swin for three epochs: stopped by SIGTERM in the second and resumed, and once more, each against one go."""
    from regulens.data.settings import Geometry
    from regulens.data.store import AssayStore
    from regulens.models.base import build
    from regulens.training import loop
    from regulens.training.assay import AssayTask
    from regulens.training.checkpoint import read_checkpoint
    from regulens.training.settings import TrainingSettings

    settings, geometry, _, examples = assay_sizes("swin1d", tiny)
    if not tiny:
        geometry, examples = Geometry(input_bp=6144, bins=32), 96
    training = TrainingSettings(max_epochs=3, select="loss", effective_batch=BATCH, batch_per_device=BATCH)

    class Stopped(AssayTask):
        """Gets a SIGTERM in the second epoch."""

        def start_epoch(self, seed: int, epoch: int) -> None:
            super().start_epoch(seed, epoch)
            if epoch == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stores = [random_store(folder / f"{split}.h5", geometry, examples, split) for split in ("train", "valid")]

        def train(run: str, kind: type[AssayTask] = AssayTask) -> dict:
            @contextmanager
            def task() -> Iterator[AssayTask]:
                with AssayStore(stores[0]) as first, AssayStore(stores[1]) as second:
                    yield kind(build("swin1d", settings, geometry, len(first.tracks)), [first, second], training)

            loop.train(task, training, 1, folder / f"{run}.ckpt", folder / f"{run}.csv", folder / run)
            return read_checkpoint(folder / f"{run}.ckpt")

        whole = train("whole")
        status = None
        try:
            train("parts", Stopped)
        except SystemExit as stopped:
            status = stopped.code
        interrupted = f"exit status {status} in the second of 3 epochs"
        for run, note in (("parts", interrupted), ("again", "without interruption")):
            found = train(run)
            pairs = [(found["state_dict"][key], weights) for key, weights in whole["state_dict"].items()]
            yield {
                "precision": "bf16" if device() == "cuda" else "fp32",
                "batch": BATCH,
                "value": f"{max(float((one - other).abs().max()) for one, other in pairs):.3g}",
                "unit": "largest difference of a weight",
                "note": f"1D-Swin, {examples} examples of {geometry.input_bp} bp; epochs {whole['epoch']} and "
                f"{found['epoch']} are the best; {note}",
            }


# What the jobs share.


def device() -> str:
    """Where everything runs."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def assay_sizes(name: str, tiny: bool):
    """Settings, geometry, tracks and batch of an assay model: the papers', with default settings, or tiny ones."""
    from regulens.data.settings import Geometry

    if not tiny:
        return {}, Geometry(), 5313, BATCH
    from models import SMALL

    return SMALL[name], Geometry(input_bp=1000, bins=4), 5, 2


def bert(tiny: bool):
    """Settings of DNABERT-6, or of a tiny model."""
    from regulens.models.settings import BertSettings

    return BertSettings(k=3, layers=1, hidden=24, heads=2, intermediate=48) if tiny else BertSettings()


def pass_row(model, x, loss, tiny: bool) -> Row:
    """Forward and backward passes of a model; its memory on a card, with Adam's state."""
    import models
    import torch

    seconds = models.least_seconds(model, x, loss, 1 if tiny else 10)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    row = {"precision": "fp32", "batch": len(x), "value": f"{len(x) / seconds:.4g}", "unit": "examples/s"}
    row["note"] = f"{parameters / 1e6:.1f} M parameters"
    if device() == "cpu":
        return row
    adam = torch.optim.Adam(model.parameters())
    adam.step()
    models.step(model, x, loss)  # with Adam's state beside it
    free, total = torch.cuda.mem_get_info()
    memory = total - free - torch.cuda.memory_reserved() + torch.cuda.max_memory_reserved()
    return row | {"precision": "bf16", "memory_gb": f"{memory / 1e9:.1f}"}


def random_store(path: Path, geometry, examples: int, split: str) -> Path:
    """Store of random sequences with two tracks: bases C and G, and A, of every bin."""
    import numpy as np
    import pandas as pd

    from regulens.data.store import write_store
    from regulens.data.tracks import assign_groups

    table = {"identifier": ["GC", "A"], "file": "", "clip": 100.0, "clip_soft": np.nan, "scale": 1.0}
    table |= {"sum_stat": "mean", "strand_pair": [0, 1], "replicates": "", "description": ["DNASE:GC", "DNASE:A"]}
    tracks = assign_groups(pd.DataFrame(table), {"DNase": ["DNASE"]})
    codes = np.random.default_rng(0).integers(0, 4, (examples, geometry.input_bp), dtype=np.uint8)
    start = (geometry.input_bp - geometry.bins * geometry.bin_bp) // 2
    bins = codes[:, start : start + geometry.bins * geometry.bin_bp].reshape(examples, geometry.bins, -1)
    targets = np.stack([np.isin(bins, (1, 2)).mean(axis=2), (bins == 0).mean(axis=2)], axis=2).astype(np.float16)
    with write_store(path, tracks, geometry, split) as writer:
        for sequence, target in zip(codes, targets, strict=True):
            writer.append(sequence, target)
    return path


# The table, and the manifest beside it.


def write_table(path: Path, rows: list[Row]) -> None:
    """Write the table anew."""
    from regulens.core.io import atomic_output

    with atomic_output(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_manifest(path: Path, arguments: argparse.Namespace, started: datetime, facts: Row) -> None:
    """Write what the table was measured with."""
    from regulens.core.io import atomic_output
    from regulens.provenance.record import code_facts

    manifest = {
        "table": arguments.output.name,
        "arguments": {name: str(value) for name, value in vars(arguments).items()},
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
        "machine": facts,
        "code": code_facts(),
        "packages": {name: version for name in PACKAGES if (version := installed(name))},
    }
    with atomic_output(path) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def installed(package: str) -> str | None:
    """Version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def markdown(rows: list[Row]) -> str:
    """The table as Markdown, without what is the same in every row."""
    shown = [name for name in (*MEASURED, *MEMORY, "note") if name != "work"]
    lines = [shown, ["---"] * len(shown), *([str(row.get(name) or "") for name in shown] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
