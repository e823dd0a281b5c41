"""What a deletion took away, and how the rows that are left are read from pieces that still hold the others.

A tombstone hides rows of the segments that are older than it. Merging leaves hidden rows out; once all segments of a
shard are younger than a tombstone it goes, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from influxish.batch import Column, Mask, Positions
from influxish.errors import CorruptData
from influxish.storage.interface import ScanStats
from influxish.storage.pieces import Extremes, Key, Layer, Piece, Runs
from influxish.types import DataType, TimeRange, Times


@dataclass(frozen=True, eq=False)
class Extent:
    """Which rows of a measurement are deleted.

    Attributes:
        series: (k,) int64 numbers, ascending, k > 0; None: all there are.
        time_range: only times in it.
    """

    series: Positions | None
    time_range: TimeRange

    def has_series(self, series: Positions) -> Mask:
        """(n,) bool for (n,) numbers: which of them are meant."""
        if self.series is None:
            return np.ones(len(series), np.bool_)
        places = np.searchsorted(self.series, series)
        found: Mask = self.series[np.minimum(places, len(self.series) - 1)] == series
        return found

    def holds(self, series: Positions, times: Times) -> Mask:
        """(n,) bool: which of n rows, given by series number and time, are deleted."""
        inside = (times >= self.time_range.start) & (times < self.time_range.stop)
        return inside & self.has_series(series) if self.series is not None else inside

    def touches(self, piece: Piece) -> bool:
        """Whether rows of a piece may be deleted, as far as its bounds tell."""
        if not piece.time_range.overlaps(self.time_range):
            return False
        if self.series is None:
            return True
        first, last = np.searchsorted(self.series, [piece.start[0], piece.stop[0] + 1])
        return bool(first < last)


@dataclass(frozen=True, eq=False)
class Tombstone:
    """An extent that is deleted from the older segments of one shard.

    Attributes:
        number: the segment files of the shard with smaller numbers are older; none has this one. Tombstones that one
            statement makes for several measurements share it.
    """

    number: int
    measurement: str
    extent: Extent


def without(layer: Layer, extents: Sequence[Extent]) -> Layer | None:
    """The rows of a layer that no extent deletes; None if there are none.

    Blocks of times are decoded only where nothing else tells whether a piece has any row left.
    """
    pieces: list[Piece] = []
    changed = False
    for piece in layer.pieces:
        touching = [extent for extent in extents if extent.touches(piece)]
        if not touching:
            pieces.append(piece)
            continue
        changed, masked = True, MaskedPiece(piece, touching)
        if _surely_some(piece, touching) or len(masked.runs.series):
            pieces.append(masked)
    if not changed:
        return layer
    return Layer(pieces) if pieces else None


class MaskedPiece(Piece):
    """A piece without the rows that some extents delete. Its `runs` are exact, the bounds of its keys are not.

    Where an extent cuts through a run, its `runs` depend on the times, which are decoded once and leave a mask behind.
    If they are damaged `runs` says what the piece has without the extents, and reading it fails.
    """

    def __init__(self, piece: Piece, extents: Sequence[Extent]) -> None:
        self._piece, self._extents = piece, extents

    @property
    def runs(self) -> Runs:
        return self._left.runs

    @cached_property
    def start(self) -> Key:
        return self._piece.start

    @cached_property
    def stop(self) -> Key:
        return self._piece.stop

    @cached_property
    def time_range(self) -> TimeRange:
        return self._piece.time_range

    def field_type(self, name: str) -> DataType | None:
        return self._piece.field_type(name)

    def extremes(self, name: str) -> Extremes | None:
        return self._piece.extremes(name)

    def always_valid(self, name: str) -> bool:
        return self._piece.always_valid(name)

    def times(self, stats: ScanStats) -> Times:
        return self._piece.times(stats)[self._mask]

    def column(self, name: str, stats: ScanStats) -> Column:
        return self._piece.column(name, stats).take(self._mask)

    @property
    def _mask(self) -> Mask:
        if self._left.damage:
            raise CorruptData(self._left.damage)
        return self._left.mask

    @cached_property
    def _left(self) -> _Left:
        try:
            return _left(self._piece, self._extents)
        except CorruptData as error:
            return _Left(np.ones(self._piece.rows, np.bool_), self._piece.runs, str(error))


@dataclass(frozen=True, eq=False)
class _Left:
    """What extents leave of a piece: (n,) bool of its rows, the runs they make, and what is damaged."""

    mask: Mask
    runs: Runs
    damage: str = ""


def _left(piece: Piece, extents: Sequence[Extent]) -> _Left:
    runs, times = piece.runs, None
    lengths = np.diff(runs.offsets)
    mask = np.ones(piece.rows, np.bool_)
    for extent in extents:
        gone, meant = extent.time_range, extent.has_series(runs.series)
        whole = meant & (runs.first >= gone.start) & (runs.last < gone.stop)
        cut = meant & ~whole & (runs.first < gone.stop) & (runs.last >= gone.start)
        mask &= ~np.repeat(whole, lengths)
        if cut.any():
            times = piece.times(ScanStats()) if times is None else times
            mask &= ~(np.repeat(cut, lengths) & (times >= gone.start) & (times < gone.stop))
    rows = np.flatnonzero(mask)
    offsets = np.searchsorted(rows, runs.offsets)
    counts = np.diff(offsets)
    kept = counts > 0
    first, last = runs.first[kept], runs.last[kept]
    if times is not None:
        first, last = times[rows[offsets[:-1][kept]]], times[rows[offsets[1:][kept] - 1]]
    return _Left(mask, Runs(runs.series[kept], np.append(offsets[:-1][kept], len(rows)), first, last))


def _surely_some(piece: Piece, extents: Sequence[Extent]) -> bool:
    """Whether the first or the last row of some run is not deleted."""
    runs = piece.runs
    first, last = np.zeros(len(runs.series), np.bool_), np.zeros(len(runs.series), np.bool_)
    for extent in extents:
        first |= extent.holds(runs.series, runs.first)
        last |= extent.holds(runs.series, runs.last)
    return not (first & last).all()


def pack_series(numbers: Positions) -> bytes:
    """Ascending series numbers as bytes; the differences of neighbours are mostly alike and so compress well."""
    return zlib.compress(np.diff(numbers, prepend=0).astype("<u4").tobytes(), 1)


def unpack_series(data: bytes) -> Positions:
    """The numbers that `pack_series` packed."""
    return np.cumsum(np.frombuffer(zlib.decompress(data), "<u4").astype(np.int64))
