"""Seconds and memory from the first-layer filters of 10 trials to the hits of their motifs.

    OMP_NUM_THREADS=1 python benchmarks/filters.py [--trials 10] [--sequences 5000] [--threads 1]

Alignment: activations of 32 filters a trial on random test sequences of 200 bp, untrained networks, both activations.
Comparison: filters made of noisy JASPAR matrices, all 1,964 matrices of JASPAR 2020 CORE as targets. The
best of two runs each; memory is the process's largest so far.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from regulens.models.hybrid import HybridNetwork
from regulens.models.settings import HybridNetworkSettings
from regulens.motifs.filters import align
from regulens.motifs.jaspar import load_targets
from regulens.motifs.meme import MemeMotif, PositionWeightMatrix, write_meme
from regulens.motifs.settings import ComparisonSettings
from regulens.motifs.tomtom import compare

FILTERS = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--sequences", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    codes = torch.randint(0, 4, (arguments.sequences, 200), dtype=torch.uint8, device=device)
    queries = arguments.trials * FILTERS
    rows = []
    for activation in ("relu", "exponential"):
        settings = HybridNetworkSettings(baseline="c4c6", activation=activation)
        network = HybridNetwork(settings, arguments.trials).to(device).eval()
        what = f"align {queries} filters ({activation}, {device}), {len(codes)} sequences"
        rows.append([what, *measure(lambda network=network: align(network.first_layer, codes))])
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("filters.meme", "targets.meme", "tomtom.tsv")]
        targets = [target.motif for target in load_targets("JASPAR2020", "CORE", None, True)]
        write_meme(paths[0], noisy(targets, queries))
        write_meme(paths[1], targets)
        settings = ComparisonSettings(engine="native")
        seconds, memory = measure(lambda: compare(*paths[:2], settings, paths[2], threads=arguments.threads))
        rows.append([f"compare {queries} filters with {len(targets)} targets", seconds, memory])
    print(tabulate(rows, headers=["step", "s", "MB"], floatfmt=("", ".2f", ".0f")))


def measure(function: Callable[[], object], repeats: int = 2) -> tuple[float, float]:
    """Seconds of the fastest call, and the largest memory of the process so far in MB."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def noisy(targets: list[MemeMotif], count: int) -> list[MemeMotif]:
    """Motifs of 7 to 20 bp, each a target or a part of one between uniform columns, with the noise of 200 sites."""
    rng, motifs = np.random.default_rng(0), []
    for number in range(count):
        matrix, width = targets[rng.integers(len(targets))].matrix.probabilities, rng.integers(7, 21)
        start = rng.integers(0, max(width - len(matrix), 0) + 1)
        expected = np.full((width, 4), 0.25)
        part = expected[start : start + len(matrix)]
        part[:] = 0.9 * matrix[: len(part)] + 0.1 * 0.25
        matrix = PositionWeightMatrix(f"filter{number}", f"filter{number}", rng.multinomial(200, expected) / 200)
        motifs.append(MemeMotif(matrix, width))
    return motifs


if __name__ == "__main__":
    main()
