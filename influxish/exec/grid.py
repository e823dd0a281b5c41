"""Every bucket of every group: the grid that empty buckets are filled on. What stands in them is not decided here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from influxish.batch import Batch, Mask, Positions
from influxish.functions.windows import bucket_grid, bucket_numbers, into_buckets
from influxish.types import TimeRange, Times, Window


@dataclass(frozen=True, eq=False)
class Grid:
    """Every (group, bucket) of some groups, groups and times ascending.

    Attributes:
        groups: (n,) group ids.
        times: (n,) bucket starts, ns.
        first: (n,) row number at which the row's group begins.
        places: (r,) where each row of the input stands.
        extra: (n,) bool: rows for points beyond the time range, where nothing is filled; None: there are none.
    """

    groups: Positions
    times: Times
    first: Positions
    places: Positions
    extra: Mask | None = None


@dataclass(frozen=True, eq=False)
class _Groups:
    """The groups of some rows: their ids (g,), their rows [starts, stops), and the group (r,) that each row is of."""

    ids: Positions
    starts: Positions
    stops: Positions
    which: Positions


def lay_grid(window: Window, rows: Batch, first: Times, last: int) -> Grid:
    """The grid for rows of some groups.

    Args:
        window: the buckets.
        rows: sorted by group and time, one for each (group, bucket).
        first: (g,) ns, the first bucket of each group.
        last: ns, the last bucket of all.
    """
    ids = rows.row_groups
    starts = np.flatnonzero(np.diff(ids, prepend=-1))
    which = np.cumsum(np.diff(ids, prepend=ids[0]) != 0)
    groups = _Groups(ids[starts], starts, np.append(starts[1:], len(ids)), which)
    # A subquery may answer buckets that begin before the time range around it.
    outside = bool(((rows.times < first[which]) | (rows.times > last)).any())
    if window.zone or outside:
        return _listed(window, rows, groups, first, last, outside=outside)
    return _computed(window, rows, groups, first, last)


def _computed(window: Window, rows: Batch, groups: _Groups, first: Times, last: int) -> Grid:
    """The grid where all buckets are of one length: by arithmetic, for all groups at once."""
    numbers = bucket_numbers(window, first, np.full_like(first, last))
    lengths = np.where(first <= last, numbers + 1, 0).astype(np.int64)
    begins = _begins(lengths)
    step = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(begins, lengths)
    # The products may wrap around int64, and the edge before the beginning of time does: the sums wrap back.
    edges = first - into_buckets(first, window.every, window.first % window.every)
    times = np.repeat(edges, lengths) + step * window.every
    times[begins[lengths > 0]] = first[lengths > 0]
    places = begins[groups.which] + bucket_numbers(window, first[groups.which], rows.times).astype(np.int64)
    return Grid(np.repeat(groups.ids, lengths), times, np.repeat(begins, lengths), places)


def _listed(window: Window, rows: Batch, groups: _Groups, first: Times, last: int, *, outside: bool) -> Grid:
    """The grid of a zone's clock, or with rows that stand beside it: edge by edge, one group after the other."""
    grids = [bucket_grid(window, TimeRange(int(start), last + 1)) for start in first]
    own = [rows.times[start:stop] for start, stop in zip(groups.starts, groups.stops, strict=True)]
    extra = None
    if outside:
        joined = [_with_times(grid, times) for grid, times in zip(grids, own, strict=True)]
        grids, extra = [grid for grid, _ in joined], np.concatenate([added for _, added in joined])
    lengths = np.array([len(grid) for grid in grids], np.int64)
    begins = _begins(lengths)
    found = [begin + np.searchsorted(grid, times) for begin, grid, times in zip(begins, grids, own, strict=True)]
    return Grid(
        np.repeat(groups.ids, lengths),
        np.concatenate(grids),
        np.repeat(begins, lengths),
        np.concatenate(found),
        extra,
    )


def _begins(lengths: Positions) -> Positions:
    """The row number at which each group begins."""
    return np.concatenate([[0], np.cumsum(lengths)[:-1]])


def _with_times(grid: Times, times: Times) -> tuple[Times, Mask]:
    """The ascending times of both, each once, and which of them are not of the grid."""
    places = np.searchsorted(grid, times)
    missing = np.append(grid, [np.iinfo(np.int64).max])[places] != times
    places = places[missing]
    joined = np.insert(grid, places, times[missing])
    added = np.zeros(len(joined), np.bool_)
    added[places + np.arange(len(places))] = True
    return joined, added
