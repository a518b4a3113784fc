"""Makes small Basenji data sets for tests: zlib TFRecords with either sequence encoding, and the files beside them."""

import json
import zlib
from pathlib import Path

import numpy as np


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(0x80 | (number & 0x7F))
        number >>= 7
    return bytes([*encoded, number])


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protocol buffer field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def encode_example(features: dict[str, bytes]) -> bytes:
    """A serialised ``tf.train.Example`` of byte-string features."""
    entries = b"".join(
        field(1, field(1, name.encode()) + field(2, field(1, field(1, value)))) for name, value in features.items()
    )
    return field(1, entries)


def frame(payload: bytes) -> bytes:
    """A TFRecord frame; the checksums are left zero, no reader of this project looks at them."""
    return len(payload).to_bytes(8, "little") + bytes(4) + payload + bytes(4)


def write_tfrecord(path: Path, sequences: np.ndarray, targets: np.ndarray, one_hot: bool = False) -> None:
    """``sequences`` uint8 codes (records, bp), ``targets`` float16 (records, bins, tracks)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compressor = zlib.compressobj()
    with path.open("wb") as file:
        for sequence, target in zip(sequences, targets, strict=True):
            raw = (sequence[:, None] == np.arange(4)).astype(np.uint8) if one_hot else sequence
            payload = encode_example({"sequence": raw.tobytes(), "target": target.astype("<f2").tobytes()})
            file.write(compressor.compress(frame(payload)))
        file.write(compressor.flush())


def write_statistics(path: Path, bp: int, pool_width: int, crop_bp: int, tracks: int, **records: int) -> Path:
    values = {
        "num_targets": tracks,
        "seq_length": bp,
        "pool_width": pool_width,
        "crop_bp": crop_bp,
        "target_length": (bp - 2 * crop_bp) // pool_width,
    }
    path.write_text(json.dumps(values | {f"{split}_seqs": number for split, number in records.items()}))
    return path


def write_table(path: Path, rows: list[dict]) -> Path:
    """A track table; each row gives what differs from a plain mean track."""
    columns = ["identifier", "file", "clip", "clip_soft", "scale", "sum_stat", "description"]
    lines = ["\t".join(columns)]
    for number, row in enumerate(rows):
        plain = {"identifier": f"t{number}", "file": f"t{number}.bw", "clip": 1000, "clip_soft": "", "scale": 1}
        plain |= {"sum_stat": "mean", "description": "CAGE:cells"}
        lines.append("\t".join(str((plain | row)[column]) for column in columns))
    path.write_text("\n".join(lines) + "\n")
    return path
