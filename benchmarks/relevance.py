"""How many sequences of 200 bp a second all relevance scores take, one by one and in batches.

    python benchmarks/relevance.py [--threads 2] [--sequences 32] [--batches 1 4 8 16 32]
    python benchmarks/relevance.py --sizes dnabert6 --sequences 4 --batches 1 4 --repeats 1     # minutes on a CPU

Random weights, float32, on the CPU and where there is one on a GPU. "single passes" is a loop over sequences and
scores, each with passes of its own, as the public code works; the other rows compute the passes of a batch once for all
scores. "all / LRP" is their time against that of LRP alone in the same batches, "matrix products" the share of
matrix products in the time of all operations (from PyTorch's profiler): what is left if they are the only cost. One
pass warms up, the best of ``--repeats`` counts. ``--cpu-time`` counts the time of the process instead of the clock's,
for a machine with other work on it (with one thread).
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from regulens.interpret.score_file import score_batch
from regulens.interpret.settings import RelevanceSettings
from regulens.models.bert import BertSettings, build_classifier

SIZES = {
    "demo": BertSettings(layers=3, hidden=96, heads=4, intermediate=384),
    "dnabert6": BertSettings(),
}
LENGTH = 200
MATRIX_PRODUCTS = {"aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm"}


def main() -> None:
    from tabulate import tabulate

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["demo"], choices=list(SIZES))
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8, 16, 32])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu-time", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        for size in arguments.sizes:
            rows += measure(size, device, arguments)
    headers = ["size", "device", "passes", "sequences/s", "gain", "all / LRP", "matrix products"]
    print(tabulate(rows, headers=headers, floatfmt=("", "", "", ".3g", ".2f", ".2f", ".0%")))


def measure(size: str, device: str, arguments: argparse.Namespace) -> list[list]:
    """Rows of one size on one device."""
    from tqdm import tqdm

    settings = SIZES[size]
    model = build_classifier(settings).to(device).eval().requires_grad_(False)
    codes = torch.randint(0, 4, (arguments.sequences, LENGTH), dtype=torch.uint8)

    def run(batch: int, scores: list[str]) -> None:
        score_all(model, codes, settings.k, batch, scores)

    def single_passes() -> None:
        for name in names:
            run(1, [name])

    names = RelevanceSettings().scores
    how = device, arguments.repeats, arguments.cpu_time
    single = len(codes) / seconds(single_passes, *how)
    where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {arguments.threads} threads"
    rows = [[size, where, "single passes", single, 1.0, None, None]]
    for batch in tqdm(arguments.batches, f"{size}, {device}", disable=None):
        everything = seconds(lambda batch=batch: run(batch, names), *how)
        lrp = seconds(lambda batch=batch: run(batch, ["lrp"]), *how)
        share = matrix_share(lambda batch=batch: run(batch, names), device)
        found = len(codes) / everything
        rows.append([size, where, f"all scores, batch {batch}", found, found / single, everything / lrp, share])
    return rows


def score_all(model: nn.Module, codes: Tensor, k: int, batch: int, scores: list[str]) -> None:
    """Scores of the sequences ``codes`` uint8 (N, L), in batches."""
    labels, asked = torch.zeros(len(codes), dtype=torch.uint8), RelevanceSettings(scores=scores)
    for start in range(0, len(codes), batch):
        rows = slice(start, start + batch)
        score_batch(model, codes[rows], labels[rows], k, asked)


def seconds(work: Callable[[], None], device: str, repeats: int, cpu_time: bool = False) -> float:
    """Least time of several runs, after one that warms up."""
    synchronise = torch.cuda.synchronize if device == "cuda" else lambda: None
    clock = time.process_time if cpu_time else time.perf_counter
    times = []
    for _ in range(repeats + 1):
        synchronise()
        start = clock()
        work()
        synchronise()
        times.append(clock() - start)
    return min(times[1:])


def matrix_share(work: Callable[[], None], device: str) -> float:
    """Share of matrix products in the time of all operations, on the device itself."""
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device == "cuda")
    with profile(activities=activities) as profiler:
        work()
    own = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    events = profiler.key_averages()
    return sum(getattr(event, own) for event in events if event.key in MATRIX_PRODUCTS) / sum(
        getattr(event, own) for event in events
    )


if __name__ == "__main__":
    main()
