"""Frames: how a log keeps records apart, knows whole ones from torn ones, and finds its way after a damaged one.

A frame is a header of 16 bytes (magic, length, CRC-32 of the payload, CRC-32 of the header) and the payload. The header
has a checksum of its own so that a flipped bit in a length cannot send the reader astray. What a payload means is
the business of the log it is in.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from influxish.errors import CorruptData, StorageError, WriteError

_MAGIC = b"IFr\x1e"
_HEADER = struct.Struct("<4sII")
_HEADER_BYTES = _HEADER.size + 4
_FILE_HEADER = struct.Struct("<8sI")
FILE_HEADER_BYTES = _FILE_HEADER.size + 4


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole record and where in the file it lies."""

    offset: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes [offset, stop) that are no frame. `torn`: nothing readable follows, as when a write was cut short."""

    offset: int
    stop: int
    torn: bool


MAX_PAYLOAD_BYTES = (1 << 32) - 1
"""What the length in a frame's header can say."""


def check_payload(size: int) -> None:
    """Raise WriteError if a payload of `size` bytes, or more, is too large for a frame."""
    if size > MAX_PAYLOAD_BYTES:
        raise WriteError(
            f"the write takes {size} bytes or more in the log, where a record holds {MAX_PAYLOAD_BYTES} at most; "
            "nothing is written: write the points in several smaller batches"
        )


def pack_frame(payload: bytes) -> bytes:
    """The payload with its header before it.

    Raises:
        WriteError: it is too large.
    """
    check_payload(len(payload))
    header = _HEADER.pack(_MAGIC, len(payload), zlib.crc32(payload))
    return header + zlib.crc32(header).to_bytes(4, "little") + payload


def read_frames(data: bytes, start: int) -> Iterator[Frame | Gap]:
    """The frames of `data` from `start` on, with a Gap wherever bytes make no frame."""
    position = start
    while position < len(data):
        payload = _frame_at(data, position)
        if payload is not None:
            yield Frame(position, payload)
            position += _HEADER_BYTES + len(payload)
            continue
        resumed = position + 1
        while (resumed := data.find(_MAGIC, resumed)) >= 0 and _frame_at(data, resumed) is None:
            resumed += 1
        stop = resumed if resumed >= 0 else len(data)
        yield Gap(position, stop, torn=resumed < 0)
        position = stop


def is_cut_short(data: bytes, position: int) -> bool:
    """Whether a sound frame begins at `position` and `data` ends before it does, as when writing it was interrupted."""
    header, body = data[position : position + _HEADER.size], position + _HEADER_BYTES
    if len(data) < body:
        return True
    if int.from_bytes(data[position + _HEADER.size : body], "little") != zlib.crc32(header):
        return False
    magic, length, _ = _HEADER.unpack(header)
    return bool(magic == _MAGIC) and len(data) < body + int(length)


def _frame_at(data: bytes, position: int) -> bytes | None:
    header = data[position : position + _HEADER.size]
    body = position + _HEADER_BYTES
    if len(data) < body or int.from_bytes(data[position + _HEADER.size : body], "little") != zlib.crc32(header):
        return None
    magic, length, checksum = _HEADER.unpack(header)
    payload = data[body : body + length]
    whole = magic == _MAGIC and len(payload) == length and zlib.crc32(payload) == checksum
    return payload if whole else None


def pack_file_header(magic: bytes, version: int) -> bytes:
    """The first 16 bytes of a file: 8 of magic, the format's version, and a checksum of both."""
    header = _FILE_HEADER.pack(magic, version)
    return header + zlib.crc32(header).to_bytes(4, "little")


def check_file_header(data: bytes, magic: bytes, version: int, path: Path) -> None:
    """Make sure that this program can read the file that starts with `data`.

    Raises:
        CorruptData: it is not such a file.
        StorageError: a newer version wrote it.
    """
    header = data[: _FILE_HEADER.size]
    checksum = data[_FILE_HEADER.size : FILE_HEADER_BYTES]
    if len(data) < FILE_HEADER_BYTES or int.from_bytes(checksum, "little") != zlib.crc32(header):
        raise CorruptData(f"{path}: the file header is damaged")
    found, written = _FILE_HEADER.unpack(header)
    if found != magic:
        raise CorruptData(f"{path}: not a file of this kind (magic {found!r}, expected {magic!r})")
    if written > version:
        raise StorageError(
            f"{path} has format version {written}, but this program reads up to {version}; "
            "open it with the newer influxish that wrote it"
        )
