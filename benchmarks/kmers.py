"""How many MB of sequence (one byte a base) a second one core turns into tokens, and token values into base values.

    OMP_NUM_THREADS=1 python benchmarks/kmers.py [--k 6] [--repeats 20]

Random sequences of 200 bp, as many as the model takes at a time and more, and one long sequence; the best of
``--repeats``, in CPU seconds, which other programs on the machine disturb less. For comparison a tokeniser by a table
of words, as DNABERT's own works, on one sequence at a time.
"""

import argparse
import itertools
import time
from collections.abc import Callable

import torch
from tabulate import tabulate

from regulens.core.kmers import base_relevance, kmer_ids, token_ids
from regulens.core.sequence import decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--k", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    k, random = arguments.k, torch.Generator().manual_seed(0)
    table = {"".join(letters): 5 + n for n, letters in enumerate(itertools.product("ATCG", repeat=k))}
    rows = []
    for shape in ((48, 200), (1000, 200), (20000, 200), (1, 2_000_000)):
        codes = torch.randint(0, 4, shape, dtype=torch.uint8, generator=random)
        values = torch.rand(shape[0], shape[1] - k + 1, generator=random)
        few = [decode(row.numpy()) for row in codes[:1000, :100_000]]
        rates = [
            rate(lambda codes=codes: kmer_ids(codes, k), codes.numel(), arguments.repeats),
            rate(lambda codes=codes: token_ids(codes, k), codes.numel(), arguments.repeats),
            rate(lambda few=few: [words(text, table, k) for text in few], len(few) * len(few[0]), 3),
            rate(lambda values=values: base_relevance(values, k), codes.numel(), arguments.repeats),
        ]
        rows.append([f"{shape[0]} x {shape[1]} bp", *rates])
    headers = ["sequences", "kmer_ids MB/s", "token_ids MB/s", "table of words MB/s", "base_relevance MB/s"]
    print(tabulate(rows, headers=headers, floatfmt=("", ".0f", ".0f", ".1f", ".0f")))


def rate(function: Callable[[], object], bases: int, repeats: int) -> float:
    """MB of sequence a second: the fastest of ``repeats`` calls."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return bases / 1e6 / min(seconds)


def words(text: str, table: dict[str, int], k: int) -> list[int]:
    return [table.get(text[start : start + k], 1) for start in range(len(text) - k + 1)]


if __name__ == "__main__":
    main()
