"""The series index on disk: frames that only get added, each with some new series of one measurement.

A frame is durable before any row refers to a number in it. What a damaged frame said is lost, and with it the rows of
its series: they cannot be told apart, so they are not served.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgpack
import numpy as np

from influxish.errors import CorruptData, StorageError
from influxish.storage import framing
from influxish.storage.damage import Damage
from influxish.storage.files import Files
from influxish.storage.framing import (
    FILE_HEADER_BYTES,
    Gap,
    check_file_header,
    is_cut_short,
    pack_file_header,
    pack_frame,
    read_frames,
)
from influxish.storage.index import SeriesIndex
from influxish.storage.points import Tags
from influxish.storage.wal import cut_tail

MAGIC = b"IFXser\r\n"
VERSION = 1


class SeriesLog:
    """The file of one database. Written under the engine's lock."""

    def __init__(self, files: Files, path: Path) -> None:
        fresh = not path.exists()
        self._file = files.open_append(path)
        self._failure: StorageError | None = None
        if fresh:
            self._file.append(pack_file_header(MAGIC, VERSION))
            self._file.sync()
            files.sync_directory(path.parent)

    def append(self, measurement: str, first: int, series: Sequence[Tags]) -> None:
        """Make new series durable, numbered from `first` on.

        Raises:
            StorageError: it failed; after a failed fsync, also every later call.
        """
        if self._failure is not None or self._file.damaged:
            reason = self._failure or f"{self._file.path} could not be cut back to its last whole record"
            raise StorageError(f"no more writes are taken until the store is opened again, because: {reason}")
        self._file.append(b"".join(_frames(measurement, first, series)))
        try:
            self._file.sync()
        except StorageError as error:
            self._failure = error
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def load_series(files: Files, path: Path, index: SeriesIndex, damage: list[Damage]) -> None:
    """Fill an empty index from the file, if there is one."""
    if not path.exists():
        return
    data = files.read(path)
    try:
        check_file_header(data, MAGIC, VERSION, path)
    except CorruptData as error:
        if len(data) < FILE_HEADER_BYTES:  # the file was being created
            files.remove(path)
            return
        damage.append(Damage(path, f"{error}; its records are read all the same"))
    for item in read_frames(data, FILE_HEADER_BYTES):
        if not isinstance(item, Gap):
            _unpack(item.payload, index)
        elif item.torn:
            cut_tail(files, path, data, item, damage, torn=is_cut_short(data, item.offset))
        else:
            message = f"{path}: bytes {item.offset} to {item.stop} are damaged; the series named there are lost"
            damage.append(Damage(path, message))


def _frames(measurement: str, first: int, series: Sequence[Tags]) -> Iterator[bytes]:
    """One frame, or several where one would be too large: series that no row refers to yet do no harm."""
    payload = _pack(measurement, first, series)
    if len(payload) <= framing.MAX_PAYLOAD_BYTES or len(series) == 1:
        yield pack_frame(payload)
        return
    half = len(series) // 2
    yield from _frames(measurement, first, series[:half])
    yield from _frames(measurement, first + half, series[half:])


def _pack(measurement: str, first: int, series: Sequence[Tags]) -> bytes:
    columns: dict[str, tuple[dict[str, int], np.ndarray[tuple[int], np.dtype[np.int32]]]] = {}
    for place, tags in enumerate(series):
        for key, value in tags:
            if key not in columns:
                columns[key] = ({}, np.zeros(len(series), np.int32))
            values, codes = columns[key]
            codes[place] = values.setdefault(value, len(values) + 1)
    stored = {key: (list(values), codes.tobytes()) for key, (values, codes) in columns.items()}
    packed: bytes = msgpack.packb((measurement, first, len(series), stored))
    return packed


def _unpack(payload: bytes, index: SeriesIndex) -> None:
    measurement, first, count, stored = msgpack.unpackb(payload)
    tags = {key: (values, np.frombuffer(codes, "<i4")) for key, (values, codes) in stored.items()}
    index.load(measurement, first, count, tags)
