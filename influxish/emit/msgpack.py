"""Answers as InfluxDB 1.x writes them in MessagePack: the structure of the JSON answer, times as extension type 5.

A MessagePack array begins with its length, so a document is held as bytes until it is whole; `chunk_size` bounds that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgpack
import numpy as np

from influxish.batch import Column
from influxish.emit.chunks import checked_chunks, checked_results, pieces, rechunk
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.emit.times import epoch_integers
from influxish.types import SECOND, Array, DataType, Times

TIME_EXTENSION = 5
"""Extension type of a time: int64 seconds since 1970, negative before, then uint32 nanoseconds; both big-endian."""


def write_msgpack(results: Iterable[StatementResult], *, epoch: str = "", chunk_size: int = 0) -> Iterator[bytes]:
    """The answers as MessagePack.

    Args:
        results: one per statement. An error that breaks one off is written into it and stored in its `error`.
        epoch: a name of `types.PRECISIONS` for integer times, or "" for times of `TIME_EXTENSION`.
        chunk_size: > 0: one document for at most so many rows, with `partial` flags; 0: one document for everything.

    Zones are not shown: a time of the extension type is a moment, not a text.
    """
    writer = _MessagePackWriter(epoch)
    return writer.documents(results, chunk_size) if chunk_size > 0 else writer.document(results)


def msgpack_error(message: str) -> bytes:
    """The document for a request that failed as a whole."""
    packed: bytes = msgpack.packb({"error": message})
    return packed


class _MessagePackWriter:
    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._packer = msgpack.Packer(unicode_errors="replace")

    def document(self, results: Iterable[StatementResult]) -> Iterator[bytes]:
        packed = [self._result(result, checked_chunks(result), last=True) for result in checked_results(results)]
        yield self._opening(len(packed))
        yield from packed

    def documents(self, results: Iterable[StatementResult], rows: int) -> Iterator[bytes]:
        for result in checked_results(results):
            chunks = rechunk(checked_chunks(result), rows)
            held = next(chunks, None)
            answered = False
            while held is not None:
                # One chunk is held back, because its document says whether more follows.
                following = next(chunks, None)
                answered = following is None and not result.error
                yield self._opening(1) + self._result(result, iter([held]), last=answered, flags=True)
                held = following
            if not answered:
                yield self._opening(1) + self._result(result, iter(()), last=True)

    def _opening(self, results: int) -> bytes:
        pack = self._packer
        return bytes(pack.pack_map_header(1) + pack.pack("results") + pack.pack_array_header(results))

    def _result(
        self, result: StatementResult, chunks: Iterator[SeriesChunk], *, last: bool, flags: bool = False
    ) -> bytes:
        pack = self._packer.pack
        series = list(self._series(chunks, flags))
        members = [pack("statement_id") + pack(result.statement_id)]
        if series or not result.error:
            members.append(pack("series") + self._packer.pack_array_header(len(series)) + b"".join(series))
        if last and result.messages:
            messages = [{"level": level, "text": text} for level, text in result.messages]
            members.append(pack("messages") + pack(messages))
        if last and result.error:
            members.append(pack("error") + pack(result.error))
        if not last:
            members.append(pack("partial") + pack(True))
        return bytes(self._packer.pack_map_header(len(members)) + b"".join(members))

    def _series(self, chunks: Iterator[SeriesChunk], flags: bool) -> Iterator[bytes]:
        """Each series as bytes; chunks of one series are put together."""
        rows, packed = 0, bytearray()
        unfinished: SeriesChunk | None = None
        for chunk in chunks:
            for columns in pieces(chunk):
                packed += self._rows(columns)
            rows += chunk.rows
            unfinished = chunk
            if flags or not chunk.partial:
                yield self._series_opening(chunk, rows, flags) + bytes(packed)
                rows, packed, unfinished = 0, bytearray(), None
        if unfinished is not None:  # broken off by an error
            yield self._series_opening(unfinished, rows, flags) + bytes(packed)

    def _series_opening(self, chunk: SeriesChunk, rows: int, flags: bool) -> bytes:
        pack = self._packer.pack
        members = [pack("name") + pack(chunk.name)] if chunk.name else []
        if chunk.tags:
            members.append(pack("tags") + pack(dict(chunk.tags)))
        if flags and chunk.partial:
            members.append(pack("partial") + pack(True))
        members.append(pack("columns") + pack(chunk.columns))
        members.append(pack("values") + self._packer.pack_array_header(rows))
        return bytes(self._packer.pack_map_header(len(members)) + b"".join(members))

    def _rows(self, columns: tuple[Column, ...]) -> bytes:
        if 0 < len(columns) < 16 and all(_is_fixed(column) for column in columns):
            return self._fixed_rows(columns)
        lists = [self._items(column) for column in columns]
        return b"".join(map(self._packer.pack, zip(*lists, strict=True)))

    def _fixed_rows(self, columns: tuple[Column, ...]) -> bytes:
        """Rows of times and numbers without a gap all have one length in bytes: they are laid out by numpy."""
        layout: list[tuple[str, Any]] = [("array", np.uint8)]
        parts: list[Array] = [np.array(0x90 | len(columns))]
        for number, column in enumerate(columns):
            code, fields = self._fixed(column)
            layout.append((f"code {number}", f"V{len(code)}"))
            parts.append(np.frombuffer(code, f"V{len(code)}"))
            for place, field in enumerate(fields):
                layout.append((f"value {number} part {place}", field.dtype))
                parts.append(field)
        rows = np.empty(len(columns[0]), np.dtype(layout))
        for (name, _), part in zip(layout, parts, strict=True):
            rows[name] = part
        return rows.tobytes()

    def _fixed(self, column: Column) -> tuple[bytes, tuple[Array, ...]]:
        """The type code, and the big-endian parts of each value."""
        if column.type is DataType.TIME and not self._epoch:
            return bytes([0xC7, 12, TIME_EXTENSION]), _time_parts(column.values)
        if column.type is DataType.FLOAT:
            return b"\xcb", (column.values.astype(">f8"),)
        if column.type is DataType.UNSIGNED:
            return b"\xcf", (column.values.astype(">u8"),)
        integers = epoch_integers(column.values, self._epoch) if column.type is DataType.TIME else column.values
        return b"\xd3", (integers.astype(">i8"),)

    def _items(self, column: Column) -> list[Any]:
        values, valid = column.values, column.valid
        if column.type is DataType.FLOAT and np.isnan(values).any():
            valid = column.mask & ~np.isnan(values)
        if column.type is DataType.TIME:
            if self._epoch:
                items = epoch_integers(values, self._epoch).tolist()
            else:
                items = [msgpack.ExtType(TIME_EXTENSION, data) for data in _time_bytes(values)]
        else:
            items = values.tolist()
        if valid is not None:
            items = [item if kept else column.default for item, kept in zip(items, valid.tolist(), strict=True)]
        return list(items)


def _is_fixed(column: Column) -> bool:
    if column.valid is not None and not column.valid.all():
        return False
    if column.type is DataType.FLOAT:
        return not np.isnan(column.values).any()
    return column.type in (DataType.TIME, DataType.INTEGER, DataType.UNSIGNED)


def _time_parts(times: Times) -> tuple[Array, Array]:
    seconds, fractions = np.divmod(times, SECOND)
    return seconds.astype(">i8"), fractions.astype(">u4")


def _time_bytes(times: Times) -> list[bytes]:
    packed = np.empty(len(times), [("seconds", ">i8"), ("fractions", ">u4")])
    packed["seconds"], packed["fractions"] = _time_parts(times)
    data = packed.tobytes()
    return [data[start : start + 12] for start in range(0, len(data), 12)]
