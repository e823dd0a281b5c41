"""Writing a segment: sorted rows → row groups → encoded blocks → index. The file is produced as a stream of bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgpack
import numpy as np

from influxish.batch import Batch, Column
from influxish.storage.codec import Codec, encode
from influxish.storage.framing import pack_file_header
from influxish.storage.pieces import PIECE_ROWS
from influxish.storage.rows import BY_SERIES
from influxish.storage.segment_format import (
    COLUMN,
    MAGIC,
    ROW_GROUP,
    RUN,
    TRAILER,
    TRAILER_MAGIC,
    TYPE_CODES,
    VERSION,
)
from influxish.types import Array, DataType, Times


def segment_bytes(measurements: Iterable[tuple[str, Iterable[Batch]]]) -> Iterator[bytes]:
    """The bytes of a segment file, in order.

    Args:
        measurements: name and, ascending by (series, time), rows whose run groups are series numbers. All batches of
            a measurement have the same columns. There is at least one row.
    """
    writer = _SegmentWriter()
    yield pack_file_header(MAGIC, VERSION)
    for name, parts in measurements:
        first = len(writer.row_groups)
        for rows in _row_groups(parts):
            yield from writer.row_group(rows)
        if len(writer.row_groups) > first:
            writer.measurements.append((name, first, len(writer.row_groups)))
    yield from writer.index()


def _row_groups(parts: Iterable[Batch]) -> Iterator[Batch]:
    """The same rows in stretches of about PIECE_ROWS, cut between series where that is near."""
    pending: list[Batch] = []
    for part in parts:
        pending.append(part)
        if sum(rows.rows for rows in pending) >= 2 * PIECE_ROWS:
            whole = _joined(pending)
            while whole.rows > PIECE_ROWS:
                cut = _cut(whole)
                yield whole.slice(0, cut)
                whole = whole.slice(cut, whole.rows)
            pending = [whole]
    if pending:
        whole = _joined(pending)
        while whole.rows > PIECE_ROWS:
            cut = _cut(whole)
            yield whole.slice(0, cut)
            whole = whole.slice(cut, whole.rows)
        if whole.rows:
            yield whole


def _cut(rows: Batch) -> int:
    boundary = int(rows.run_offsets[np.searchsorted(rows.run_offsets, PIECE_ROWS, "right") - 1])
    return boundary if boundary > PIECE_ROWS * 3 // 4 else PIECE_ROWS


def _joined(parts: list[Batch]) -> Batch:
    """The rows end to end, where the end of one and the start of the next may belong to one series."""
    if len(parts) == 1:
        return parts[0]
    return Batch.of_rows(
        BY_SERIES,
        np.concatenate([part.row_groups for part in parts]),
        np.concatenate([part.times for part in parts]),
        {name: Column.concat([part.columns[name] for part in parts]) for name in parts[0].columns},
    )


class _SegmentWriter:
    """Collects the index while blocks go by."""

    def __init__(self) -> None:
        self.offset = len(pack_file_header(MAGIC, VERSION))
        self.measurements: list[tuple[str, int, int]] = []
        self.row_groups: list[tuple[int, ...]] = []
        self._fields: dict[str, int] = {}
        self._columns: list[tuple[Any, ...]] = []
        self._runs: list[Array] = []
        self._run_count = 0

    def row_group(self, rows: Batch) -> Iterator[bytes]:
        """The blocks of one row group."""
        starts, first_column = rows.run_offsets[:-1], len(self._columns)
        runs = np.zeros(len(starts), RUN)
        runs["series"], runs["first_row"] = rows.run_groups, starts
        runs["first"], runs["last"] = rows.times[starts], rows.times[rows.run_offsets[1:] - 1]
        time_codec, block = Codec.REGULAR, b""
        if not np.array_equal(regular_times(runs, rows.rows), rows.times):
            time_codec, block = encode(rows.times, DataType.INTEGER)
        time_offset, time_checksum = self.offset, zlib.crc32(block)
        yield self._placed(block)
        for name, column in rows.columns.items():
            if column.valid is None or column.valid.any():
                yield self._column(name, column, rows.times)
        self.row_groups.append(
            (
                rows.rows,
                len(runs),
                self._run_count,
                first_column,
                len(self._columns) - first_column,
                time_codec,
                time_offset,
                len(block),
                time_checksum,
                int(runs["first"].min()),
                int(runs["last"].max()),
            )
        )
        self._runs.append(runs)
        self._run_count += len(runs)

    def index(self) -> Iterator[bytes]:
        """What follows the blocks."""
        sections = {}
        runs = np.concatenate(self._runs)
        for name, records in (
            ("row_groups", np.array(self.row_groups, ROW_GROUP)),
            ("columns", np.array(self._columns, COLUMN)),
            ("runs", runs),
        ):
            yield self._placed(b"\0" * (-self.offset % 8))
            data = records.tobytes()
            sections[name] = [self.offset, len(records), zlib.crc32(data)]
            yield self._placed(data)
        footer: bytes = msgpack.packb(
            {"measurements": self.measurements, "fields": list(self._fields), "sections": sections}
        )
        trailer = TRAILER.pack(self.offset, len(footer), zlib.crc32(footer), 0, TRAILER_MAGIC)
        checksum = zlib.crc32(trailer)
        yield footer
        yield TRAILER.pack(self.offset, len(footer), zlib.crc32(footer), checksum, TRAILER_MAGIC)

    def _placed(self, data: bytes) -> bytes:
        self.offset += len(data)
        return data

    def _column(self, name: str, column: Column, times: Times) -> bytes:
        valid, mask = column.valid, b""
        if valid is not None and not valid.all():
            mask = zlib.compress(np.packbits(valid).tobytes(), 6)
            column, times = column.take(valid), times[valid]
        codec, values = encode(column.values, column.type)
        block = mask + values
        field = self._fields.setdefault(name, len(self._fields))
        self._columns.append(
            (
                field,
                TYPE_CODES[column.type],
                codec,
                0,
                self.offset,
                len(block),
                len(mask),
                zlib.crc32(block),
                len(column),
                *_statistics(column, times),
            )
        )
        return self._placed(block)


def _statistics(column: Column, times: Times) -> tuple[Any, ...]:
    """sum, min, max, sum of squares, first, last, first time, last time, as `COLUMN` keeps them."""
    values = column.values
    first, last = int(times.argmin()), int(times.argmax())
    instants = (int(times[first]), int(times[last]))
    if column.type is DataType.STRING:
        return (0, 0, 0, 0.0, 0, 0, *instants)
    if column.type is DataType.BOOLEAN:
        return (0, 0, 0, 0.0, int(values[first]), int(values[last]), *instants)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.array([values.sum(), values.min(), values.max(), values[first], values[last]], values.dtype)
        squares = float(np.square(values.astype(np.float64)).sum())
    total, least, greatest, head, tail = exact.view(np.int64).tolist()
    return (total, least, greatest, squares, head, tail, *instants)


def regular_times(runs: Array, rows: int) -> Times:
    """(rows,) the times of runs (records `RUN`) whose rows are spaced evenly."""
    starts = runs["first_row"].astype(np.int64)
    counts = np.diff(np.append(starts, rows))
    first, last = runs["first"].astype(np.int64), runs["last"].astype(np.int64)
    with np.errstate(over="ignore"):
        steps = (last - first) // np.maximum(counts - 1, 1)
        times: Times = np.repeat(first - steps * starts, counts) + np.repeat(steps, counts) * np.arange(
            rows, dtype=np.int64
        )
    return times
