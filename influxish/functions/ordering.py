"""Rank and equality inside segments: extremes, order statistics, groups of equal values.

The numpy that selectors, median, mode and distinct have in common. It names no function. Everything here takes
segments that tile the rows from first to last; `tiled` makes such segments from any others.
"""

from __future__ import annotations

import numpy as np

from influxish.batch import Positions
from influxish.functions.registry import Rows
from influxish.functions.segments import Segments
from influxish.types import Array, Times

CHUNK_VALUES = 1 << 18
"""Values sorted at a time when many segments of one length are sorted together: small enough to stay in cache."""


def tiled(rows: Rows, segments: Segments) -> tuple[Rows, Segments, Positions | None]:
    """The same segments as ones that tile their rows.

    Returns:
        rows, segments, and (n,) where each row stood before, or None if nothing had to move.
    """
    size = len(rows.values)
    if not len(segments):
        return rows if not size else take(rows, segments.starts), segments, None
    if segments.tiling and segments.starts[0] == 0 and segments.stops[-1] == size:
        return rows, segments, None
    positions = segments.rows
    starts = np.cumsum(segments.lengths) - segments.lengths
    return take(rows, positions), Segments.from_starts(starts, len(positions)), positions


def take(rows: Rows, positions: Positions) -> Rows:
    """The rows at `positions`."""
    keys = tuple(key[positions] for key in rows.keys)
    return Rows(rows.type, rows.values[positions], rows.times[positions], keys)


def extremes(values: Array, segments: Segments, ufunc: np.ufunc) -> tuple[Positions, Segments]:
    """Every row that holds the extreme value of its segment.

    Args:
        values: (n,).
        segments: m of them, tiling the n rows.
        ufunc: minimum or maximum. NaN is the extreme only of a segment that holds nothing else.
    Returns:
        (r,) row numbers, ascending, and the m segments they form.
    """
    floating = values.dtype.kind == "f"
    best = segments.reduce(_SKIPPING_NAN[ufunc] if floating else ufunc, values)
    hit = values == np.repeat(best, segments.lengths)
    if floating and (lost := np.isnan(best)).any():
        hit |= np.repeat(lost, segments.lengths)
    found = np.flatnonzero(hit)
    return found, Segments.from_starts(np.searchsorted(found, segments.starts), len(found))


_SKIPPING_NAN: dict[np.ufunc, np.ufunc] = {np.minimum: np.fmin, np.maximum: np.fmax}


def first_extreme(values: Array, times: Times, segments: Segments, ufunc: np.ufunc) -> Positions:
    """(m,) of the rows that hold the extreme value of each segment, the earliest; the first row among equal times."""
    found, groups = extremes(values, segments, ufunc)
    if len(found) > len(segments):
        earliest, groups = extremes(times[found], groups, np.minimum)
        found = found[earliest]
    return found[groups.starts]


def rising(times: Times, segments: Segments) -> bool:
    """Whether times ascend strictly inside each segment."""
    steps = times[1:] > times[:-1]
    steps[segments.starts[1:] - 1] = True
    return bool(steps.all())
