"""How many mutants a second a BERT classifies, from making them to their classes.

    python benchmarks/mutants.py [--mutants 512] [--large-mutants 16] [--threads 2] [--batches 1 16 64 256]

Mutants of 20 bases of 200 bp, k-merised on the model's device, for a small model (3 layers, 96 wide) and one of
DNABERT-6's size; a batch is as large as the number of mutants at most. New weights: the time does not depend on them.
Where there is a GPU, both run there, in float32 and bf16; give more mutants then.
"""

import argparse
import time

import numpy as np
import torch

from regulens.interpret.mutagenesis import classifier, classify_all, mutate, random_positions
from regulens.models.bert import BertSettings, build_classifier

MODELS = {
    "small, 3 x 96": BertSettings(layers=3, hidden=96, heads=4, intermediate=384),
    "DNABERT-6": BertSettings(),
}
LENGTH, MUTATIONS, BLOCK = 200, 20, 500


def main() -> None:
    from tabulate import tabulate

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=512, help="for the small model")
    parser.add_argument("--large-mutants", type=int, default=16, help="for the model of DNABERT-6's size")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    on_gpu = torch.cuda.is_available()
    where = torch.cuda.get_device_name() if on_gpu else f"CPU, {arguments.threads} threads"
    rows = []
    for (name, settings), mutants in zip(MODELS.items(), (arguments.mutants, arguments.large_mutants), strict=True):
        model = build_classifier(settings).eval().to("cuda" if on_gpu else "cpu")
        for precision in ("fp32", "bf16") if on_gpu else ("fp32",):
            classify = classifier(model, settings.k, precision)
            for batch in sorted({min(batch, mutants) for batch in arguments.batches}):
                measure(classify, min(mutants, 2 * batch), batch)
                rows.append([name, where, precision, batch, mutants, mutants / measure(classify, mutants, batch)])
    rows.append(["(no model: making mutants)", "CPU", "", BLOCK, 20_000, 20_000 / measure(nothing, 20_000, BLOCK)])
    print(tabulate(rows, headers=["model", "device", "precision", "batch", "mutants", "mutants/s"], floatfmt=".3g"))


def measure(classify, mutants: int, batch: int) -> float:
    """Seconds to make and classify so many mutants."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (BLOCK, LENGTH), dtype=np.uint8)
    sizes = [BLOCK] * (mutants // BLOCK) + [mutants % BLOCK] * bool(mutants % BLOCK)
    start = time.perf_counter()
    blocks = (mutate(codes[:size], random_positions((size, LENGTH), MUTATIONS, rng), rng) for size in sizes)
    classify_all(classify, blocks, mutants, batch)
    return time.perf_counter() - start


def nothing(codes: torch.Tensor) -> torch.Tensor:
    return codes[:, 0]


if __name__ == "__main__":
    main()
