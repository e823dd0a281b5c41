"""integral(): the area under the straight lines between points, cut where buckets end.

It follows InfluxDB's stream of points to the letter, also in what is odd about it. Source: influxdata/influxdb 1.6,
FloatIntegralReducer and IntegerIntegralReducer of query/functions.go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from influxish.batch import Mask, Positions
from influxish.functions.recurrence import running_sum
from influxish.functions.registry import Arguments, Course, Rows, Walked, WalkFunction, always, register
from influxish.functions.segments import Segments
from influxish.functions.walks import unit_of_time
from influxish.functions.windows import bucket_starts, bucket_stops
from influxish.types import NUMERIC, SECOND, Array, DataType, Times


@dataclass(frozen=True, eq=False)
class _Points:
    """The points, those of one group and time as one: lines lead to the first of them, and away from the last.

    Attributes:
        rows: (n,) row of the first.
        groups: (n,) which group.
        times: (n,) ns.
        first, last: (n,) float64 values.
    """

    rows: Positions
    groups: Positions
    times: Times
    first: Array
    last: Array


def _integral(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
    """An area for each bucket that points lead to: it begins with the rest of the line that came in from the last one.

    Backwards, a point at the start of a bucket ends it, and then begins it anew, without an area. Of integers the rest
    of a cut line is counted as wide as its other part was high.
    """
    points = _points(rows, segments)
    opens, closes, crosses = _buckets(rows, points, course)
    area = _areas(points, closes, crosses, arguments[0], whole=rows.type is not DataType.FLOAT)
    buckets = Segments.of_keys([points.groups, np.cumsum(crosses)])
    pieces = Segments(2 * buckets.starts, 2 * buckets.stops)
    areas = running_sum(area, pieces)[pieces.stops - 1]
    last = buckets.stops - 1
    ending = np.append(points.groups[1:] != points.groups[:-1], True)[last]
    # A last point at the very beginning of its bucket has no area there.
    real = np.flatnonzero(~(ending & (points.times[last] == opens[last])))
    starts = buckets.starts[real]
    return Walked(points.rows[starts], areas[real], opens[starts])


def _points(rows: Rows, segments: Segments) -> _Points:
    groups = segments.ids
    fresh = np.ones(len(rows.times), np.bool_)
    fresh[1:] = (rows.times[1:] != rows.times[:-1]) | (groups[1:] != groups[:-1])
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(fresh)) - 1
    values = rows.values.astype(np.float64)
    return _Points(first, groups[first], rows.times[first], values[first], values[last])


def _buckets(rows: Rows, points: _Points, course: Course) -> tuple[Times, Times, Mask]:
    """Where the bucket of each point begins and ends in the course of time, and the points that end the one before."""
    times = points.times
    if course.window is not None:
        starts = bucket_starts(course.window, times)
        bounds = starts, bucket_stops(course.window, starts)
    elif rows.type is DataType.FLOAT:
        never = np.zeros(len(times), np.int64)
        return never, never, np.zeros(len(times), np.bool_)
    else:  # all of time is a bucket, though not of floats; it begins in 1970 unless told otherwise
        start = course.time_range.start if course.time_range.has_start or course.descending else 0
        bounds = np.full_like(times, start), np.full_like(times, course.time_range.stop)
    opens, closes = reversed(bounds) if course.descending else bounds
    crosses = np.zeros(len(times), np.bool_)
    crosses[1:] = times[1:] <= closes[:-1] if course.descending else times[1:] >= closes[:-1]
    crosses[1:] &= points.groups[1:] == points.groups[:-1]
    return opens, closes, crosses


def _areas(points: _Points, closes: Times, crosses: Mask, unit: int, *, whole: bool) -> Array:
    """(2 n,) for each point the area that leads to it in its bucket, and the one after it up to the bucket's end."""
    area = np.zeros(2 * len(points.times))
    row = np.flatnonzero(points.groups[1:] == points.groups[:-1]) + 1
    before = row - 1
    start, stop = points.times[before], points.times[row]
    low, high = points.last[before], points.first[row]
    cut = crosses[row] & (start != closes[before])
    middle = np.where(cut, closes[before], start)
    slope = (high - low) / (stop - start).astype(np.float64)
    value = slope * (middle - start).astype(np.float64) + low
    area[2 * before + 1] = 0.5 * (value + low) * ((middle - start) / unit) * cut
    left, right = (np.where(cut, value, high), low) if whole else (high, np.where(cut, value, low))
    area[2 * row] = 0.5 * (left + right) * ((stop - middle) / unit)
    return area


INTEGRAL = register(
    WalkFunction(
        name="integral",
        summary="Area under the straight lines between the points, in units of time (1 s unless told otherwise).",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        parameters=(unit_of_time(SECOND, "second argument must be a duration"),),
        walk=_integral,
        looks_back=False,
        reach=lambda arguments: 0,
        of_aggregates="never",
    )
)
