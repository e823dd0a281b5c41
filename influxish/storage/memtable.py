"""What has been written to one shard and is not yet in a segment: chunks of columns, sorted when somebody reads.

The write-ahead log holds the same rows durably; nothing here touches a file.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Batch, Column, Positions
from influxish.functions.interruption import look
from influxish.storage.pieces import Layer
from influxish.storage.rows import BY_SERIES, sorted_rows
from influxish.storage.tombstones import Extent
from influxish.storage.waiting import held
from influxish.types import DataType, Times

_CHUNKS_PER_LOOK = 4096

NO_ROWS = Batch(BY_SERIES, np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64), {})


@dataclass(frozen=True, eq=False)
class Chunk:
    """Rows of one measurement in the order in which they were written.

    Attributes:
        series: (n,) int64 series numbers.
        times: (n,) int64 ns.
        fields: name → (n,) column.
    """

    series: Positions
    times: Times
    fields: Mapping[str, Column]

    def without(self, extent: Extent) -> Chunk:
        """The rows that are not deleted."""
        deleted = extent.holds(self.series, self.times)
        if not deleted.any():
            return self
        fields = {name: column.take(~deleted) for name, column in self.fields.items()}
        return Chunk(self.series[~deleted], self.times[~deleted], fields)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.series.nbytes + self.times.nbytes + sum(column.nbytes for column in self.fields.values())


class UnsortedRows:
    """The rows of some chunks, oldest first; sorted and merged once, when first asked for. Thread-safe."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._layer: Layer | None = None
        self._lock = threading.Lock()

    def parts(self) -> Sequence[Part]:
        """What it is made of: its chunks, or the sorted whole once there is one; itself while somebody sorts it.

        Never waits: it is asked under the engine's lock.
        """
        return [self] if self._lock.locked() else self._parts

    def rows(self) -> Batch:
        """Sorted by (series, time), the last value written winning.

        A query that is stopped meanwhile leaves the chunks as they were.
        """
        with held(self._lock):
            rows = _merge(self._parts)
            self._parts = [rows]
            return rows

    def keys(self) -> list[tuple[Positions, Times]]:
        """(series, times) of the rows, as they were written; some may be there twice. Never waits."""
        return _keys(self._parts)

    def layer(self) -> Layer:
        """The same rows as a layer to scan; it has no pieces if all of them were deleted."""
        rows = self.rows()
        if self._layer is None:
            self._layer = Layer.of_rows(rows)
        return self._layer


Part = Chunk | Batch | UnsortedRows | Extent
"""Rows as they were written, or sorted, or about to be sorted; or what was deleted of all parts before."""


class Memtable:
    """The rows of one shard by measurement. The engine's lock guards it; what `views` gives may be read without."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._views: dict[str, UnsortedRows] = {}
        self._fresh: dict[str, list[Chunk | Extent]] = {}

    def append(self, measurement: str, chunk: Chunk) -> None:
        """Take in rows of one write; they are sorted when somebody looks."""
        self._fresh.setdefault(measurement, []).append(chunk)
        self.nbytes += chunk.nbytes

    def delete(self, measurement: str, extent: Extent) -> None:
        """Take away rows that were written before; they are left out when somebody looks."""
        if measurement in self._views or measurement in self._fresh:
            self._fresh.setdefault(measurement, []).append(extent)

    def forget(self, measurement: str) -> None:
        """Take away all rows of a measurement, so that its fields may come back with other types."""
        self._views.pop(measurement, None)
        self._fresh.pop(measurement, None)

    @property
    def measurements(self) -> set[str]:
        """Those that were written to, also where all rows were deleted since."""
        return {*self._views, *self._fresh}

    def keys(self, measurement: str) -> list[tuple[Positions, Times]]:
        """(series, times) of the rows of a measurement, some perhaps twice. Sorts nothing and waits for nobody."""
        view = self.views().get(measurement)
        return [] if view is None else view.keys()

    def views(self) -> dict[str, UnsortedRows]:
        """Measurement → its rows of this moment."""
        for measurement, chunks in self._fresh.items():
            earlier = self._views.get(measurement)
            self._views[measurement] = UnsortedRows([*(earlier.parts() if earlier else []), *chunks])
        self._fresh.clear()
        return dict(self._views)


def _merge(parts: Sequence[Part]) -> Batch:
    if len(parts) == 1 and isinstance(parts[0], Batch):
        return parts[0]
    chunks = list[Chunk]()
    for part in parts:
        if isinstance(part, Extent):
            chunks = [left for chunk in chunks if len((left := chunk.without(part)).times)]
        elif len((chunk := _chunk(part)).times):
            chunks.append(chunk)
    if not chunks:
        return NO_ROWS
    types: dict[str, DataType] = {}
    for number, chunk in enumerate(chunks):
        if number % _CHUNKS_PER_LOOK == 0:
            look()
        types.update((name, column.type) for name, column in chunk.fields.items())
    fields = {name: _concatenated(chunks, name, type_) for name, type_ in types.items()}
    series = np.concatenate([chunk.series for chunk in chunks])
    return sorted_rows(series, np.concatenate([chunk.times for chunk in chunks]), fields)


def _keys(parts: Sequence[Part]) -> list[tuple[Positions, Times]]:
    found = list[tuple[Positions, Times]]()
    for part in parts:
        if isinstance(part, Extent):
            found = [(series[kept], times[kept]) for series, times in found for kept in [~part.holds(series, times)]]
        elif isinstance(part, UnsortedRows):
            found += part.keys()
        elif isinstance(part, Batch):
            found.append((part.row_groups, part.times))
        else:
            found.append((part.series, part.times))
    return found


def _chunk(part: Chunk | Batch | UnsortedRows) -> Chunk:
    if isinstance(part, Chunk):
        return part
    rows = part if isinstance(part, Batch) else part.rows()
    return Chunk(rows.row_groups, rows.times, rows.columns)


def _concatenated(chunks: Sequence[Chunk], name: str, type_: DataType) -> Column:
    look()
    return Column.concat([chunk.fields.get(name) or Column.absent(type_, len(chunk.times)) for chunk in chunks])
