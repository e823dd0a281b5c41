"""Functions of neighbours: derivative, difference, elapsed, moving_average, cumulative_sum.

Each walks along the rows of a group in the order of the answer. Source of the semantics: influxdata/influxdb 1.8,
query/functions.go. Averages that weigh all that came before are in `averages`, areas in `integral`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from influxish.batch import Positions
from influxish.functions.recurrence import places, running_sum, window_sum
from influxish.functions.registry import (
    BUCKET,
    Arguments,
    Course,
    Parameter,
    Rows,
    Walked,
    WalkFunction,
    always,
    register,
    same,
    whole_number,
)
from influxish.functions.segments import Segments
from influxish.types import FIELD_TYPES, NUMERIC, Array, DataType

_Walk = Callable[[Rows, Segments, Arguments, Course], Walked]
_DURATION = frozenset({DataType.DURATION})


def _steps(rows: Rows, segments: Segments) -> tuple[Positions, Positions]:
    """Rows and the row before each in its segment; of rows of one time only the first is there."""
    fresh = np.ones(len(rows.times), np.bool_)
    fresh[1:] = rows.times[1:] != rows.times[:-1]
    fresh[segments.starts] = True
    kept = np.flatnonzero(fresh)
    begins = np.zeros(len(rows.times), np.bool_)
    begins[segments.starts] = True
    inside = np.flatnonzero(~begins[kept])
    return kept[inside], kept[inside - 1]


def _derivative(*, negative: bool) -> _Walk:
    def walk(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
        row, before = _steps(rows, segments)
        rise = rows.values[row] - rows.values[before]
        elapsed = rows.times[row] - rows.times[before]
        slope = rise / ((-elapsed if course.descending else elapsed) / arguments[0])
        return _without_falls(row, slope, rise, negative)

    return walk


def _difference(*, negative: bool) -> _Walk:
    def walk(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
        row, before = _steps(rows, segments)
        rise = rows.values[row] - rows.values[before]
        return _without_falls(row, rise, rise, negative)

    return walk


def _without_falls(row: Positions, values: Array, rise: Array, negative: bool) -> Walked:
    if negative:
        return Walked(row, values)
    kept = ~(rise < 0)
    return Walked(row[kept], values[kept])


def unit_of_time(
    default: object, wrong_type: str = "second argument to {function} must be a duration, got {literal}"
) -> Parameter:
    """The parameter of a function that measures per unit of time."""
    too_small = "duration argument must be positive, got {value}"
    return Parameter("unit", _DURATION, default, minimum=1, wrong_type=wrong_type, too_small=too_small)


DERIVATIVE = register(
    WalkFunction(
        name="derivative",
        summary="Change from the point before, per unit of time (1 s; of an aggregate the width of a bucket).",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        parameters=(unit_of_time(BUCKET),),
        walk=_derivative(negative=True),
    )
)

NON_NEGATIVE_DERIVATIVE = register(
    WalkFunction(
        name="non_negative_derivative",
        kin="derivative",
        summary="As derivative, without the rows where the value falls: the rate of a counter that may be reset.",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        parameters=(unit_of_time(BUCKET),),
        walk=_derivative(negative=False),
    )
)

DIFFERENCE = register(
    WalkFunction(
        name="difference",
        summary="Change from the point before.",
        takes=NUMERIC,
        returns=same,
        walk=_difference(negative=True),
    )
)

NON_NEGATIVE_DIFFERENCE = register(
    WalkFunction(
        name="non_negative_difference",
        kin="difference",
        summary="As difference, without the rows where the value falls.",
        takes=NUMERIC,
        returns=same,
        walk=_difference(negative=False),
    )
)


def _elapsed(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
    row = np.flatnonzero(places(segments) > 0)
    elapsed = rows.times[row] - rows.times[row - 1]
    # Integer division of Go: towards zero.
    return Walked(row, np.sign(elapsed) * (np.abs(elapsed) // arguments[0]))


ELAPSED = register(
    WalkFunction(
        name="elapsed",
        summary="Time since the point before, in whole units (1 ns unless told otherwise).",
        takes=FIELD_TYPES,
        returns=always(DataType.INTEGER),
        parameters=(unit_of_time(1),),
        walk=_elapsed,
    )
)


def _cumulative_sum(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
    return Walked(segments.rows, running_sum(rows.values, segments))


CUMULATIVE_SUM = register(
    WalkFunction(
        name="cumulative_sum",
        summary="Sum of the values so far.",
        takes=NUMERIC,
        returns=same,
        walk=_cumulative_sum,
        looks_back=False,
    )
)


def _moving_average(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
    count = arguments[0]
    row = np.flatnonzero(places(segments) >= count - 1)
    return Walked(row, window_sum(rows.values, segments, count)[row] / count)


MOVING_AVERAGE = register(
    WalkFunction(
        name="moving_average",
        summary="Mean of the last N values.",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        parameters=(
            whole_number(
                "N",
                2,
                "second argument for {function} must be an integer, got {literal}",
                "{function} window must be greater than 1, got {value}",
            ),
        ),
        walk=_moving_average,
        reach=lambda arguments: int(arguments[0]),
    )
)
