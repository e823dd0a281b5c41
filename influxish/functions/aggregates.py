"""Functions whose result is computed from all values of a bucket: count, sum, mean …

Each declares its state and three kernels over segments; `registry` says what the kernels promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from influxish.functions.registry import AggregateFunction, Arguments, Rows, State, always, register, same
from influxish.functions.segments import Segments
from influxish.types import FIELD_TYPES, NUMERIC, Array, DataType

_INT64, _FLOAT64 = np.dtype(np.int64), np.dtype(np.float64)
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
        empty=0,
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
        state=lambda type: {"sum": type.dtype},
        partial=_sum_partial,
        merge=_merging(sum=np.add),
        finish=lambda columns, segments, arguments, type: columns["sum"],
    )
)


def _mean_partial(rows: Rows, segments: Segments, arguments: Arguments) -> State:
    return State({"sum": segments.reduce(np.add, rows.values), "count": segments.lengths})


def _mean_finish(columns: _Columns, segments: Segments, arguments: Arguments, type: DataType) -> Array:
    mean: Array = columns["sum"] / columns["count"]
    return mean


MEAN = register(
    AggregateFunction(
        name="mean",
        summary="Arithmetic mean of the values. The sum behind it wraps around for integers, as in `sum`.",
        takes=NUMERIC,
        returns=always(DataType.FLOAT),
        state=lambda type: {"sum": type.dtype, "count": _INT64},
        partial=_mean_partial,
        merge=_merging(sum=np.add, count=np.add),
        finish=_mean_finish,
    )
)
