"""How fast TFRecords are cropped, beside the rate at which zlib alone inflates the same files, on one core.

    OMP_NUM_THREADS=1 python benchmarks/crop.py [--mirror DIR]

Sets of files, each read after a first pass that brings it into the page cache:
* records at the paper's shape (131,072 bp one-hot, 896 x 5,313 float16), made here, one centred example each;
* the real records of `hg38_tiny`, repeated to 256 in a file as Basenji2 has them, bins pooled from 32 to 128 bp: one
  centred example each, or six adjoining ones, whose store is almost half as large as all that was inflated;
* `hg38_tiny` as it is, 4 records in a file: the fixed cost of a file (track table, windows, HDF5) shows.
The real ones need a mirror folder (default: `REGULENS_MIRROR`). Peak memory is that of the crop alone: how much
the largest resident size of a fresh process grows over what it has after its imports (Linux).
"""

import argparse
import multiprocessing
import os
import struct
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tabulate import tabulate

from regulens.data.crop import crop_tfrecord
from regulens.data.settings import CropSettings, Geometry

GROUPS = {"DNase": ["DNASE", "ATAC"], "CAGE": ["CAGE"], "RNA": ["RNA", "RNA3"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirror", type=Path, default=os.environ.get("REGULENS_MIRROR"))
    parser.add_argument("--records", type=int, default=64, help="records of the paper's shape")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = {"paper's shape": make_paper_shape(folder / "paper", arguments.records)}
        if arguments.mirror:
            tiny = Path(arguments.mirror) / "hg38_tiny"
            for tiling in ("centre", "adjoining"):
                sets[f"hg38_tiny, {tiling}, 256 a file"] = repeat_records(tiny, folder / tiling, 256, tiling)
            sets["hg38_tiny, adjoining, 4 a file"] = [
                crop_arguments(tiny, f"{split}-{shard}", "adjoining", 4, tiny / "sequences.bed")
                for split, number in {"train": 12, "valid": 3, "test": 3}.items()
                for shard in range(number)
            ]
        rows = [[label, *measure(files, folder / "out.h5", arguments.repeats)] for label, files in sets.items()]
    headers = ["files", "records", "inflated MB", "zlib MB/s", "crop MB/s", "ratio", "peak MB"]
    print(tabulate(rows, headers=headers, floatfmt=("", ".0f", ".0f", ".0f", ".0f", ".2f", ".0f")))


def measure(files: list[dict], output: Path, repeats: int) -> list[float]:
    """Records, inflated MB, MB/s of zlib and of the crop (best of ``repeats``, taken in turn), ratio, peak MB."""
    inflate, crop = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        size = sum(inflate_file(file["tfrecord"]) for file in files)
        inflate.append(time.perf_counter() - start)
        start = time.perf_counter()
        for file in files:
            crop_tfrecord(output=output, **file)
        crop.append(time.perf_counter() - start)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        peak = pool.submit(peak_memory, files, output).result()
    megabytes = size / 1e6
    records = sum(map(count_records, (file["tfrecord"] for file in files)))
    return [records, megabytes, megabytes / min(inflate), megabytes / min(crop), min(inflate) / min(crop), peak]


def inflate_file(path: Path) -> int:
    stream, size = zlib.decompressobj(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            size += len(stream.decompress(chunk))
    return size


def count_records(path: Path) -> int:
    content, position, number = zlib.decompress(path.read_bytes()), 0, 0
    while position < len(content):
        position += struct.unpack_from("<Q", content, position)[0] + 16
        number += 1
    return number


def peak_memory(files: list[dict], output: Path) -> float:
    before = resident("VmRSS")
    for file in files:
        crop_tfrecord(output=output, **file)
    return resident("VmHWM") - before


def resident(key: str) -> float:
    """Resident memory in MB, now (VmRSS) or at its highest (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def crop_arguments(folder: Path, name: str, tiling: str, records: int, windows: Path | None = None) -> dict:
    split, shard = name.split("-")
    return {
        "tfrecord": folder / "tfrecords" / f"{name}.tfr",
        "tracks": folder / "targets.txt",
        "statistics": folder / "statistics.json",
        "split": split,
        "shard": int(shard),
        "geometry": Geometry(),
        "groups": GROUPS,
        "crop": CropSettings(tiling=tiling, records_per_file=records),
        "windows": windows,
    }


def repeat_records(tiny: Path, folder: Path, number: int, tiling: str) -> list[dict]:
    """One file with ``number`` of the real training records, compressed as the originals (zlib's default level)."""
    (folder / "tfrecords").mkdir(parents=True)
    for name in ("targets.txt", "statistics.json"):
        (folder / name).write_bytes((tiny / name).read_bytes())
    # Eleven files of four records: whole streams can be joined.
    streams = [zlib.decompress((tiny / f"tfrecords/train-{shard}.tfr").read_bytes()) for shard in range(11)]
    compressor = zlib.compressobj()
    with (folder / "tfrecords/train-0.tfr").open("wb") as file:
        for position in range(number // 4):
            file.write(compressor.compress(streams[position % len(streams)]))
        file.write(compressor.flush())
    return [crop_arguments(folder, "train-0", tiling, number)]


def make_paper_shape(folder: Path, records: int) -> list[dict]:
    """A file of made-up records: sparse counts as targets, which compress about as well as real coverage."""
    bp, bins, tracks = 131072, 896, 5313
    (folder / "tfrecords").mkdir(parents=True)
    header = "identifier\tfile\tclip\tscale\tsum_stat\tdescription\n"
    rows = (f"track{track}\tx.bw\t32\t2\tmean\tDNASE:made up\n" for track in range(tracks))
    (folder / "targets.txt").write_text(header + "".join(rows))
    (folder / "statistics.json").write_text(
        f'{{"seq_length": {bp}, "pool_width": 128, "crop_bp": 8192, "target_length": {bins}, "num_targets": {tracks}}}'
    )
    rng = np.random.default_rng(0)
    compressor = zlib.compressobj()
    with (folder / "tfrecords/train-0.tfr").open("wb") as file:
        for _ in range(records):
            sequence = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, bp)]
            target = np.round(rng.gamma(0.1, 4, (bins, tracks)).astype(np.float32), 1).astype(np.float16)
            payload = example({"sequence": sequence.tobytes(), "target": target.tobytes()})
            file.write(compressor.compress(struct.pack("<QI", len(payload), 0) + payload + bytes(4)))
        file.write(compressor.flush())
    return [crop_arguments(folder, "train-0", "centre", 256)]


def example(features: dict[str, bytes]) -> bytes:
    """A serialised ``tf.train.Example`` of byte strings."""
    entries = (
        field(field(name.encode(), 1) + field(field(field(value, 1), 1), 2), 1) for name, value in features.items()
    )
    return field(b"".join(entries), 1)


def field(payload: bytes, number: int) -> bytes:
    size, length = bytearray(), len(payload)
    while length > 0x7F:
        size.append(0x80 | (length & 0x7F))
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + payload


if __name__ == "__main__":
    main()
