"""One shard: the segments and memtables of one stretch of time of one retention policy, and snapshots of them.

What a shard holds changes only under the engine's lock; a snapshot holds on to what was there and needs no lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from influxish.batch import Batch, Mask
from influxish.storage.index import MeasurementSeries, SeriesIndex
from influxish.storage.interface import Estimate, MeasurementSchema, ScanRequest, ScanStats, ShardSource
from influxish.storage.memtable import Memtable, UnsortedRows
from influxish.storage.pieces import Layer, present_series
from influxish.storage.scan import Scan
from influxish.storage.segment import Segment
from influxish.storage.tombstones import Extent, Tombstone
from influxish.types import DataType, TimeRange

Types = dict[str, dict[str, DataType]]
"""Measurement → field → the one type it has in a shard."""


class Shard:
    """The state of a shard.

    Attributes:
        id: its number in the catalog, never used again.
        types: of the fields written so far.
        segments: oldest first.
        frozen: memtables on their way into a segment, oldest first.
        active: the memtable that is written to.
        last_number: the greatest number that a segment file or a tombstone has been given.
        tombstones: what is deleted from older segments, oldest first.
        saved: the greatest number of a tombstone that the catalog has; 0 before the first.
        forgotten: measurements that were dropped, whose types are still in the catalog.
        rewriting: whether rows were deleted from segments since it was looked whether to write them anew.
    """

    def __init__(self, id: int, name: str, time_range: TimeRange) -> None:
        self.id, self.name, self.time_range = id, name, time_range
        self.types: Types = {}
        self.segments: tuple[Segment, ...] = ()
        self.frozen: tuple[Memtable, ...] = ()
        self.active = Memtable()
        self.last_number = 0
        self.tombstones: tuple[Tombstone, ...] = ()
        self.saved = 0
        self.forgotten: set[str] = set()
        self.rewriting = False

    @property
    def memory(self) -> int:
        """Bytes in memtables."""
        return self.active.nbytes + sum(table.nbytes for table in self.frozen)

    def freeze(self) -> None:
        """Put the memtable aside to be flushed and start another."""
        if self.active.nbytes:
            self.active.views()  # from here on it is read without the lock
            self.frozen += (self.active,)
            self.active = Memtable()

    def frozen_types(self) -> Types:
        """Of the measurements in frozen memtables, which also deletions may have left nothing of."""
        written = {measurement for table in self.frozen for measurement in table.measurements}
        return {measurement: dict(self.types.get(measurement, {})) for measurement in written}

    @property
    def unsaved(self) -> list[Tombstone]:
        """The tombstones that only the log has."""
        return [tombstone for tombstone in self.tombstones if tombstone.number > self.saved]

    def delete(self, measurement: str, extent: Extent, number: int) -> None:
        """Take rows away: from memory, and if `number` is not 0 by a tombstone of that number from segments."""
        for table in (*self.frozen, self.active):
            table.delete(measurement, extent)
        if number > self.saved:
            self.tombstones += (Tombstone(number, measurement, extent),)
            self.last_number = max(self.last_number, number)
        self.rewriting = True

    def forget(self, measurement: str) -> None:
        """Take away what is in memory of a measurement, and the types of its fields."""
        for table in (*self.frozen, self.active):
            table.forget(measurement)
        if self.types.pop(measurement, None) is not None:
            self.forgotten.add(measurement)

    def snapshot(self, index: SeriesIndex, series: Mapping[str, MeasurementSeries]) -> ShardSnapshot:
        """All rows of this moment, to be read while others write.

        Called under the engine's lock: its tables must not grow meanwhile.
        """
        memory = [views for table in (*self.frozen, self.active) if (views := table.views())]
        types = {measurement: dict(fields) for measurement, fields in self.types.items()}
        found = self.segments, self.tombstones, memory
        return ShardSnapshot(self.name, self.time_range, *found, types, index, series)


class ShardSnapshot(ShardSource):
    """A shard as it was at one moment. It keeps the files it reads alive until it is let go."""

    def __init__(
        self,
        name: str,
        time_range: TimeRange,
        segments: tuple[Segment, ...],
        tombstones: tuple[Tombstone, ...],
        memory: list[dict[str, UnsortedRows]],
        types: Types,
        index: SeriesIndex,
        series: Mapping[str, MeasurementSeries],
    ) -> None:
        self.name, self.time_range = name, time_range
        self._segments, self._tombstones, self._memory, self._types = segments, tombstones, memory, types
        self._index, self._series = index, series

    def schema(self) -> Mapping[str, MeasurementSchema]:
        return {
            measurement: MeasurementSchema({name: (fields[name],) for name in sorted(fields)}, tuple(series.live_keys))
            for measurement, fields in sorted(self._types.items())
            if not (series := self._series_of(measurement)).is_empty
        }

    def scan(self, request: ScanRequest, stats: ScanStats) -> Iterator[Batch]:
        return self._scan(request).batches(stats)

    def estimate(self, request: ScanRequest) -> Estimate:
        return self._scan(request).estimate()

    def series(self, measurement: str) -> MeasurementSeries:
        """The series of one measurement in the whole database, as they were."""
        return self._series_of(measurement)

    def present(self, measurement: str) -> Mask:
        """(count,) bool: which of the series of a measurement have rows in this shard that count."""
        series = self._series_of(measurement)
        found = present_series(self.layers(measurement), series.count)
        living = series.select(None)
        return found if living is None else found & living

    def layers(self, measurement: str) -> list[Layer]:
        """Everything there is of a measurement, oldest first; none is empty."""
        stored = (segment.layer(measurement, self._tombstones) for segment in self._segments)
        written = (views[measurement].layer() for views in self._memory if measurement in views)
        return [layer for layer in (*stored, *written) if layer is not None and layer.pieces]

    def _scan(self, request: ScanRequest) -> Scan:
        series = self._series_of(request.measurement)
        return Scan(request, self.layers(request.measurement), series, self._index)

    def _series_of(self, measurement: str) -> MeasurementSeries:
        return self._series.get(measurement) or MeasurementSeries(0, {})
