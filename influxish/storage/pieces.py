"""Pieces and layers: the sorted rows that a scan reads, wherever they lie.

A piece is a bounded stretch of one measurement's rows, sorted by (series, time), whose columns are decoded one by one
when asked for. A layer is all pieces of one segment or memtable; within it nothing overlaps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from influxish.batch import Batch, Column, Mask, Positions
from influxish.functions.sorting import gather, sort_order
from influxish.storage.interface import ScanStats
from influxish.storage.ranking import dense_ranks
from influxish.types import Array, DataType, TimeRange, Times

PIECE_ROWS = 65_536

Key = tuple[int, int]
"""(series, time): what rows are sorted by."""


@dataclass(frozen=True, eq=False)
class Runs:
    """The series of a piece.

    Attributes:
        series: (k,) numbers, ascending.
        offsets: (k + 1,) int64 row at which each one's rows begin, and the end.
        first, last: (k,) int64 ns of each one's first and last row.
    """

    series: Positions
    offsets: Positions
    first: Times
    last: Times

    def take(self, kept: Mask) -> Positions:
        """How many rows each of the runs `kept` has."""
        return np.diff(self.offsets)[kept]


@dataclass(frozen=True, slots=True)
class Extremes:
    """What is known of a column without decoding it: (2,) smallest and greatest value, of the stored type."""

    type: DataType
    values: Array


class Piece(ABC):
    """See the module. Safe to read from several threads."""

    @property
    @abstractmethod
    def runs(self) -> Runs:
        """Its series."""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self.runs.offsets[-1])

    @cached_property
    def start(self) -> Key:
        """The key of the first row."""
        return int(self.runs.series[0]), int(self.runs.first[0])

    @cached_property
    def stop(self) -> Key:
        """The key of the last row."""
        return int(self.runs.series[-1]), int(self.runs.last[-1])

    @cached_property
    def time_range(self) -> TimeRange:
        """From the earliest to the latest of its times."""
        return TimeRange(int(self.runs.first.min()), int(self.runs.last.max()) + 1)

    @abstractmethod
    def field_type(self, name: str) -> DataType | None:
        """The stored type of a field, None if no row has a value of it."""

    @abstractmethod
    def extremes(self, name: str) -> Extremes | None:
        """Bounds of a numeric field that is there, if they are known."""

    @abstractmethod
    def always_valid(self, name: str) -> bool:
        """Whether it is known of a field that is there that every row has a value of it."""

    @abstractmethod
    def times(self, stats: ScanStats) -> Times:
        """(n,) the time of each row."""

    @abstractmethod
    def column(self, name: str, stats: ScanStats) -> Column:
        """The values of a field that is there."""


class MemoryPiece(Piece):
    """Rows that are in memory already, as arrays."""

    def __init__(self, rows: Batch) -> None:
        self._rows = rows
        offsets = rows.run_offsets
        self._runs = Runs(rows.run_groups, offsets, rows.times[offsets[:-1]], rows.times[offsets[1:] - 1])

    @property
    def runs(self) -> Runs:
        return self._runs

    def field_type(self, name: str) -> DataType | None:
        column = self._rows.columns.get(name)
        return None if column is None else column.type

    def extremes(self, name: str) -> Extremes | None:
        return None

    def always_valid(self, name: str) -> bool:
        return self._rows.columns[name].valid is None

    def times(self, stats: ScanStats) -> Times:
        return self._rows.times

    def column(self, name: str, stats: ScanStats) -> Column:
        return self._rows.columns[name]


@dataclass(frozen=True, eq=False)
class Layer:
    """All rows of one measurement in one segment or memtable.

    Attributes:
        pieces: ascending by key, without overlap.
    """

    pieces: Sequence[Piece]

    @cached_property
    def time_range(self) -> TimeRange:
        """From the earliest to the latest of its times."""
        ranges = [piece.time_range for piece in self.pieces]
        return TimeRange(min(r.start for r in ranges), max(r.stop for r in ranges))

    @staticmethod
    def of_rows(rows: Batch) -> Layer:
        """A layer of sorted rows in memory."""
        cuts = range(0, rows.rows, PIECE_ROWS)
        return Layer([MemoryPiece(rows.slice(cut, min(cut + PIECE_ROWS, rows.rows))) for cut in cuts])


def present_series(layers: Sequence[Layer], count: int) -> Mask:
    """(count,) bool: which of so many series have rows in any of the layers."""
    found: Mask = np.zeros(count, np.bool_)
    for piece in (piece for layer in layers for piece in layer.pieces):
        found[piece.runs.series] = True
    return found


def clusters(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Group layers (oldest first) so that only layers of one group need merging.

    The groups come in an order in which each series' rows ascend in time from group to group; inside a group layers
    keep their order of age. Layers that share no time are told apart at a glance; otherwise the runs decide.
    """
    if len(layers) < 2:
        return [list(layers)] if layers else []
    order = sorted(range(len(layers)), key=lambda i: layers[i].time_range.start)
    ranges = [layers[i].time_range for i in order]
    joined = np.zeros(len(layers), np.bool_)  # [r]: layer of rank r belongs with that of rank r - 1
    if any(before.stop > after.start for before, after in pairwise(ranges)):
        joined = _joined([layers[i] for i in order])
    groups: list[list[int]] = []
    for rank, index in enumerate(order):
        if rank and joined[rank]:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [[layers[i] for i in sorted(group)] for group in groups]


def _joined(layers: Sequence[Layer]) -> Mask:
    """For layers in order of their start: (l,) bool, which must be read together with the one before."""
    pieces = [piece for layer in layers for piece in layer.pieces]
    ranks = np.repeat(np.arange(len(layers)), [sum(len(p.runs.series) for p in layer.pieces) for layer in layers])
    series = np.concatenate([piece.runs.series for piece in pieces])
    first = np.concatenate([piece.runs.first for piece in pieces])
    last = np.concatenate([piece.runs.last for piece in pieces])
    order = sort_order([series, first, ranks])
    ranks, series, first, last = (gather(values, order) for values in (ranks, series, first, last))
    # The greatest `last` so far within each series: ranks of times, raised by series, so one running maximum does it.
    distinct, dense = dense_ranks(last)
    height = dense_ranks(series)[1] * len(distinct) + dense
    reached = np.maximum.accumulate(height)
    holder = np.maximum.accumulate(np.where(height == reached, np.arange(len(height)), 0))
    before = holder[:-1]
    same = series[1:] == series[:-1]
    conflict = same & ((last[before] >= first[1:]) | (ranks[before] > ranks[1:]) | (ranks[:-1] > ranks[1:]))
    low = np.minimum(np.minimum(ranks[before], ranks[1:]), ranks[:-1])[conflict]
    high = np.maximum(np.maximum(ranks[before], ranks[1:]), ranks[:-1])[conflict]
    # Every rank in (low, high] is joined: count intervals that are open at each rank.
    change = np.zeros(len(layers) + 1, np.int64)
    apart = low < high
    np.add.at(change, low[apart] + 1, 1)
    np.add.at(change, high[apart] + 1, -1)
    return np.cumsum(change)[:-1] > 0
