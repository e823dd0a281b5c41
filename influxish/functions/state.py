"""Calls of group functions carried out on batches: rows → partial states → merged states → rows.

One road for all functions, walked by the executor and by storage alike; what differs is in the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from influxish.batch import Batch, Column, GroupTable, Positions
from influxish.functions.interruption import look
from influxish.functions.registry import (
    AggregateFunction,
    Arguments,
    GroupFunction,
    Picked,
    Rows,
    SelectorFunction,
    State,
)
from influxish.functions.segments import Bucketed, Segments, ascending, split_runs
from influxish.functions.sorting import gather, gather_column, segment_pieces, sort_order
from influxish.types import DataType, Times, Window

_quietly = np.errstate(over="ignore", invalid="ignore")
"""Sums may overflow, and infinities meet: the answers are what floats say they are."""

_Pick = Callable[[Rows, Segments, Arguments], Picked]


@dataclass(frozen=True, slots=True)
class GroupCall:
    """One call of a group function, with everything that decides its result.

    Attributes:
        function: the declaration.
        argument: label of the column it reads.
        type: of that column.
        arguments: the constants, complete with defaults.
        keys: labels of the tag or field columns among the arguments (`top(v, host, 3)`).
        beside: labels of columns delivered from the selected rows: (label read, label written, type).
        label: of the result column.
        stops: label of the column that tells how often its stream stops before each row; "" without.
    """

    function: GroupFunction
    argument: str
    type: DataType
    arguments: Arguments = ()
    keys: tuple[str, ...] = ()
    beside: tuple[tuple[str, str, DataType], ...] = ()
    label: str = ""
    stops: str = ""

    @property
    def result(self) -> DataType:
        return self.function.returns(self.type)

    @property
    def reads(self) -> tuple[str, ...]:
        """Labels of all columns it needs."""
        return (self.argument, *self.keys, *(label for label, _, _ in self.beside))

    @property
    def outputs(self) -> dict[str, DataType]:
        """Labels and types of the columns it makes."""
        stops = {self.stops: DataType.INTEGER} if self.stops else {}
        return {self.label: self.result, **{written: type for _, written, type in self.beside}, **stops}


@dataclass(frozen=True, eq=False)
class StateTable:
    """Partial states of one call, keyed by (group, bucket); a key may have several rows.

    Attributes:
        groups: (r,) ids into the batch's group table.
        buckets: (r,) int64 ns, start of the bucket; 0 without a window.
        columns: the state. Those of a selector are `value`, `time`, `key.N`, the `beside` labels and, if there are
            any of these, `rank`: which of several points of one value and time is meant decides what stands beside.
    """

    groups: Positions
    buckets: Times
    columns: Mapping[str, Column]

    @cached_property
    def nbytes(self) -> int:
        return self.groups.nbytes + self.buckets.nbytes + sum(column.nbytes for column in self.columns.values())


@dataclass(frozen=True, eq=False)
class StateBatch:
    """Partial states of several calls under one group table: what a shard ships, and what a cache would keep."""

    groups: GroupTable
    tables: tuple[StateTable, ...]

    @property
    def rows(self) -> int:
        return max((len(table.groups) for table in self.tables), default=0)

    @property
    def nbytes(self) -> int:
        return sum(table.nbytes for table in self.tables)


@dataclass(frozen=True, eq=False)
class Finished:
    """Results of one call, sorted by (group, bucket).

    Attributes:
        groups, buckets: (r,) as in `StateTable`.
        times: (r,) int64 ns of the selected points, or None where a function selects none.
        columns: the call's output labels → (r,).
    """

    groups: Positions
    buckets: Times
    times: Times | None
    columns: Mapping[str, Column]


@_quietly
def partial_states(
    calls: Sequence[GroupCall], batch: Batch, window: Window | None, *, descending: bool = False
) -> StateBatch:
    """Partial states of every call over one batch of rows.

    Args:
        window: the buckets, None for one that takes all.
        descending: of points that are alike that of the last series is selected, not that of the first.
    """
    cut = split_runs(batch.times, batch.run_offsets, window)
    states = []
    for call in calls:
        # Over all of time the server reads each series from the end that the function asks for.
        last_series = call.function.edge == "last" if window is None and call.function.edge else descending
        states.append(_partial(call, batch, cut, last_series=last_series))
    return StateBatch(batch.groups, tuple(states))


def _partial(call: GroupCall, batch: Batch, cut: Bucketed, *, last_series: bool) -> StateTable:
    column, segments, runs, buckets = batch.columns[call.argument], cut.segments, cut.runs, cut.buckets
    present = None
    if column.valid is not None and not column.valid.all():
        present = np.flatnonzero(column.valid)
        segments, kept = segments.where(column.valid)
        runs, buckets = runs[kept], buckets[kept]

    def rows_of(label: str) -> Column:
        return batch.columns[label] if present is None else batch.columns[label].take(present)

    times = batch.times if present is None else batch.times[present]
    columns = {"value": rows_of(call.argument), "time": Column(DataType.TIME, times)}
    columns |= {f"key.{i}": rows_of(label) for i, label in enumerate(call.keys)}
    columns |= {written: rows_of(label) for label, written, _ in call.beside}
    if call.beside:
        ranks = batch.row_ranks if present is None else batch.row_ranks[present]
        columns["rank"] = Column(DataType.INTEGER, -ranks if last_series else ranks)
    if isinstance(call.function, SelectorFunction):
        picked = call.function.keep(_rows(call, columns), segments, call.arguments)
        return _gather(picked, columns, batch.run_groups[runs], buckets)
    assert isinstance(call.function, AggregateFunction)
    rows = Rows(call.type, columns["value"].values, times)
    state = call.function.partial(rows, segments, call.arguments)
    return _keyed(call, state, batch.run_groups[runs], buckets)


@_quietly
def merge_states(call: GroupCall, tables: Sequence[StateTable]) -> StateTable:
    """One table, sorted by (group, bucket), from several under the same group table. Needs at least one."""
    groups = np.concatenate([table.groups for table in tables])
    look()
    buckets = np.concatenate([table.buckets for table in tables])
    columns = {}
    for name in tables[0].columns:
        look()
        columns[name] = Column.concat([table.columns[name] for table in tables])
    keys = [groups, buckets, *([columns["rank"].values] if "rank" in columns else [])]
    if not ascending(keys):
        stretches = Segments.of_keys(keys)  # of rows that stay together: most often far fewer than rows
        # Stable: states of one key stay in the order they came.
        moved = sort_order([key[stretches.starts] for key in keys])
        order = Segments(stretches.starts[moved], stretches.stops[moved]).rows
        groups, buckets = gather(groups, order), gather(buckets, order)
        columns = {name: gather_column(column, order) for name, column in columns.items()}
    if not len(groups):
        return StateTable(groups, buckets, columns)
    look()
    segments = Segments.of_keys([groups, buckets])
    whole = StateTable(groups, buckets, columns)
    if len(segments) == len(groups):  # nothing meets: every key stands alone
        return whole
    groups, buckets = groups[segments.starts], buckets[segments.starts]
    if isinstance(call.function, SelectorFunction):
        picked = _picked(call, call.function.keep, columns, segments)
        if len(picked.positions) == len(whole.groups) and (np.diff(picked.positions) == 1).all():
            return whole  # a percentile needs every row as it stands
        return _gather(picked, columns, groups, buckets)
    assert isinstance(call.function, AggregateFunction)
    states = []
    for own, rows in segment_pieces(segments):
        arrays = {name: column.values[rows] for name, column in columns.items()}
        states.append(call.function.merge(arrays, own, call.arguments))
    return _keyed(call, _joined(states), groups, buckets)


@_quietly
def finish_states(call: GroupCall, table: StateTable, *, descending: bool = False) -> Finished:
    """The results that merged states stand for.

    Args:
        descending: they are answered from the last (group, bucket) to the first.
    """
    segments = Segments.of_keys([table.groups, table.buckets]) if len(table.groups) else Segments(*[table.groups] * 2)
    groups, buckets = table.groups[segments.starts], table.buckets[segments.starts]
    if isinstance(call.function, SelectorFunction):
        chosen, stops = table, np.zeros(0, np.int64)  # merged rows are kept rows: there is nothing left to choose
        if call.function.pick is not None:
            picked = _picked(call, call.function.pick, table.columns, segments)
            if call.stops:
                assert picked.counts is not None
                stops = _stops(picked.counts, descending=descending)
            chosen = _gather(picked, table.columns, groups, buckets)
        columns = {call.label: chosen.columns["value"]}
        columns |= {written: chosen.columns[written] for _, written, _ in call.beside}
        if call.stops:
            columns[call.stops] = Column(DataType.INTEGER, stops)
        return Finished(chosen.groups, chosen.buckets, chosen.columns["time"].values, columns)
    assert isinstance(call.function, AggregateFunction)
    values = [np.zeros(0, call.result.dtype)]
    for own, rows in segment_pieces(segments):
        arrays = {name: column.values[rows] for name, column in table.columns.items()}
        values.append(call.function.finish(arrays, own, call.arguments, call.type))
    return Finished(groups, buckets, None, {call.label: Column(call.result, np.concatenate(values))})


def _stops(counts: Positions, *, descending: bool) -> Positions:
    """For each row that is picked how many segments of which nothing is picked come right before it, (r,).

    Args:
        counts: (m,) rows picked of each segment, at most one.
        descending: the last segment is the first to be answered.

    Source: influxdata/influxdb 1.6, Next of the reduce iterators: a window without a point is taken for the end, once.
    """
    course = counts[::-1] if descending else counts
    so_far = np.cumsum(course == 0)[course > 0]
    stops: Positions = np.diff(so_far, prepend=0)
    return stops[::-1] if descending else stops


def _picked(call: GroupCall, pick: _Pick, columns: Mapping[str, Column], segments: Segments) -> Picked:
    """What a kernel of a selector picks, a piece of the segments at a time."""
    positions, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for own, rows in segment_pieces(segments):
        read = {name: column.take(rows) for name, column in columns.items()}
        found = pick(_rows(call, read), own, call.arguments)
        positions.append(found.positions + rows.start)
        counts.append(np.ones(len(own), np.int64) if found.counts is None else found.counts)
    return Picked(np.concatenate(positions), np.concatenate(counts))


def _joined(states: Sequence[State]) -> State:
    """States of consecutive segments as one."""
    if len(states) == 1:
        return states[0]
    columns = {name: np.concatenate([state.columns[name] for state in states]) for name in states[0].columns}
    counts = [state.counts for state in states if state.counts is not None]
    return State(columns, np.concatenate(counts) if counts else None)


def _rows(call: GroupCall, columns: Mapping[str, Column]) -> Rows:
    keys = [columns[f"key.{i}"] for i in range(len(call.keys))]
    texts = tuple(key.values if key.valid is None else np.where(key.valid, key.values, "") for key in keys)
    return Rows(call.type, columns["value"].values, columns["time"].values, texts)


def _gather(picked: Picked, columns: Mapping[str, Column], groups: Positions, buckets: Times) -> StateTable:
    if picked.counts is not None:
        groups, buckets = np.repeat(groups, picked.counts), np.repeat(buckets, picked.counts)
    chosen = {name: gather_column(column, picked.positions) for name, column in columns.items()}
    return StateTable(groups, buckets, chosen)


def _keyed(call: GroupCall, state: State, groups: Positions, buckets: Times) -> StateTable:
    if state.counts is not None:
        groups, buckets = np.repeat(groups, state.counts), np.repeat(buckets, state.counts)
    columns = {name: Column(_state_type(call, name), values) for name, values in state.columns.items()}
    return StateTable(groups, buckets, columns)


def _state_type(call: GroupCall, name: str) -> DataType:
    """State columns are typed by their dtype alone; the argument's own type tells strings from the rest."""
    assert isinstance(call.function, AggregateFunction)
    return _BY_DTYPE[call.function.state(call.type)[name]]


_BY_DTYPE = {
    np.dtype(np.float64): DataType.FLOAT,
    np.dtype(np.int64): DataType.INTEGER,
    np.dtype(np.uint64): DataType.UNSIGNED,
    np.dtype(np.bool_): DataType.BOOLEAN,
    np.dtype(object): DataType.STRING,
}
