"""Synthetic files of the true size and layout of the papers' data, under the names that their servers give them.

`make_inputs` writes a folder that `server.Server` serves: a bucket of Basenji2 files (TFRecords of 131,072 bp and 896
bins x 5,313 tracks, sequences.bed, statistics.json), a genome with the contigs of hg38, and weights of DNABERT-6.
Values are random, drawn from fixed seeds. What exists is not made again.
"""

import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tfrecords import encode_example, frame

from regulens.core.io import atomic_output
from regulens.core.progress import progress

BUCKET = "gs/basenji_barnyard/data/human"
"""Folder of the bucket's files."""

GENOME, WEIGHTS = "http/hg38.fa.gz", "http/DNA_bert_6/pytorch_model.bin"

RECORDS = {"train": [256, 256, 256], "valid": [16], "test": [24]}
"""Records of every file of each split. The papers' have 256 but for the last of a split, which has what is left."""

SEQUENCE_BP, CROP_BP, BIN_BP = 131_072, 8_192, 128

HG38 = dict(
    chr1=248956422, chr2=242193529, chr3=198295559, chr4=190214555, chr5=181538259, chr6=170805979, chr7=159345973,
    chr8=145138636, chr9=138394717, chr10=133797422, chr11=135086622, chr12=133275309, chr13=114364328, chr14=107043718,
    chr15=101991189, chr16=90338345, chr17=83257441, chr18=80373285, chr19=58617616, chr20=64444167, chr21=46709983,
    chr22=50818468, chrX=156040895, chrY=57227415, chrM=16569,
)  # fmt: skip
"""Lengths of hg38's chromosomes in bp."""

LINE_BP = 50  # as in UCSC's files

BASES = np.frombuffer(b"ACGT", np.uint8)


def make_inputs(folder: Path, tracks: Path, records: dict[str, list[int]] | None = None, scale: float = 1.0) -> None:
    """Write all files below ``folder``; ``tracks`` is targets_human.txt.

    ``records``: other numbers than `RECORDS`; ``scale``: of the lengths of the contigs, with one layer of DNABERT. Both
    for tests.
    """
    records = records or RECORDS
    kinds = pd.read_csv(tracks, sep="\t")["description"].str.split(":").str[0]
    todo: list[tuple[Path, Callable[[Path], None]]] = [
        (folder / BUCKET / "statistics.json", lambda path: _write_statistics(path, records, len(kinds))),
        (folder / BUCKET / "sequences.bed", lambda path: _write_windows(path, records)),
        (folder / GENOME, lambda path: _write_genome(path, scale)),
        (folder / WEIGHTS, lambda path: _write_weights(path, 12 if scale == 1 else 1)),
    ]
    for split, counts in records.items():
        for shard, count in enumerate(counts):
            todo.append((
                folder / BUCKET / f"tfrecords/{split}-0-{shard}.tfr",
                lambda path, seed=(len(split), shard), count=count: _write_records(path, kinds, count, seed),
            ))  # fmt: skip
    missing = [(path, write) for path, write in todo if not path.exists()]
    with ThreadPoolExecutor(2) as pool:  # zlib does not hold Python's lock
        jobs = [pool.submit(_write, path, write) for path, write in missing]
        for job in progress(jobs, "synthetic files", len(jobs)):
            job.result()


def _write(path: Path, write: Callable[[Path], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path) as temporary:
        write(temporary)


def _write_statistics(path: Path, records: dict[str, list[int]], tracks: int) -> None:
    bins = (SEQUENCE_BP - 2 * CROP_BP) // BIN_BP
    values = {"num_targets": tracks, "seq_length": SEQUENCE_BP, "seq_1hot": True, "pool_width": BIN_BP}
    values |= {"crop_bp": CROP_BP, "target_length": bins}
    path.write_text(json.dumps(values | {f"{split}_seqs": sum(counts) for split, counts in records.items()}, indent=2))


def _write_windows(path: Path, records: dict[str, list[int]]) -> None:
    """Adjoining windows of chr1, of one split after the other."""
    splits = [split for split, counts in records.items() for _ in range(sum(counts))]
    rows = enumerate(splits, start=1)
    path.write_text("".join(f"chr1\t{n * SEQUENCE_BP}\t{(n + 1) * SEQUENCE_BP}\t{split}\n" for n, split in rows))


def _write_records(path: Path, kinds: pd.Series, count: int, seed: tuple[int, int]) -> None:
    """Random one-hot sequences; coverage with as many zeros as Basenji's targets have, and peaks of some bins.

    Of real windows (baskerville's test data), 88 % of the bins of CAGE are 0 and 12 % of those of DNase, with a median
    of .05 and a 99th percentile ten times as high.
    """
    rng = np.random.default_rng(seed)
    bins, cage = (SEQUENCE_BP - 2 * CROP_BP) // BIN_BP, (kinds == "CAGE").to_numpy()
    # Drawn once, and used from another place for every record: drawing takes longer than compressing.
    values = (0.05 * rng.lognormal(0, 1, 8_000_000)).astype(np.float16)
    kept = rng.random((2, len(values))) < [[0.88], [0.12]]
    compressor = zlib.compressobj(1)
    with path.open("wb") as file:
        for _ in range(count):
            sequence = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, SEQUENCE_BP)]
            first = rng.integers(0, len(values) - bins * len(kinds), 3)
            target, dense, sparse = (
                source[start : start + bins * len(kinds)].reshape(bins, -1)
                for source, start in zip((values, *kept), first, strict=True)
            )
            peaks = np.exp(rng.normal(0, 1, (bins, 1))).astype(np.float16)  # open places are open in most tracks
            target = np.where(np.where(cage, sparse, dense), target * peaks, np.float16(0)).astype("<f2")
            payload = encode_example({"sequence": sequence.tobytes(), "target": target.tobytes()})
            file.write(compressor.compress(frame(payload)))
        file.write(compressor.flush())


def _write_genome(path: Path, scale: float) -> None:
    """A FASTA of random bases in lines of 50, lower case where a repeat would be, N at the ends of chromosomes."""
    rng = np.random.default_rng(38)
    compressor = zlib.compressobj(1, wbits=31)  # gzip, without a date
    with path.open("wb") as file:
        for name, length in HG38.items():
            file.write(compressor.compress(f">{name}\n".encode()))
            length, block = round(length * scale), LINE_BP << 20
            ends = min(10_000, length // 100)
            for start in range(0, length, block):
                text = BASES[np.frombuffer(rng.bytes(min(block, length - start)), np.uint8) & 3]
                text = text | (np.arange(start, start + len(text)) // 1500 % 2 * 32).astype(np.uint8)
                text[: max(ends - start, 0)] = text[max(length - ends - start, 0) :] = ord("N")
                whole = len(text) // LINE_BP * LINE_BP
                lines = np.pad(text[:whole].reshape(-1, LINE_BP), ((0, 0), (0, 1)), constant_values=ord("\n"))
                last = text[whole:].tobytes()
                file.write(compressor.compress(lines.tobytes() + last + b"\n" * bool(last)))
        file.write(compressor.flush())


def _write_weights(path: Path, layers: int) -> None:
    """New weights of DNABERT-6's architecture, as HuggingFace saves a pre-trained model."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(6)
    torch.save(BertForMaskedLM(BertConfig(vocab_size=4101, num_hidden_layers=layers)).state_dict(), path)
