"""Functions whose result is computed from all values of a bucket: count, sum, mean …

Each declares its state and three kernels over segments; `registry` says what the kernels promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from influxish.batch import BATCH_ROWS, Positions
from influxish.functions.interruption import look
from influxish.functions.ordering import equal_values, extremes, order_statistics, tiled
from influxish.functions.registry import AggregateFunction, Arguments, Rows, State, always, register, same
from influxish.functions.segments import Segments
from influxish.functions.sorting import gather, reduce_pieces
from influxish.types import FIELD_TYPES, NUMERIC, Array, DataType, Times

_INT64, _FLOAT64 = np.dtype(np.int64), np.dtype(np.float64)
COUNT_DISTINCT_NAME = "count(distinct)"
"""What `count(distinct(v))` calls; nobody can type it as a name."""

_Columns = Mapping[str, Array]
_Merge = Callable[[_Columns, Segments, Arguments], State]


def _merging(**ufuncs: np.ufunc) -> _Merge:
    """A `merge` that reduces each column with a ufunc of its own."""

    def merge(columns: _Columns, segments: Segments, arguments: Arguments) -> State:
        return State({name: segments.reduce(ufunc, columns[name]) for name, ufunc in ufuncs.items()})

    return merge


def _count_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    return State({"count": segments.lengths})


COUNT = register(
    AggregateFunction(
        name="count",
        summary="How many values there are.",
        takes=FIELD_TYPES,
        returns=always(DataType.INTEGER),
        by_source=True,
        empty=0,
        final="sum",
        nested={"distinct": COUNT_DISTINCT_NAME},
        state=lambda type: {"count": _INT64},
        partial=_count_partial,
        merge=_merging(count=np.add),
        finish=lambda columns, segments, arguments, type: columns["count"],
    )
)


# A sum of floats must not depend on how the rows were cut. numpy adds the values of a segment in pairs of halves, for
# reduceat as for sum: over 1e7 values the relative error stays near 1e-16, where adding one by one leaves 1e-10.
# A test holds numpy to that. Sums of integers wrap around, as InfluxDB's do.
def _sum_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    return State({"sum": segments.reduce(np.add, rows.values)})


SUM = register(
    AggregateFunction(
        name="sum",
        summary="Sum of the values. Integers wrap around at 64 bits.",
        takes=NUMERIC,
        returns=same,
        by_source=True,
        state=lambda type: {"sum": type.dtype},
        partial=_sum_partial,
        merge=_merging(sum=np.add),
        finish=lambda columns, segments, arguments, type: columns["sum"],
    )
)


# What is added up in a series is of the type of its values; series, and shards, are added up as floats.
def _mean_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    return State({"sum": segments.reduce(np.add, rows.values).astype(np.float64), "count": segments.lengths})


def _mean_finish(columns: _Columns, segments: Segments, arguments: Arguments, type: DataType) -> Array:
    mean: Array = columns["sum"] / columns["count"]
    return mean


MEAN = register(
    AggregateFunction(
        name="mean",
        summary="Arithmetic mean of the values. The sum of a series wraps around for integers, as in `sum`.",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        by_source=True,
        state=lambda type: {"sum": _FLOAT64, "count": _INT64},
        partial=_mean_partial,
        merge=_merging(sum=np.add, count=np.add),
        finish=_mean_finish,
    )
)


def _spread_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    return State({"min": segments.reduce(np.minimum, rows.values), "max": segments.reduce(np.maximum, rows.values)})


SPREAD = register(
    AggregateFunction(
        name="spread",
        summary="The largest value less the smallest.",
        takes=NUMERIC,
        returns=same,
        state=lambda type: {"min": type.dtype, "max": type.dtype},
        partial=_spread_partial,
        merge=_merging(min=np.minimum, max=np.maximum),
        finish=lambda columns, segments, arguments, type: columns["max"] - columns["min"],
    )
)


# Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
# Variances", 1979. The mean is taken off before anything is squared, so values far from 0 keep their digits.
def _stddev_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    values = rows.values.astype(np.float64, copy=False)
    tiles = values if segments.tiling and segments.lengths.sum() == len(values) else values[segments.rows]
    mean = segments.reduce(np.add, values) / segments.lengths
    squares = np.square(tiles - np.repeat(mean, segments.lengths))
    starts = np.cumsum(segments.lengths) - segments.lengths
    m2 = Segments.from_starts(starts, len(squares)).reduce(np.add, squares)
    return State({"count": segments.lengths, "mean": mean, "m2": m2})


def _stddev_merge(columns: _Columns, segments: Segments, arguments: Arguments) -> State:
    counts, means = columns["count"], columns["mean"]
    count = segments.reduce(np.add, counts)
    mean = segments.reduce(np.add, counts * means) / count
    away = means - np.repeat(mean, segments.lengths)
    return State({"count": count, "mean": mean, "m2": segments.reduce(np.add, columns["m2"] + counts * away * away)})


def _stddev_finish(columns: _Columns, segments: Segments, arguments: Arguments, type: DataType) -> Array:
    freedom = columns["count"] - 1
    deviation = np.sqrt(columns["m2"] / np.maximum(freedom, 1))
    return np.where(freedom > 0, deviation, np.nan)


STDDEV = register(
    AggregateFunction(
        name="stddev",
        summary="Standard deviation of the sample (divided by n - 1); null for a single value.",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        state=lambda type: {"count": _INT64, "mean": _FLOAT64, "m2": _FLOAT64},
        partial=_stddev_partial,
        merge=_stddev_merge,
        finish=_stddev_finish,
    )
)


def _median_finish(columns: _Columns, segments: Segments, arguments: Arguments, type: DataType) -> Array:
    ranks = np.stack([(segments.lengths - 1) // 2, segments.lengths // 2])
    low, high = order_statistics(columns["value"], segments, ranks)
    apart = high - low  # of integers it wraps around, as InfluxDB's does
    middle: Array = low.astype(np.float64) + apart.astype(np.float64) / 2
    return middle


MEDIAN = register(
    AggregateFunction(
        name="median",
        summary="The middle value, exact; the mean of the two middle ones for an even count.",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        pushdown=False,  # its state is all the values
        state=lambda type: {"value": type.dtype},
        partial=lambda rows, segments, arguments: State({"value": rows.values[segments.rows]}, segments.lengths),
        merge=lambda columns, segments, arguments: State({"value": columns["value"]}, segments.lengths),
        finish=_median_finish,
    )
)


def _mode_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    rows, segments, _ = tiled(rows, segments)
    once = np.ones(len(rows.values), np.int64)
    return _mode_merge({"value": rows.values, "count": once, "first": rows.times, "last": rows.times}, segments, ())


def _mode_merge(columns: _Columns, segments: Segments, arguments: Arguments) -> State:
    equal = equal_values(columns["value"], segments)
    merged = {
        "value": gather(columns["value"], equal.order[equal.groups.starts]),
        "count": reduce_pieces(equal.groups, np.add, gather(columns["count"], equal.order)),
        "first": reduce_pieces(equal.groups, np.minimum, gather(columns["first"], equal.order)),
        "last": reduce_pieces(equal.groups, np.maximum, gather(columns["last"], equal.order)),
    }
    return State(merged, equal.counts)


def _mode_finish(columns: _Columns, segments: Segments, arguments: Arguments, type: DataType) -> Array:
    """The most frequent value of each segment.

    Values are tried in ascending order. One that occurs as often as the winner so far takes its place unless it
    begins after the winner's last point; of values that occur only once the smallest wins; of booleans true.

    Source: influxdata/influxdb 1.8, query/functions.go, FloatModeReduceSlice and its kin.
    """
    # States of several parts are merged by now, so each value stands once, ascending inside its segment.
    most, groups = extremes(columns["count"], segments, np.maximum)
    if type is DataType.BOOLEAN:
        return columns["value"][most[groups.stops - 1]]
    winners = most[groups.starts]
    often = np.flatnonzero(columns["count"][winners] > 1)
    rivals = Segments(groups.starts[often], groups.stops[often])
    winners[often] = most[_last_winner(columns["first"][most], columns["last"][most], rivals)]
    return columns["value"][winners]


def _mode_finish_backwards(columns: _Columns, segments: Segments, arguments: Arguments, type: DataType) -> Array:
    """The same where points come by falling time: a value begins with the last of its points, and ends with the first.

    That it begins after the winner's end is still said of the times: it does unless it lies before it as a whole.
    """
    turned = {**columns, "first": columns["last"], "last": columns["first"]}
    return _mode_finish(turned, segments, arguments, type)


FEW_SEGMENTS = 64
"""Below so many segments, walking one in Python takes less time than a numpy call over all."""


def _last_winner(first: Times, last: Times, groups: Segments) -> Positions:
    """Which of the rows of each segment is left when each takes the winner's place that begins before its end.

    Who wins depends on who won before, so rows are tried one after the other: the second of all segments at once,
    then the third … The rows are values that tie, not points.
    """
    winners = groups.starts.copy()
    active, step = np.flatnonzero(groups.lengths > 1), 1
    while len(active) >= FEW_SEGMENTS:
        rivals = groups.starts[active] + step
        winners[active] = np.where(first[rivals] <= last[winners[active]], rivals, winners[active])
        step += 1
        active = active[groups.lengths[active] > step]
    for segment in active.tolist():
        winner, start, stop = int(winners[segment]), int(groups.starts[segment]) + step, int(groups.stops[segment])
        end = int(last[winner])
        for low in range(start, stop, BATCH_ROWS):
            look()
            rows = slice(low, min(low + BATCH_ROWS, stop))
            for rival, (begins, ends) in enumerate(zip(first[rows].tolist(), last[rows].tolist(), strict=True), low):
                if begins <= end:
                    winner, end = rival, ends
        winners[segment] = winner
    return winners


_MODE = AggregateFunction(
    name="mode",
    summary="The most frequent value.",
    takes=FIELD_TYPES,
    returns=same,
    # Where a mode means something values repeat, and then counts are fewer than points; and shards sort at once.
    pushdown=True,
    state=lambda type: {"value": type.dtype, "count": _INT64, "first": _INT64, "last": _INT64},
    partial=_mode_partial,
    merge=_mode_merge,
    finish=_mode_finish,
)
MODE = register(replace(_MODE, backwards=replace(_MODE, finish=_mode_finish_backwards)))


def _distinct_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    rows, segments, _ = tiled(rows, segments)
    return _distinct_merge({"value": rows.values}, segments, ())


def _distinct_merge(columns: _Columns, segments: Segments, arguments: Arguments) -> State:
    equal = equal_values(columns["value"], segments)
    return State({"value": gather(columns["value"], equal.order[equal.groups.starts])}, equal.counts)


COUNT_DISTINCT = register(
    AggregateFunction(
        name=COUNT_DISTINCT_NAME,
        summary="How many different values there are.",
        takes=FIELD_TYPES,
        returns=always(DataType.INTEGER),
        empty=0,
        state=lambda type: {"value": type.dtype},
        partial=_distinct_partial,
        merge=_distinct_merge,
        finish=lambda columns, segments, arguments, type: segments.lengths,
    )
)
