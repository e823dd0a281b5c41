"""holt_winters: what comes next, from level, trend and season of what was.

Here is what goes into the model, `smoothing`, and what comes out of it; source: influxdata/influxdb 1.8,
query/functions.go, HoltWintersReducer.
"""

from __future__ import annotations

import numpy as np

from influxish.errors import ExecutionError
from influxish.functions.interruption import look
from influxish.functions.registry import (
    Arguments,
    Course,
    Rows,
    Walked,
    WalkFunction,
    always,
    register,
    whole_number,
)
from influxish.functions.segments import Segments
from influxish.functions.smoothing import Model
from influxish.types import NUMERIC, Array, DataType, Times

MOST_STEPS = 1_000_000
"""Each of some hundred rounds goes through all of them one by one."""


def _evenly(times: Times, values: Array, every: int, ahead: int) -> Array:
    """The values at steps of `every`, NaN where there is none; of several at one step the first.

    Raises:
        ExecutionError: more than `MOST_STEPS` of them, and of those `ahead`.
    """
    rounded = np.array([_nearest(time, every) for time in times.tolist()])
    later = np.flatnonzero(rounded > np.maximum.accumulate(np.append(rounded[0], rounded[:-1])))
    steps = (rounded[later] - rounded[0]) // every
    count = int(steps[-1]) + 1 if len(steps) else 1
    if count + ahead > MOST_STEPS:
        message = f"holt_winters() is made of at most {MOST_STEPS:,} steps, this range has {count:,}"
        raise ExecutionError(f"{message} and {ahead:,} are to come: group by longer buckets, or ask for less")
    series = np.full(count, np.nan)
    series[0] = values[0]
    series[steps] = values[later]
    return series


def _nearest(time: int, every: int) -> int:
    """The multiple of `every` that a time is nearest to, as Go divides: towards zero."""
    rest = abs(time) % every * (1 if time >= 0 else -1)
    return time + every - rest if rest > every // 2 else time - rest


def _forecast(times: Times, values: Array, arguments: Arguments, every: int, *, with_fit: bool) -> tuple[Times, Array]:
    """Times and values of the answer of one group, both empty if there is nothing to go by."""
    steps, season = arguments
    count = (_nearest(int(times[-1]), every) - _nearest(int(times[0]), every)) // every if len(times) > 1 else 0
    if (season > 1 and len(times) < season) or steps <= 0 or count <= 0:
        return times[:0], np.zeros(0)
    model = Model(_evenly(times, values, every, steps), season)
    with np.errstate(all="ignore"):
        found = model.forecast(model.best(), steps)[:, 0]
    first = int(times[0])
    if not with_fit:
        found, first = found[len(model.series) :], int(times[-1]) + every
    real = np.flatnonzero(~np.isnan(found))
    return first + every * real, found[real]


def _walk(*, with_fit: bool) -> WalkFunction:
    def walk(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
        assert course.window is not None
        every = course.window.every
        positions, values, times = [segments.starts[:0]], [np.zeros(0)], [segments.starts[:0]]
        for start, stop in zip(segments.starts.tolist(), segments.stops.tolist(), strict=True):
            look()
            known = start + np.flatnonzero(~np.isnan(rows.values[start:stop].astype(np.float64)))
            own, found = _forecast(rows.times[known], rows.values[known], arguments, every, with_fit=with_fit)
            if course.alone and not start and not len(found):  # none in the first group is taken for none at all
                break
            positions.append(np.full(len(found), start))
            values.append(found)
            times.append(own)
        return Walked(np.concatenate(positions), np.concatenate(values), np.concatenate(times).astype(np.int64))

    return register(
        WalkFunction(
            name="holt_winters_with_fit" if with_fit else "holt_winters",
            summary="The values that come next"
            + (", after the model's own of those that there are" if with_fit else "")
            + ", by exponential smoothing of level, trend and season.",
            takes=NUMERIC,
            returns=always(DataType.FLOAT),
            parameters=(
                whole_number(
                    "N",
                    1,
                    "expected integer argument as second arg in {function}",
                    "second arg to {function} must be greater than 0, got {value}",
                ),
                whole_number(
                    "season",
                    0,
                    "expected integer argument as third arg in {function}",
                    "third arg to {function} cannot be negative, got {value}",
                ),
            ),
            walk=walk,
            looks_back=False,
            reach=lambda arguments: 0,
            of_aggregates="must",
            kin="elapsed",
        )
    )


HOLT_WINTERS = _walk(with_fit=False)
HOLT_WINTERS_WITH_FIT = _walk(with_fit=True)
