"""Streams that stop before they are over, where empty buckets are filled: what a stop does there, and what is left.

Source: influxdata/influxdb 1.6, Next of the fill iterators of query/iterator.gen.go. They take a stop for the end of
a group: it costs nothing while there are buckets left to fill, since what they read next is the following point.
"""

from __future__ import annotations

import numpy as np

from influxish.batch import Batch, Column, Mask, Positions
from influxish.exec.grid import Grid
from influxish.functions.windows import bucket_numbers, bucket_starts
from influxish.plan.nodes import Fill, FillColumn, FillOption
from influxish.types import Array, DataType, Times


def without_absorbed(rows: Batch, node: Fill) -> Batch:
    """The rows with fewer stops before each group: the buckets filled behind the last row of another one take them.

    Args:
        rows: sorted by group and time, both rising.
    """
    options = {fill.label: fill.option for fill in node.columns}
    columns = dict(rows.columns)
    for fill in node.columns:
        if not _tells_stops(fill):
            continue
        present = np.flatnonzero(rows.columns[fill.of].mask)
        if node.descending:
            present = present[::-1]
        stops = rows.columns[fill.label].values.copy()
        opening = np.flatnonzero(_opens(rows.row_groups[present]))[1:]
        # A straight line looks at the point after the next one, too.
        taken = _filled_behind(rows.times[present[opening - 1]], node) * (1 + (options[fill.of] is FillOption.LINEAR))
        opening = present[opening]
        stops[opening] = np.maximum(stops[opening] - taken, 0)
        columns[fill.label] = Column(DataType.INTEGER, stops, rows.columns[fill.label].valid)
    return rows.with_columns(columns)


def _tells_stops(fill: FillColumn) -> bool:
    return bool(fill.stops) and fill.label == fill.stops


def _filled_behind(times: Times, node: Fill) -> Positions:
    """How many buckets are filled behind the last row of a group, whose time is given, (n,)."""
    bounds = node.time_range
    last = np.full_like(times, bounds.start if node.descending else bounds.stop - 1)
    if _goes_down_without_end(node):
        return np.zeros(len(times), np.int64)
    last = bucket_starts(node.window, last)
    low, high = (last, times) if node.descending else (times, last)
    ordered = np.maximum(low, high)
    return bucket_numbers(node.window, low, ordered).astype(np.int64)


def where_seen(fill: FillColumn, node: Fill, stops: Array, present: Mask, region: Mask, grid: Grid) -> Array:
    """The stops that are left once buckets are filled, (n,), before the rows ahead of which they are seen.

    Those ahead of the first point of a group come before its first row; those ahead of others are taken by the buckets
    between, unless nothing says how far down these go.

    Args:
        stops: (n,) those before each point.
        present, region: (n,) where the column has a point, and where it has a row.
    """
    if not _tells_stops(fill):
        return stops
    points, rows = np.flatnonzero(present), np.flatnonzero(region)
    if node.descending:
        points, rows = points[::-1], rows[::-1]
    opening, seen = _opens(grid.first[points]), np.zeros_like(stops)
    seen[rows[_opens(grid.first[rows])]] = stops[points[opening]]
    if _goes_down_without_end(node):
        inner = np.flatnonzero(~opening)
        seen[points[inner - 1] - 1] = stops[points[inner]]
    return seen


def _opens(groups: Positions) -> Mask:
    """The rows at which another group begins, the first one included."""
    opens: Mask = np.ones(len(groups), np.bool_)
    opens[1:] = groups[1:] != groups[:-1]
    return opens


def _goes_down_without_end(node: Fill) -> bool:
    return node.descending and not node.time_range.has_start


def without_stops(rows: Batch, node: Fill) -> Batch:
    """Rows that come later than the first one of their group, so that there is no stop before them."""
    zeros = np.zeros(rows.rows, np.int64)
    told = {
        f.label: Column(DataType.INTEGER, zeros, rows.columns[f.label].valid) for f in node.columns if _tells_stops(f)
    }
    return rows.with_columns({**rows.columns, **told}) if told else rows


def hidden_from_lines(fill: FillColumn, node: Fill, rows: Batch, grid: Grid) -> Positions | None:
    """For each row (n,) how many buckets before it have no place on a straight line to it, as a stop was seen there.

    Every second one: the fill iterators look at two points for each such bucket, until there is no stop left.
    """
    if not fill.stops or _goes_down_without_end(node):
        return None
    column, hidden = rows.columns[fill.stops], np.zeros(len(grid.times), np.int64)
    hidden[grid.places] = np.where(column.mask, column.values, 0) // 2
    return hidden
