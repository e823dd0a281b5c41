"""What has been written to one shard and is not yet in a segment: chunks of columns, sorted when somebody reads.

The write-ahead log holds the same rows durably; nothing here touches a file.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Batch, Column, Positions
from influxish.storage.pieces import Layer
from influxish.storage.rows import sorted_rows
from influxish.types import DataType, Times


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

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.series.nbytes + self.times.nbytes + sum(column.nbytes for column in self.fields.values())


class UnsortedRows:
    """The rows of some chunks, oldest first; sorted and merged once, when first asked for. Thread-safe."""

    def __init__(self, parts: Sequence[Chunk | Batch]) -> None:
        self._parts = list(parts)
        self._layer: Layer | None = None
        self._rows: Batch | None = None
        self._lock = threading.Lock()

    def parts(self) -> list[Chunk | Batch]:
        """What it is made of: its chunks, or the sorted whole once there is one."""
        with self._lock:
            return list(self._parts)

    def rows(self) -> Batch:
        """Sorted by (series, time), the last value written winning."""
        with self._lock:
            if self._rows is None:
                self._rows = _merge(self._parts)
                self._parts = [self._rows]
            return self._rows

    def layer(self) -> Layer:
        """The same rows as a layer to scan."""
        rows = self.rows()
        if self._layer is None:
            self._layer = Layer.of_rows(rows)
        return self._layer


class Memtable:
    """The rows of one shard by measurement. The engine's lock guards it; what `views` gives may be read without."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._views: dict[str, UnsortedRows] = {}
        self._fresh: dict[str, list[Chunk]] = {}

    def append(self, measurement: str, chunk: Chunk) -> None:
        """Take in rows of one write; they are sorted when somebody looks."""
        self._fresh.setdefault(measurement, []).append(chunk)
        self.nbytes += chunk.nbytes

    def views(self) -> dict[str, UnsortedRows]:
        """Measurement → its rows of this moment."""
        for measurement, chunks in self._fresh.items():
            earlier = self._views.get(measurement)
            self._views[measurement] = UnsortedRows([*(earlier.parts() if earlier else []), *chunks])
        self._fresh.clear()
        return dict(self._views)


def _merge(parts: Sequence[Chunk | Batch]) -> Batch:
    if len(parts) == 1 and isinstance(parts[0], Batch):
        return parts[0]
    chunks = [Chunk(p.row_groups, p.times, p.columns) if isinstance(p, Batch) else p for p in parts]
    types: dict[str, DataType] = {name: column.type for chunk in chunks for name, column in chunk.fields.items()}
    fields = {
        name: Column.concat([chunk.fields.get(name) or Column.absent(type_, len(chunk.times)) for chunk in chunks])
        for name, type_ in types.items()
    }
    series = np.concatenate([chunk.series for chunk in chunks])
    return sorted_rows(series, np.concatenate([chunk.times for chunk in chunks]), fields)
