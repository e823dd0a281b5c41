"""How a function is declared, and the one place where all of them are found by name.

The type check, the optimizer, the executor and the docs read these records; none of them names a function. The
kernels themselves are in `aggregates`, `selectors`, `walks`, `averages`, `forecast` and `maths`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

import numpy as np

from influxish.batch import Positions
from influxish.functions.segments import Segments
from influxish.types import ALL_TIME, Array, DataType, TimeRange, Times, Window


@dataclass(frozen=True, eq=False)
class Rows:
    """What a kernel is handed: rows of one column, those without a value already dropped.

    Attributes:
        type: of the column.
        values: (n,), dtype `type.dtype`.
        times: (n,) int64 ns.
        keys: further columns that the function ranks or groups by (the tags of `top(v, tag, 3)`), (n,) object arrays
            with "" for a missing value.
    """

    type: DataType
    values: Array
    times: Times
    keys: tuple[Array, ...] = ()


@dataclass(frozen=True, eq=False)
class State:
    """Partial results: named columns of r rows, some number of them for each of m segments.

    Attributes:
        columns: name → (r,), segment by segment.
        counts: (m,) rows of each segment (0 is allowed), or None when each has exactly one.
    """

    columns: Mapping[str, Array]
    counts: Positions | None = None


@dataclass(frozen=True, eq=False)
class Picked:
    """Rows chosen by a selector.

    Attributes:
        positions: (r,) row numbers, segment by segment, in the order in which they are answered.
        counts: (m,) how many of each segment (0 is allowed), or None when each has exactly one.
    """

    positions: Positions
    counts: Positions | None = None


Arguments = tuple[Any, ...]
"""The constant arguments of a call, after the column: int, float or str, in the order of `parameters`."""


REQUIRED: Any = ...
"""The `default` of a parameter that may not be left out."""


BUCKET: Any = "bucket"
"""The `default` of a duration that is the width of a bucket; one second where there are no buckets."""


@dataclass(frozen=True)
class Parameter:
    """A constant argument after the column.

    Attributes:
        name: for the docs.
        types: what a literal may be; INTEGER is also accepted where FLOAT is.
        default: the value when it is left out, or REQUIRED, or BUCKET.
        minimum: the smallest value allowed, or None.
        choices: all values allowed, or () for no such list.
        wrong_type, too_small, wrong_choice: what is said of a value that is refused, in the words of InfluxDB.
            `{function}`, `{value}` and `{literal}` (the class of the literal) stand for what they name.
    """

    name: str
    types: frozenset[DataType]
    default: Any = REQUIRED
    minimum: int | None = None
    choices: tuple[str, ...] = ()
    wrong_type: str = ""
    too_small: str = ""
    wrong_choice: str = ""


def whole_number(name: str, minimum: int, wrong_type: str, too_small: str, default: object = REQUIRED) -> Parameter:
    """A parameter that takes integers from `minimum` on."""
    integer = frozenset({DataType.INTEGER})
    return Parameter(name, integer, default, minimum=minimum, wrong_type=wrong_type, too_small=too_small)


class Stamp(Enum):
    """The time a row of the result carries."""

    BUCKET = "bucket"  # start of the bucket; without buckets the lower bound of the query, or epoch 0
    POINT_ALONE = "point alone"  # time of the selected point if it is the only call and there are no buckets
    POINT = "point"  # time of the selected point, always


@dataclass(frozen=True, eq=False, kw_only=True)
class Function:
    """What all functions declare.

    Attributes:
        name: lower case, as in InfluxQL.
        summary: one sentence for the docs.
        takes: types of the column argument.
        returns: type of the result, from that of the argument.
        parameters: constant arguments after the column.
        kin: name of the function under which InfluxDB refuses a type, if it is another one.
    """

    name: str
    summary: str
    takes: frozenset[DataType]
    returns: Callable[[DataType], DataType]
    parameters: tuple[Parameter, ...] = ()
    kin: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupFunction(Function):
    """A function that turns the rows of each (group, bucket) into one row or a few.

    Attributes:
        stamp: the time of a result row.
        single_row: at most one row per (group, bucket); False for top, bottom, distinct.
        fillable: whether empty buckets are filled by `fill()`.
        empty: what `fill(null)` puts into an empty bucket.
        edge: "first" or "last" where the answer is the row at that end of the time range; "" elsewhere.
        final: what merging partial states amounts to, for the picture of the graph: partial counts are summed. ""
            when it is the function itself.
        pushdown: whether computing partial states where the data is ships less than the rows themselves.
        alone: no other call, field or tag may be selected beside it.
        nested: name of a function whose call may stand as the argument → name of the function the two are together.
        by_source: InfluxDB calls it on each source of FROM by itself, and then on what comes of them. A subquery that
            lacks the column counts as floats; where it is the first source, results of another type are dropped.
            Source: influxdata/influxdb 1.6, callIterator in query/select.go, Iterators.coerce in query/iterator.go.
        backwards: what is called in its place where time runs backwards; None: itself.
    """

    stamp: Stamp = Stamp.BUCKET
    single_row: bool = True
    fillable: bool = True
    empty: Any = None
    edge: str = ""
    final: str = ""
    pushdown: bool = True
    alone: bool = False
    nested: Mapping[str, str] = field(default_factory=dict)
    by_source: bool = False
    backwards: GroupFunction | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class AggregateFunction(GroupFunction):
    """A function whose result is computed: count, mean, stddev …

    The three kernels only ever see segments that hold at least one row. `merge` is associative, commutative up to
    what the function leaves undefined, and merging the partials of any cut of the rows equals the partial of the whole.

    Attributes:
        state: names of the state's columns, with their dtypes given the argument's type.
        partial: (rows, segments, arguments) → state.
        merge: (columns of states laid end to end per segment, segments over those rows, arguments) → state.
        finish: (columns, segments, arguments, argument type) → (m,) values of type `returns(argument type)`; NaN is
            a value that prints as null.
    """

    state: Callable[[DataType], Mapping[str, np.dtype[Any]]]
    partial: Callable[[Rows, Segments, Arguments], State]
    merge: Callable[[Mapping[str, Array], Segments, Arguments], State]
    finish: Callable[[Mapping[str, Array], Segments, Arguments, DataType], Array]


@dataclass(frozen=True, eq=False, kw_only=True)
class SelectorFunction(GroupFunction):
    """A function whose result is some of the rows themselves: min, first, percentile, top …

    The state is rows. `keep` throws away what can no longer win; keeping again over rows kept from any cut of the
    input keeps the same. `pick` chooses the answer from what was kept; it is `keep` itself unless declared.

    Attributes:
        keep: (rows, segments, arguments) → positions.
        pick: (rows, segments, arguments) → positions, or None for `keep`.
        takes_keys: whether tag or field names may stand between the column and the parameters: top(v, host, 3).
        best_of_keys: the function by which InfluxDB first takes the best of each combination of such names, in each
            source by itself.
        stops: whether its stream stops at a bucket that has rows of which none is picked; at most one is. What comes
            of that is in `exec/interleave.py`.
    """

    keep: Callable[[Rows, Segments, Arguments], Picked]
    pick: Callable[[Rows, Segments, Arguments], Picked] | None = None
    takes_keys: bool = False
    best_of_keys: str = ""
    stops: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class MathFunction(Function):
    """A function that works value by value.

    Attributes:
        arguments: how many value arguments (columns or constants) it takes: (least, most).
        kernel: (n,) arrays, one per argument, already of the type named by `computes` → (n,) of the type `returns`.
        computes: type the arguments are converted to, from the type of the first.
    """

    arguments: tuple[int, int] = (1, 1)
    kernel: Callable[..., Array]
    computes: Callable[[DataType], DataType] = field(default=lambda type: type)


@dataclass(frozen=True, eq=False)
class Course:
    """How rows are walked along.

    Attributes:
        descending: times fall.
        window: the buckets of the query, or None.
        time_range: the times of the query.
        alone: it is the only call that is selected, and by no subquery.
    """

    descending: bool = False
    window: Window | None = None
    time_range: TimeRange = ALL_TIME
    alone: bool = False


@dataclass(frozen=True, eq=False)
class Walked:
    """What a walk gives.

    Attributes:
        positions: (r,) rows of the input, ascending: the groups that the results are of.
        values: (r,).
        times: (r,) int64 ns, or None where each result has the time of its row.
    """

    positions: Positions
    values: Array
    times: Times | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class WalkFunction(Function):
    """A function that walks along the rows of each group in order: derivative, moving_average, integral …

    Attributes:
        walk: (rows, segments, arguments, course) → results. Segments tile the rows: one for each group, times in order.
        looks_back: whether an aggregate that it is called on is made for one bucket before the time range as well.
        reach: how many buckets before the time range a query that calls it reads, from the arguments.
        of_aggregates: "may" be called on the result of an aggregate, "must" be, or "never" is.
    """

    walk: Callable[[Rows, Segments, Arguments, Course], Walked]
    looks_back: bool = True
    reach: Callable[[Arguments], int] = field(default=lambda arguments: 1)
    of_aggregates: str = "may"


FunctionT = TypeVar("FunctionT", bound=Function)

FUNCTIONS: dict[str, Function] = {}
"""Every function by its InfluxQL name, in order of declaration."""


def register(function: FunctionT) -> FunctionT:
    """Enter a declaration. Raises ValueError for a name that is taken."""
    if function.name in FUNCTIONS:
        raise ValueError(f"function {function.name} is declared twice")
    FUNCTIONS[function.name] = function
    return function


def same(type: DataType) -> DataType:
    """`returns` of functions that keep the type."""
    return type


def always(result: DataType) -> Callable[[DataType], DataType]:
    """`returns` of functions with one result type."""
    return lambda _: result
