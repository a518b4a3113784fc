"""How many random examples a second one process reads from a store, at the paper's shape.

    python benchmarks/store.py [--examples 256] [--shards 8] [--tracks 5313] [--folder DIR]

Writes shards of random values, links them, and reads sequence and target of random examples in four ways: HDF5's own
read of one shard and of the virtual data set, and `AssayStore` on both. The files were just written, so that they are
in the page cache as far as memory allows: this is the cost of the reader, not of the disk.
"""

import argparse
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from tabulate import tabulate

from regulens.data.settings import Geometry
from regulens.data.store import AssayStore, link_shards, write_store
from regulens.data.tracks import assign_groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=256)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--tracks", type=int, default=5313)
    parser.add_argument("--reads", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="where the files go (default: the system's temporary folder)")
    arguments = parser.parse_args()
    geometry = Geometry()
    tracks = assign_groups(
        pd.DataFrame(
            {
                "identifier": [f"track{i}" for i in range(arguments.tracks)],
                "file": "",
                "clip": 32.0,
                "clip_soft": np.nan,
                "scale": 1.0,
                "sum_stat": "mean",
                "strand_pair": range(arguments.tracks),
                "description": "DNASE:benchmark",
            }
        ),
        {"DNase": ["DNASE"]},
    )
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows = []
        for compression in (None, "lzf"):
            shards = []
            start = time.perf_counter()
            for shard in range(arguments.shards):
                path = Path(folder) / f"{compression}-{shard}.h5"
                with write_store(path, tracks, geometry, "train", compression) as store:
                    for example in range(arguments.examples // arguments.shards):
                        sequence = rng.integers(0, 4, geometry.input_bp, dtype=np.uint8)
                        target = rng.random((geometry.bins, arguments.tracks), dtype=np.float32).astype(np.float16)
                        store.append(sequence, target, f"chr1:{example}-{example + geometry.input_bp}")
                shards.append(path)
            seconds = time.perf_counter() - start
            linked = Path(folder) / f"{compression}-all.h5"
            link_shards(shards, linked)
            name = compression or "none"
            rows.append(["write (with making the values)", name, arguments.examples / seconds])
            for label, path in (("one shard", shards[0]), ("virtual data set", linked)):
                rows.append([f"h5py, {label}", name, read_h5py(path, arguments.reads, rng)])
                rows.append([f"AssayStore, {label}", name, read_store(path, arguments.reads, rng)])
            for path in (*shards, linked):
                path.unlink()
    print(f"{geometry.input_bp} codes, {geometry.bins} x {arguments.tracks} float16, {arguments.examples} examples")
    print(tabulate(rows, headers=["", "compression", "examples/s"], floatfmt=".0f"))


def read_h5py(path: Path, reads: int, rng: np.random.Generator) -> float:
    with h5py.File(path) as file:
        order = rng.integers(0, len(file["target"]), reads)
        start = time.perf_counter()
        for index in order:
            file["sequence"][index]
            file["target"][index]
        return reads / (time.perf_counter() - start)


def read_store(path: Path, reads: int, rng: np.random.Generator) -> float:
    with AssayStore(path) as store:
        order = rng.integers(0, len(store), reads)
        start = time.perf_counter()
        for index in order:
            store.sequence(index)
            store.target(index)
        return reads / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
