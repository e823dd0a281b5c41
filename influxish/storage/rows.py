"""Rows keyed by series number: how they are sorted, and how rows that meet become one.

Rows travel here as a `Batch` whose run groups are series numbers of one measurement; only the scan turns them into
groups. Last write wins for the same series, field and time; fields written apart merge into one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from influxish.batch import Batch, Column, GroupTable, Positions, object_array
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
        series, times = series[order], times[order]
        fields = {name: column.take(order) for name, column in fields.items()}
    repeated = (series[1:] == series[:-1]) & (times[1:] == times[:-1])
    if repeated.any():
        starts = np.flatnonzero(np.concatenate([[True], ~repeated]))
        fields = {name: _last_valid(column, starts) for name, column in fields.items()}
        series, times = series[starts], times[starts]
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
    same = series[1:] == series[:-1]
    if bool(((series[1:] > series[:-1]) | (same & (times[1:] >= times[:-1]))).all()):
        return None
    # A narrow type is sorted by its digits; and rows mostly come in time order, so that series alone decides.
    narrow: Array = series.astype(np.uint16) if series.max() < 65_536 else series
    order = np.argsort(narrow, kind="stable")
    by_series, by_time = series[order], times[order]
    if bool(((by_series[1:] != by_series[:-1]) | (by_time[1:] >= by_time[:-1])).all()):
        return order
    return np.lexsort((times, series))


def _last_valid(column: Column, starts: Positions) -> Column:
    """Of each stretch of rows that begins at `starts`, the last value there is."""
    stops = np.append(starts[1:], len(column)) - 1
    if column.valid is None:
        return column.take(stops)
    numbered = np.where(column.valid, np.arange(len(column)), -1)
    last = np.maximum.reduceat(numbered, starts)
    return Column(column.type, column.values[last], last >= 0)
