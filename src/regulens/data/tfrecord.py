"""Reads zlib-compressed TFRecords of Basenji examples without TensorFlow, one record at a time.

A file is one zlib stream of records: length (8 bytes, little-endian), checksum of the length (4), payload, checksum of
the payload (4). A payload is a protocol buffer ``Example`` whose features ``sequence`` and ``target`` are byte strings
(docs/papers.md, "TFRecords"). The records' own CRC-32C is not verified: the stream ends with an Adler-32 of the same
bytes, which zlib checks, downloads are checked by SHA-256, and outputs appear only after the last byte was read.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from regulens.core.errors import InputError

_CHUNK = 1 << 16  # compressed bytes read at a time

_LARGEST = 1 << 31  # maximum size of a protocol buffer: a larger length means a broken file


def read_records(path: Path | str) -> Iterator[memoryview]:
    """Yield the payload of each record of ``path``; it is valid only until the next one overwrites it.

    Raises `InputError` naming the file, the record and the compressed byte when the file is missing, truncated, corrupt
    or not zlib.
    """
    path = Path(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot read the TFRecord file: {error.strerror}") from None
    with file:
        stream = _Inflater(path, file)
        header, buffer = bytearray(12), bytearray()
        while stream.fill(memoryview(header), may_end=True):
            length = int.from_bytes(header[:8], "little")
            if length > _LARGEST:
                raise stream.broken(f"has an impossible length of {length} bytes")
            if len(buffer) < length + 4:
                buffer = bytearray(length + 4)
            stream.fill(memoryview(buffer)[: length + 4])
            yield memoryview(buffer)[:length]
            stream.record += 1


def parse_example(payload: memoryview) -> dict[str, memoryview]:
    """Byte-string features of a protocol buffer ``tf.train.Example``, by name, without copying their values.

    Features that are lists of numbers are left out. Raises `ValueError` when the bytes are not such a message.
    """
    features = {}
    for features_message in _fields(payload, 1):
        for entry in _fields(features_message, 1):
            name = b"".join(_fields(entry, 1)).decode("utf-8")
            for feature in _fields(entry, 2):
                for byte_list in _fields(feature, 1):
                    values = list(_fields(byte_list, 1))
                    if len(values) == 1:
                        features[name] = values[0]
    return features


def decode_sequence(raw: memoryview, length: int, start: int, end: int) -> np.ndarray:
    """Codes of bases ``start`` to ``end`` of a sequence of ``length`` bp: uint8, A, C, G, T, N = 0 to 4.

    ``raw`` holds either one index code per base (``length`` bytes) or one one-hot row A, C, G, T per base (4 x
    ``length`` bytes; all zero is N), as determined by the number of bytes. Raises `ValueError` for any other length or
    value.
    """
    codes = np.frombuffer(raw, dtype=np.uint8)
    if len(codes) == length:
        codes = codes[start:end]
        if codes.max(initial=0) > 4:
            raise ValueError(f"its sequence has the code {codes.max()}: codes are 0 to 4")
        return codes
    if len(codes) == 4 * length:
        rows = codes[4 * start : 4 * end].reshape(-1, 4)
        # Rows must have at most one 1, or the weighted sum is not the code.
        if rows.max(initial=0) > 1 or rows.sum(axis=1).max(initial=0) > 1:
            raise ValueError("its sequence is not one-hot")
        return np.minimum(rows @ np.array([1, 2, 3, 4], dtype=np.uint8) - np.uint8(1), np.uint8(4))  # 0 - 1 is 255
    raise ValueError(f"its sequence has {len(codes)} bytes, expected {length} (codes) or {4 * length} (one-hot)")


class _Inflater:
    """Reads an exact number of bytes from a zlib stream, with positions for error messages."""

    def __init__(self, path: Path, file):
        self.record = 0
        self._path = path
        self._file = file
        self._inflate = zlib.decompressobj()
        self._input = b""

    def fill(self, buffer: memoryview, may_end: bool = False) -> bool:
        """Fill ``buffer`` with the next bytes; False at the end of the stream if it ``may_end`` here."""
        filled = 0
        while filled < len(buffer):
            self._input = self._input or self._file.read(_CHUNK)
            at_end = not self._input
            try:
                piece = self._inflate.decompress(self._input, len(buffer) - filled)
            except zlib.error as error:
                kind = "is corrupt" if self._is_zlib() else "is not zlib-compressed"
                raise self.broken(f"{kind} ({error})") from None
            self._input = self._inflate.unconsumed_tail
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
            if filled == len(buffer):
                break
            if self._inflate.eof:
                if self._inflate.unused_data or self._file.read(1):
                    raise self.broken("is followed by bytes after the end of the zlib stream")
                if may_end and not filled:
                    return False
                raise self.broken(f"ends {len(buffer) - filled} bytes too early")
            if at_end and not piece:
                raise self.broken("is cut off: the file is truncated")
        return True

    def broken(self, what: str) -> InputError:
        """The error for the current record."""
        place = f"record {self.record} (near byte {self._file.tell() - len(self._input)})"
        return InputError(f"{self._path}: {place} {what}: get the file again")

    def _is_zlib(self) -> bool:
        """Whether the file starts with a zlib header (RFC 1950)."""
        position = self._file.tell()
        self._file.seek(0)
        header = self._file.read(2)
        self._file.seek(position)
        return header[0] & 0x0F == 8 and int.from_bytes(header, "big") % 31 == 0


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Length-delimited fields with number ``wanted`` of a protocol buffer message."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            _, position = _varint(message, position)
            continue
        if kind == 2:
            size, position = _varint(message, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("is not a protocol buffer message")
        if position + size > len(message):
            raise ValueError("is not a protocol buffer message: a field is longer than the record")
        if kind == 2 and key >> 3 == wanted:
            yield message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position == len(message) or shift > 63:
            raise ValueError("is not a protocol buffer message: a number does not end")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
