"""Functions whose result is one or some of the rows themselves: min, first, percentile, top …

Rows come in any order of time: a batch may run backwards, and states of several shards are laid end to end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from influxish.batch import Positions
from influxish.functions.ordering import extremes, first_extreme, rising, tiled
from influxish.functions.registry import Arguments, Picked, Rows, SelectorFunction, Stamp, register, same
from influxish.functions.segments import Segments
from influxish.types import FIELD_TYPES, NUMERIC, DataType

_Keep = Callable[[Rows, Segments, Arguments], Picked]


def _one_row(choose: Callable[[Rows, Segments], Positions]) -> _Keep:
    """`keep` from a function that picks exactly one row of every segment, given segments that tile the rows."""

    def keep(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
        rows, segments, positions = tiled(rows, segments)
        chosen = choose(rows, segments) if len(segments) else segments.starts
        return Picked(chosen if positions is None else positions[chosen])

    return keep


# Of equal values the earliest point is taken. NaN, which only arithmetic in a subquery can make, never beats a number.
MIN = register(
    SelectorFunction(
        name="min",
        summary="The smallest value; of equal ones the earliest.",
        takes=NUMERIC | {DataType.BOOLEAN},
        returns=same,
        stamp=Stamp.POINT_ALONE,
        keep=_one_row(lambda rows, segments: first_extreme(rows.values, rows.times, segments, np.minimum)),
    )
)

MAX = register(
    SelectorFunction(
        name="max",
        summary="The largest value; of equal ones the earliest.",
        takes=NUMERIC | {DataType.BOOLEAN},
        returns=same,
        stamp=Stamp.POINT_ALONE,
        keep=_one_row(lambda rows, segments: first_extreme(rows.values, rows.times, segments, np.maximum)),
    )
)


def _at_time(rows: Rows, segments: Segments, ufunc: np.ufunc) -> Positions:
    """The row at the extreme time; points of several series at one time: that of the largest value.

    Source: influxdata/influxdb 1.8, query/call_iterator.go, FloatFirstReduce and FloatLastReduce.
    """
    if rising(rows.times, segments):
        return segments.starts if ufunc is np.minimum else segments.stops - 1
    found, groups = extremes(rows.times, segments, ufunc)
    if len(found) > len(segments):
        largest, groups = extremes(rows.values[found], groups, np.maximum)
        found = found[largest]
    return found[groups.starts]


FIRST = register(
    SelectorFunction(
        name="first",
        summary="The value with the earliest time; of several at that time the largest.",
        takes=FIELD_TYPES,
        returns=same,
        stamp=Stamp.POINT_ALONE,
        keep=_one_row(lambda rows, segments: _at_time(rows, segments, np.minimum)),
    )
)

LAST = register(
    SelectorFunction(
        name="last",
        summary="The value with the latest time; of several at that time the largest.",
        takes=FIELD_TYPES,
        returns=same,
        stamp=Stamp.POINT_ALONE,
        keep=_one_row(lambda rows, segments: _at_time(rows, segments, np.maximum)),
    )
)
