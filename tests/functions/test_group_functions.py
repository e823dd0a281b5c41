"""Every group function of the registry, on every type it takes, against its plain definition; whole and in parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from influxish.batch import Batch, Column, GroupTable, object_array
from influxish.functions import FUNCTIONS
from influxish.functions.registry import GroupFunction
from influxish.functions.state import GroupCall, StateTable, finish_states, merge_states, partial_states
from influxish.types import DataType, Window
from tests.functions.models import MODELS, Answer, Point

GROUP_FUNCTIONS = [function for function in FUNCTIONS.values() if isinstance(function, GroupFunction)]
CASES = [
    pytest.param(function, type, id=f"{function.name}-{type.value}")
    for function in GROUP_FUNCTIONS
    for type in sorted(function.takes, key=lambda type: type.value)
]
VALUES: dict[DataType, st.SearchStrategy[Any]] = {
    # Few distinct values make ties; the others make sums that cancel and digits that get lost.
    DataType.FLOAT: st.integers(-3, 3).map(float) | st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False),
    DataType.INTEGER: st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    DataType.UNSIGNED: st.integers(0, 5) | st.integers(0, 2**64 - 1),
    DataType.STRING: st.sampled_from(["", "a", "b", "ab", "é"]),
    DataType.BOOLEAN: st.booleans(),
}
WHOLE = {DataType.INTEGER, DataType.UNSIGNED}
INEXACT = {"sum", "mean", "median", "stddev"}


def test_every_group_function_has_a_model() -> None:
    assert {function.name for function in GROUP_FUNCTIONS} <= set(MODELS)


@st.composite
def calls(draw: st.DrawFn, function: GroupFunction, type: DataType) -> GroupCall:
    arguments: tuple[Any, ...] = ()
    if function.name == "percentile":
        arguments = (draw(st.sampled_from([0, 1, 12.5, 25, 50, 75.5, 90, 100, 101, 110]) | st.floats(0, 110)),)
    elif function.parameters:
        arguments = (draw(st.integers(1, 5)),)
    keys = ("h", "z")[: draw(st.integers(0, 2))] if getattr(function, "takes_keys", False) else ()
    return GroupCall(function, "v", type, arguments, keys, label=function.name)


def points(type: DataType, keys: int, name: str = "") -> st.SearchStrategy[Point]:
    """Points of a type; for a mean without sums that wrap around, since each series wraps for itself."""
    texts = st.tuples(*[st.sampled_from(["", "x", "y"])] * keys)
    values = VALUES[type].map(lambda value: value % 2**52) if name == "mean" and type in WHOLE else VALUES[type]
    return st.builds(Point, values, st.integers(-5, 25), texts)


def table_of(call: GroupCall, run: list[Point]) -> StateTable:
    """The partial state of points in any order of time."""
    column = np.array([point.value for point in run], call.type.dtype)
    keys = {name: Column(DataType.TAG, object_array(p.keys[i] for p in run)) for i, name in enumerate(call.keys)}
    times = np.array([point.time for point in run], np.int64)
    rows = np.zeros(len(run), np.int64)
    batch = Batch.of_rows(GroupTable.single("m"), rows, times, {"v": Column(call.type, column), **keys})
    return partial_states([call], batch, None).tables[0]


def answer_of(call: GroupCall, table: StateTable) -> Answer:
    finished = finish_states(call, table)
    column = finished.columns[call.label]
    assert column.type is call.result
    assert column.values.dtype == call.result.dtype
    times = [None] * len(column) if finished.times is None else finished.times.tolist()
    return list(zip(column.values.tolist(), times, strict=True))


def assert_same(call: GroupCall, found: Answer, expected: Answer, magnitude: float) -> None:
    assert [time for _, time in found] == [time for _, time in expected]
    for (value, _), (wanted, _) in zip(found, expected, strict=True):
        if isinstance(wanted, float) and math.isnan(wanted):
            assert math.isnan(value)
        elif call.function.name in INEXACT and isinstance(wanted, float):
            # Relative to the size of what was added up: values that cancel leave fewer digits in the sum.
            assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9 * magnitude)
        else:
            assert value == wanted


def magnitude_of(run: list[Point], type: DataType) -> float:
    return sum(abs(float(point.value)) for point in run) if type.is_numeric else 0.0


@pytest.mark.parametrize(("function", "type"), CASES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_whole_equals_the_definition(function: GroupFunction, type: DataType, data: st.DataObject) -> None:
    call = data.draw(calls(function, type))
    run = data.draw(st.lists(points(type, len(call.keys), call.label), min_size=1, max_size=25))
    expected = MODELS[function.name](run, call.arguments, type)
    assert_same(call, answer_of(call, table_of(call, run)), expected, magnitude_of(run, type))


@pytest.mark.parametrize(("function", "type"), CASES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_parts_merged_in_any_grouping_equal_the_whole(
    function: GroupFunction, type: DataType, data: st.DataObject
) -> None:
    call = data.draw(calls(function, type))
    run = data.draw(st.lists(points(type, len(call.keys), call.label), min_size=2, max_size=25))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(run) - 1), max_size=5)))
    bounds = zip([0, *cuts], [*cuts, len(run)], strict=True)
    tables = data.draw(st.permutations([table_of(call, run[start:stop]) for start, stop in bounds]))
    while len(tables) > 1:
        start = data.draw(st.integers(0, len(tables) - 2))
        stop = data.draw(st.integers(start + 2, len(tables)))
        tables = [*tables[:start], merge_states(call, tables[start:stop]), *tables[stop:]]
    expected = MODELS[function.name](run, call.arguments, type)
    assert_same(call, answer_of(call, merge_states(call, tables)), expected, magnitude_of(run, type))


def test_a_sample_of_numbers_that_differ_by_their_sign_is_the_same_whatever_the_parts() -> None:
    function = FUNCTIONS["sample"]
    assert isinstance(function, GroupFunction)
    for type, values in ((DataType.FLOAT, (1.5, -1.5)), (DataType.INTEGER, (2**62, 2**62 - 2**63))):
        call = GroupCall(function, "v", type, (1,), (), label="sample")
        parts = [table_of(call, [Point(value, 0, ())]) for value in values]
        found = [answer_of(call, merge_states(call, tables)) for tables in (parts, parts[::-1])]
        assert found[0] == found[1]


@pytest.mark.parametrize(("function", "type"), CASES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_batches_of_groups_buckets_and_gaps_equal_the_definition(
    function: GroupFunction, type: DataType, data: st.DataObject
) -> None:
    call = data.draw(calls(function, type))
    every = data.draw(st.sampled_from([None, 4, 10, 100]))
    descending = data.draw(st.booleans())
    table = GroupTable(("g",), object_array(["m"] * 3), (object_array("abc"),))
    seen: dict[tuple[int, int], list[Point]] = {}
    batches = []
    for _ in range(data.draw(st.integers(1, 3))):
        runs = data.draw(
            st.lists(st.tuples(st.integers(0, 2), run_of(type, len(call.keys), call.label)), min_size=1, max_size=4)
        )
        for _, run in runs:
            run.sort(key=lambda place: place[0].time, reverse=descending)
        batches.append(batch_of(call, table, runs))
        for group, run in runs:
            for point in (point for point, present in run if present):
                bucket = point.time // every * every if every else 0
                seen.setdefault((group, bucket), []).append(point)
    assume(seen)
    window = Window.tumbling(every) if every else None
    states = [partial_states([call], batch, window).tables[0] for batch in batches]
    finished = finish_states(call, merge_states(call, states))
    column = finished.columns[call.label]
    times = [None] * len(column) if finished.times is None else finished.times.tolist()
    found = list(zip(finished.groups.tolist(), finished.buckets.tolist(), column.values.tolist(), times, strict=True))
    assert [row[:2] for row in found] == sorted(row[:2] for row in found)
    for (group, bucket), run in seen.items():
        own = [row[2:] for row in found if row[:2] == (group, bucket)]
        assert_same(call, own, MODELS[function.name](run, call.arguments, type), magnitude_of(run, type))


def run_of(type: DataType, keys: int, name: str) -> st.SearchStrategy[list[tuple[Point, bool]]]:
    """Points, and whether each has a value at all."""
    return st.lists(st.tuples(points(type, keys, name), st.booleans()), min_size=1, max_size=12)


def batch_of(call: GroupCall, table: GroupTable, runs: list[tuple[int, list[tuple[Point, bool]]]]) -> Batch:
    places = [place for _, run in runs for place in run]
    valid = np.array([present for _, present in places])
    value = np.array([point.value for point, _ in places], call.type.dtype)
    columns = {"v": Column(call.type, value, None if valid.all() else valid)}
    for i, name in enumerate(call.keys):
        texts = object_array(point.keys[i] or None for point, _ in places)
        columns[name] = Column(DataType.TAG, texts, np.array([text is not None for text in texts]))
    return Batch(
        table,
        np.array([group for group, _ in runs], np.int64),
        np.cumsum([0, *(len(run) for _, run in runs)]).astype(np.int64),
        np.array([point.time for point, _ in places], np.int64),
        columns,
    )
