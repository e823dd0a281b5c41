"""What a deletion affects: which rows get tombstones, and which series have no row left anywhere.

What concerns segments is found without the engine's lock, as long as nothing is flushed; memtables are looked at under
it, at the moment in which the deletion takes effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from influxish.batch import Mask, Positions
from influxish.functions.expression import Expression
from influxish.storage.databases import DatabaseState
from influxish.storage.deletions import Deletion
from influxish.storage.index import MeasurementSeries
from influxish.storage.shard import Shard
from influxish.storage.tombstones import Extent, Tombstone
from influxish.types import ALL_TIME, TimeRange, Times


class SegmentWork:
    """What a deletion of one measurement means for segments: all that needs no lock, as long as nothing is flushed.

    Tombstones get their numbers here, and what is decoded to find out which series keep rows stays at hand for queries.

    Args:
        series: the measurement's, all those that may have rows in segments.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        measurement: str,
        series: MeasurementSeries,
        condition: Expression | None,
        time_range: TimeRange,
    ) -> None:
        self.tombstones: list[tuple[int, int]] = []
        self.left: Mask = np.zeros(series.count, np.bool_)
        selected = series.select(condition)
        if time_range == ALL_TIME or (selected is not None and not selected.any()):
            return  # whole series go, or none
        extent = Extent(None if condition is None or selected is None else np.flatnonzero(selected), time_range)
        for shard in shards:
            hiding = shard.tombstones
            if _touched(shard, measurement, extent):
                number = shard.last_number + 1
                hiding = (*hiding, Tombstone(number, measurement, extent))
                self.tombstones.append((shard.id, number))
            for layer in (segment.layer(measurement, hiding) for segment in shard.segments):
                for piece in layer.pieces if layer is not None else ():
                    self.left[piece.runs.series] = True


def _touched(shard: Shard, measurement: str, extent: Extent) -> bool:
    layers = (segment.layer(measurement, shard.tombstones) for segment in shard.segments)
    return any(extent.touches(piece) for layer in layers if layer is not None for piece in layer.pieces)


def deletion(
    state: DatabaseState,
    work: SegmentWork,
    measurement: str,
    condition: Expression | None,
    time_range: TimeRange,
    forget: bool,
) -> Deletion | None:
    """What is to be deleted, given what that means for segments; None if it is nothing. The engine's lock is held."""
    series = state.index.series(measurement)
    chosen = series.select(condition)
    selected = np.ones(series.count, np.bool_) if chosen is None else chosen
    if not selected.any() and not (forget and any(measurement in shard.types for shard in state.shards())):
        return None
    whole = condition is None or not selected.any()
    extent = Extent(None if whole else np.flatnonzero(selected), time_range)
    if time_range != ALL_TIME:
        selected[np.flatnonzero(work.left)] = False
        for found, times in keys_in_memory(state.shards(), measurement):
            selected[found[~extent.holds(found, times)]] = False
    return Deletion(measurement, extent, work.tombstones, np.flatnonzero(selected), forget)


def orphans(state: DatabaseState, shards: Sequence[Shard], stored: Mapping[str, Mask]) -> dict[str, Positions]:
    """Measurement → ascending numbers of the series of which all rows are in some shards. The engine's lock is held.

    Args:
        stored: measurement → by series number, whether it has rows in segments of other shards; those it is too short
            for do not. A measurement that is missing came to the shards lately, and is looked for here.
    """
    others, found = [other for other in state.shards() if other not in shards], dict[str, Positions]()
    for name in {name for shard in shards for name in shard.types}:
        series = state.index.series(name)
        alone = series_in_segments(shards, name, series.count)
        for numbers, _ in keys_in_memory(shards, name):
            alone[numbers] = True
        elsewhere = stored[name] if name in stored else series_in_segments(others, name, series.count)
        alone[np.flatnonzero(elsewhere)] = False
        for numbers, _ in keys_in_memory(others, name):
            alone[numbers] = False
        living = series.select(None)
        found[name] = np.flatnonzero(alone if living is None else alone & living)
    return found


def series_in_segments(shards: Iterable[Shard], measurement: str, count: int) -> Mask:
    """(count,) bool by series number: which series of a measurement have rows in segments."""
    found = np.zeros(count, np.bool_)
    for shard in shards:
        for layer in (segment.layer(measurement, shard.tombstones) for segment in shard.segments):
            for piece in layer.pieces if layer is not None else ():
                found[piece.runs.series] = True
    return found


def keys_in_memory(shards: Iterable[Shard], measurement: str) -> Iterator[tuple[Positions, Times]]:
    """(series, times) of the rows of a measurement that are in memtables. The engine's lock is held."""
    for shard in shards:
        for table in (*shard.frozen, shard.active):
            yield from table.keys(measurement)
