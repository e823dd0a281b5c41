"""Rows keyed by series number: how they are sorted, and how rows that meet become one.

Rows travel here as a `Batch` whose run groups are series numbers of one measurement; only the scan turns them into
groups. Last write wins for the same series, field and time; fields written apart merge into one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from influxish.batch import Batch, Column, GroupTable, Mask, Positions, object_array
from influxish.functions.segments import Segments
from influxish.functions.sorting import gather, gather_column, pieces, reduce_pieces, sort_order
from influxish.types import Array, DataType, Times

BY_SERIES = GroupTable((), object_array([]))
"""Stands as the group table of rows whose run groups are series numbers."""


def sorted_rows(series: Positions, times: Times, fields: Mapping[str, Column]) -> Batch:
    """Rows in the order they were written → by (series, time), each pair once, later values over earlier ones.

    Args:
        series: (n,) int64 series number of each row.
        times: (n,) int64 ns.
        fields: name → (n,) column.
    """
    order = _order(series, times)
    if order is not None:
        series, times = gather(series, order), gather(times, order)
        fields = {name: gather_column(column, order) for name, column in fields.items()}
    first = [_first_of_key(series, times, piece) for piece in pieces(len(times))]
    if not all(part.all() for part in first):
        starts = np.flatnonzero(np.concatenate(first))
        fields = {name: _last_valid(column, starts) for name, column in fields.items()}
        series, times = gather(series, starts), gather(times, starts)
    return Batch.of_rows(BY_SERIES, series, times, fields)


def merged(parts: Sequence[Batch], types: Mapping[str, DataType]) -> Batch:
    """One sorted whole from sorted parts, oldest first; a column that a part lacks has no value there."""
    if len(parts) == 1:
        return parts[0]
    fields = {
        name: Column.concat([part.columns.get(name) or Column.absent(type_, part.rows) for part in parts])
        for name, type_ in types.items()
    }
    series = np.concatenate([part.row_groups for part in parts])
    return sorted_rows(series, np.concatenate([part.times for part in parts]), fields)


def position(rows: Batch, series: int, time: int) -> int:
    """How many of the sorted rows come before (series, time)."""
    first = int(np.searchsorted(rows.run_groups, series, "left"))
    last = int(np.searchsorted(rows.run_groups, series, "right"))
    start, stop = int(rows.run_offsets[first]), int(rows.run_offsets[last])
    return start + int(np.searchsorted(rows.times[start:stop], time, "left"))


def _order(series: Positions, times: Times) -> Positions | None:
    """A stable order by (series, time); None when the rows are in it already."""
    if _ascending(series, times):
        return None
    # A narrow type is sorted by its digits; and rows mostly come in time order, so that series alone decides.
    narrow: Array = series.astype(np.uint16) if series.max() < 65_536 else series
    order = sort_order([narrow])
    if _ascending(gather(series, order), gather(times, order)):
        return order
    return sort_order([narrow, times])


def _ascending(series: Positions, times: Times) -> bool:
    for piece in pieces(len(times) - 1):
        follows = slice(piece.start + 1, piece.stop + 1)
        same, later = series[follows] == series[piece], times[follows] >= times[piece]
        if not ((series[follows] > series[piece]) | (same & later)).all():
            return False
    return True


def _first_of_key(series: Positions, times: Times, piece: slice) -> Mask:
    """For sorted rows of a piece: (n,) bool, whether the row before has another series or time."""
    before = slice(max(piece.start - 1, 0), piece.stop - 1)
    here = slice(before.start + 1, piece.stop)
    differs = (series[here] != series[before]) | (times[here] != times[before])
    return differs if piece.start else np.concatenate([[True], differs])


def _last_valid(column: Column, starts: Positions) -> Column:
    """Of each stretch of rows that begins at `starts`, the last value there is."""
    stops = np.append(starts[1:], len(column))
    if column.valid is None:
        return gather_column(column, stops - 1)
    numbered = np.where(column.valid, np.arange(len(column)), -1)
    last = reduce_pieces(Segments(starts, stops), np.maximum, numbered)
    return Column(column.type, gather(column.values, last), last >= 0)
