"""Reading a segment: the index is held in memory, blocks are read, checked and decoded one by one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import msgpack
import numpy as np

from influxish.batch import Column
from influxish.errors import CorruptData
from influxish.storage.codec import Codec, decode
from influxish.storage.files import Removal
from influxish.storage.framing import FILE_HEADER_BYTES, check_file_header
from influxish.storage.interface import ScanStats
from influxish.storage.pieces import Extremes, Key, Layer, Piece, Runs
from influxish.storage.segment_format import COLUMN, MAGIC, ROW_GROUP, RUN, TRAILER, TRAILER_MAGIC, TYPES, VERSION
from influxish.storage.segment_writer import regular_times
from influxish.storage.tombstones import Tombstone, without
from influxish.types import Array, DataType, TimeRange, Times


class Source(Protocol):
    """Where the bytes of a segment lie: a `files.ReadFile`, or memory."""

    path: Path
    size: int

    def read(self, offset: int, length: int) -> bytes: ...

    def goes_with(self, *removals: Removal) -> None: ...


class MemorySource:
    """A segment that lives in memory."""

    def __init__(self, name: str, data: bytes) -> None:
        self.path, self.size, self._data = Path(name), len(data), data

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def goes_with(self, *removals: Removal) -> None:
        """Nothing is to be removed."""


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """A segment's bytes and the index to them: all that its pieces need to know.

    They share this instead of the segment, which keeps them: a cycle would keep replaced files until it is collected.

    Attributes:
        fields: names of the fields, as the column records number them.
        row_groups, columns, runs: the records of the index.
    """

    source: Source
    fields: Sequence[str]
    row_groups: Array
    columns: Array
    runs: Array

    def read(self, offset: int, length: int, checksum: int, what: str, stats: ScanStats) -> bytes:
        """A block.

        Raises:
            CorruptData: its checksum is wrong. `what` says in the message which block it is.
        """
        data = self.source.read(offset, length)
        stats.bytes_read += length
        if len(data) != length or zlib.crc32(data) != checksum:
            raise CorruptData(f"{self.source.path}: {what}: checksum mismatch in {length} bytes at {offset}")
        return data


class Segment:
    """An immutable segment. Safe to read from several threads.

    Attributes:
        place: orders the segments of a shard by age.
        contents: what it consists of.
        measurements: name → (first, stop) of its row groups.

    Raises:
        CorruptData: the index is damaged.
        StorageError: a newer version wrote the file, or it cannot be read.
    """

    def __init__(self, source: Source, place: int) -> None:
        self.place = place
        check_file_header(source.read(0, FILE_HEADER_BYTES), MAGIC, VERSION, source.path)
        footer = _footer(source)
        self.measurements: dict[str, tuple[int, int]] = {n: (first, stop) for n, first, stop in footer["measurements"]}
        records = [_records(source, name, dtype, footer) for name, dtype in _SECTIONS.items()]
        self.contents = Contents(source, footer["fields"], *records)
        self._layers: dict[str, tuple[tuple[Tombstone, ...], Layer | None]] = {}

    @property
    def path(self) -> Path:
        """The file, for messages."""
        return self.contents.source.path

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.contents.source.size

    def goes_with(self, *removals: Removal) -> None:
        """Let `removals` wait until nobody can read this segment any more."""
        self.contents.source.goes_with(*removals)

    @property
    def rows(self) -> int:
        """How many rows there are, deleted or not."""
        return int(self.contents.row_groups["rows"].sum())

    @property
    def number(self) -> int:
        """That of its file: segments of the shard with greater ones were written after it."""
        return int(self.path.stem)

    def layer(self, measurement: str, tombstones: Sequence[Tombstone] = ()) -> Layer | None:
        """The rows of one measurement that none of its shard's `tombstones` hides; None if there are none."""
        if measurement not in self.measurements:
            return None
        hiding = tuple(t for t in tombstones if t.number > self.number and t.measurement == measurement)
        kept = self._layers.get(measurement)
        if kept is None or kept[0] != hiding:
            groups = range(*self.measurements[measurement])
            layer = Layer([SegmentPiece(self.contents, measurement, n) for n in groups])
            kept = hiding, without(layer, [tombstone.extent for tombstone in hiding])
            self._layers[measurement] = kept
        return kept[1]

    def types(self, measurement: str) -> dict[str, DataType]:
        """Field → type of one measurement."""
        first, stop = self.measurements[measurement]
        start = int(self.contents.row_groups["first_column"][first])
        last = self.contents.row_groups[stop - 1]
        records = self.contents.columns[start : int(last["first_column"]) + int(last["columns"])]
        pairs = np.unique(records[["field", "type"]])
        return {self.contents.fields[field]: TYPES[code] for field, code in pairs.tolist()}

    def series(self, measurement: str) -> Array:
        """(n,) numbers of the series that have rows of one measurement; one may come several times."""
        first, stop = self.measurements[measurement]
        start = int(self.contents.row_groups["first_run"][first])
        last = self.contents.row_groups[stop - 1]
        found: Array = self.contents.runs["series"][start : int(last["first_run"]) + int(last["runs"])]
        return found


_SECTIONS = {"row_groups": ROW_GROUP, "columns": COLUMN, "runs": RUN}
"""The arrays of the index, in the order in which `Contents` has them."""


def _footer(source: Source) -> dict[str, Any]:
    trailer = source.read(source.size - TRAILER.size, TRAILER.size) if source.size >= TRAILER.size else b""
    try:
        offset, length, checksum, own, magic = TRAILER.unpack(trailer)
    except struct.error:
        raise CorruptData(f"{source.path}: the file is too short to be a segment") from None
    if magic != TRAILER_MAGIC or zlib.crc32(TRAILER.pack(offset, length, checksum, 0, magic)) != own:
        raise CorruptData(f"{source.path}: the trailer is damaged")
    data = source.read(offset, length)
    if zlib.crc32(data) != checksum:
        raise CorruptData(f"{source.path}: the footer is damaged")
    footer: dict[str, Any] = msgpack.unpackb(data)
    return footer


def _records(source: Source, name: str, dtype: np.dtype[np.void], footer: dict[str, Any]) -> Array:
    offset, count, checksum = footer["sections"][name]
    data = source.read(offset, count * dtype.itemsize)
    if zlib.crc32(data) != checksum:
        raise CorruptData(f"{source.path}: the index of {name} is damaged")
    return np.frombuffer(data, dtype)


class SegmentPiece(Piece):
    """One row group of a segment."""

    def __init__(self, contents: Contents, measurement: str, number: int) -> None:
        self._contents, self._measurement, self._number = contents, measurement, number
        self._record = contents.row_groups[number]
        first = int(self._record["first_run"])
        self._runs = contents.runs[first : first + int(self._record["runs"])]

    @property
    def rows(self) -> int:
        return int(self._record["rows"])

    @cached_property
    def runs(self) -> Runs:
        records = self._runs
        offsets = np.append(records["first_row"].astype(np.int64), self.rows)
        first, last = records["first"].astype(np.int64), records["last"].astype(np.int64)
        return Runs(records["series"].astype(np.int64), offsets, first, last)

    @cached_property
    def start(self) -> Key:
        return int(self._runs[0]["series"]), int(self._runs[0]["first"])

    @cached_property
    def stop(self) -> Key:
        return int(self._runs[-1]["series"]), int(self._runs[-1]["last"])

    @cached_property
    def time_range(self) -> TimeRange:
        return TimeRange(int(self._record["min_time"]), int(self._record["max_time"]) + 1)

    @cached_property
    def _columns(self) -> dict[str, np.void]:
        first = int(self._record["first_column"])
        records = self._contents.columns[first : first + int(self._record["columns"])]
        return {self._contents.fields[record["field"]]: record for record in records}

    def field_type(self, name: str) -> DataType | None:
        record = self._columns.get(name)
        return None if record is None else TYPES[int(record["type"])]

    def extremes(self, name: str) -> Extremes | None:
        record, type_ = self._columns[name], self.field_type(name)
        if type_ is None or not type_.is_numeric:
            return None
        return Extremes(type_, np.array([record["min"], record["max"]], np.int64).view(type_.dtype))

    def always_valid(self, name: str) -> bool:
        return int(self._columns[name]["count"]) == self.rows

    def times(self, stats: ScanStats) -> Times:
        record = self._record
        if record["time_codec"] == Codec.REGULAR:
            return regular_times(self._runs, self.rows)
        where = int(record["time_offset"]), int(record["time_length"]), int(record["time_checksum"])
        times = self._decode("time", *where, int(record["time_codec"]), 0, self.rows, DataType.INTEGER, stats)
        return times.values

    def column(self, name: str, stats: ScanStats) -> Column:
        record = self._columns[name]
        where = int(record["offset"]), int(record["length"]), int(record["checksum"])
        how = int(record["codec"]), int(record["mask_length"]), int(record["count"])
        return self._decode(name, *where, *how, TYPES[int(record["type"])], stats)

    def _decode(
        self,
        name: str,
        offset: int,
        length: int,
        checksum: int,
        codec: int,
        mask_length: int,
        count: int,
        type_: DataType,
        stats: ScanStats,
    ) -> Column:
        what = f'measurement "{self._measurement}", column "{name}", row group {self._number}'
        data = self._contents.read(offset, length, checksum, what, stats)
        try:
            values = decode(codec, data[mask_length:], count, type_)
            stats.bytes_decoded += values.nbytes
            if not mask_length:
                return Column(type_, values)
            packed = np.frombuffer(zlib.decompress(data[:mask_length]), np.uint8)
            valid = np.unpackbits(packed, count=self.rows).astype(np.bool_)
            spread = np.zeros(self.rows, type_.dtype)
            spread[valid] = values
            return Column(type_, spread, valid)
        except (ValueError, zlib.error, msgpack.UnpackException) as error:
            raise CorruptData(f"{self._contents.source.path}: {what}: {error}") from error
