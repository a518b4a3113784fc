"""The TFRecord reader: both sequence encodings, framing, and files that are damaged."""

import struct
import zlib

import numpy as np
import pytest
from tfrecords import field, frame, varint, write_tfrecord

from regulens.core.errors import InputError
from regulens.data.tfrecord import decode_sequence, parse_example, read_records

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 5, (3, 2000), dtype=np.uint8)
TARGETS = RNG.random((3, 10, 4)).astype(np.float16)


@pytest.fixture
def path(tmp_path):
    write_tfrecord(tmp_path / "train-0.tfr", CODES, TARGETS)
    return tmp_path / "train-0.tfr"


@pytest.mark.parametrize("one_hot", [False, True])
def test_both_encodings(tmp_path, one_hot):
    write_tfrecord(tmp_path / "a.tfr", CODES, TARGETS, one_hot)
    number = 0
    for payload, codes, target in zip(read_records(tmp_path / "a.tfr"), CODES, TARGETS, strict=True):
        example = parse_example(payload)
        assert len(example["sequence"]) == 2000 * (4 if one_hot else 1)
        np.testing.assert_array_equal(decode_sequence(example["sequence"], 2000, 0, 2000), codes)
        np.testing.assert_array_equal(decode_sequence(example["sequence"], 2000, 7, 19), codes[7:19])
        np.testing.assert_array_equal(np.frombuffer(example["target"], "<f2").reshape(10, 4), target)
        number += 1
    assert number == 3


def test_golden_record():
    """Bytes written by hand from the protocol buffer specification, with number lists that are skipped."""
    feature = bytes([0x0A, 4, 0x0A, 2]) + b"\x07\x08"  # Feature.bytes_list = [07 08]
    entry = bytes([0x0A, 3]) + b"abc" + bytes([0x12, len(feature)]) + feature
    floats = bytes([0x12, 6, 0x0A, 4]) + struct.pack("<f", 1.5)  # Feature.float_list
    other = bytes([0x0A, 1]) + b"f" + bytes([0x12, len(floats)]) + floats
    features = bytes([0x0A, len(entry)]) + entry + bytes([0x0A, len(other)]) + other
    payload = memoryview(bytes([0x0A, len(features)]) + features + bytes([0x10, 0x96, 0x01, 0x1D, 1, 2, 3, 4]))
    assert {name: bytes(value) for name, value in parse_example(payload).items()} == {"abc": b"\x07\x08"}


@pytest.mark.parametrize("number", [0, 127, 128, 300, 2**21, 2**63 - 1])
def test_varint_lengths(number):
    """A field of another wire type before the wanted one is skipped whatever its length."""
    message = varint(9 << 3) + varint(number) + field(1, field(1, field(1, b"n") + field(2, field(1, field(1, b"v")))))
    assert bytes(parse_example(memoryview(message))["n"]) == b"v"


@pytest.mark.parametrize(
    "message", [b"\x0a\x05abc", b"\x0a\xff", b"\xff" * 20, b"\x0b", b"\x0a\x04\x0a\x09xx", b"\x0d\x01\x02"]
)
def test_bytes_that_are_no_message(message):
    with pytest.raises(ValueError, match="not a protocol buffer message"):
        parse_example(memoryview(message))


def test_sequences_that_do_not_fit():
    with pytest.raises(ValueError, match="7 bytes, expected 8 .codes. or 32 .one-hot."):
        decode_sequence(memoryview(bytes(7)), 8, 0, 8)
    with pytest.raises(ValueError, match="has the code 5"):
        decode_sequence(memoryview(bytes([0, 5])), 2, 0, 2)
    with pytest.raises(ValueError, match="not one-hot"):
        decode_sequence(memoryview(bytes([1, 1, 0, 0])), 1, 0, 1)
    with pytest.raises(ValueError, match="not one-hot"):
        decode_sequence(memoryview(bytes([0, 2, 0, 0])), 1, 0, 1)


def test_empty_stream_has_no_records(tmp_path):
    (tmp_path / "a.tfr").write_bytes(zlib.compress(b""))
    assert list(read_records(tmp_path / "a.tfr")) == []


def test_records_longer_than_a_read(tmp_path):
    """Payloads that compress badly and span many reads, and many records in one read."""
    payloads = [RNG.bytes(700_000), b"", RNG.bytes(1), RNG.bytes(300_001), *[b"x"] * 1000]
    (tmp_path / "a.tfr").write_bytes(zlib.compress(b"".join(map(frame, payloads))))
    assert [bytes(record) for record in read_records(tmp_path / "a.tfr")] == payloads


def read_all(path):
    return sum(1 for _ in read_records(path))


def test_truncated_anywhere_is_an_error(path):
    whole = path.read_bytes()
    for length in {*range(0, len(whole), max(1, len(whole) // 60)), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"train-0\.tfr: record \d \(near byte \d+\) is cut off"):
            read_all(path)


def test_truncated_file_names_record_and_byte(path):
    records = list(map(len, read_records(path)))
    assert len(records) == 3
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=rf"record 3 \(near byte {path.stat().st_size}\) is cut off"):
        read_all(path)


def test_changed_byte_is_an_error(path):
    whole = path.read_bytes()
    for position in range(2, len(whole), len(whole) // 40):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        with pytest.raises(InputError, match=r"train-0\.tfr: record \d \(near byte \d+\)"):
            read_all(path)


def test_record_that_ends_too_early(tmp_path):
    """The zlib stream is whole, the last record is not."""
    stream = frame(b"abc") + frame(b"defgh")
    (tmp_path / "a.tfr").write_bytes(zlib.compress(stream[:-6]))
    with pytest.raises(InputError, match=r"record 1 \(near byte \d+\) ends 6 bytes too early"):
        read_all(tmp_path / "a.tfr")


def test_impossible_length(tmp_path):
    (tmp_path / "a.tfr").write_bytes(zlib.compress(b"\xff" * 40))
    with pytest.raises(InputError, match="record 0 .* impossible length"):
        read_all(tmp_path / "a.tfr")


def test_other_files(tmp_path, path):
    with pytest.raises(InputError, match="none.tfr: cannot read the TFRecord file: No such file"):
        read_all(tmp_path / "none.tfr")
    (tmp_path / "plain.tfr").write_bytes(frame(b"abc"))
    with pytest.raises(InputError, match="is not zlib-compressed"):
        read_all(tmp_path / "plain.tfr")
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputError, match="followed by bytes after the end"):
        read_all(path)
