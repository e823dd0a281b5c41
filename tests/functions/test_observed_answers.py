"""Answers that a real InfluxDB 1.x gave, and what the declarations promise about them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.batch import Batch, Column, GroupTable, object_array
from influxish.functions import FUNCTIONS, AggregateFunction, GroupFunction, SelectorFunction, Stamp
from influxish.functions.registry import Rows
from influxish.functions.segments import Segments
from influxish.functions.state import GroupCall, finish_states, merge_states, partial_states
from influxish.types import FIELD_TYPES, NUMERIC, DataType
from tests.functions.models import MODELS, Point

FLOAT, INTEGER, STRING, BOOLEAN = DataType.FLOAT, DataType.INTEGER, DataType.STRING, DataType.BOOLEAN
P_FLOAT = [1.0, 2.0, 3.0, 4.0, 4.0, 2.0]
P_INTEGER = [1, 2, 2, 9]
T_VALUES, T_HOSTS, T_ZONES = [5.0, 9.0, 9.0, 7.0, 1.0, 9.0], "abacbc", "112221"


def ask(
    name: str, values: list[Any], type: DataType = FLOAT, *arguments: Any, first: int = 0, **keys: str
) -> list[tuple[int | None, Any]]:
    """(time, value) of each answer over values at times first, first + 1, …"""
    function = FUNCTIONS[name]
    assert isinstance(function, GroupFunction)
    call = GroupCall(function, "v", type, arguments, tuple(keys), label="answer")
    array = np.empty(len(values), type.dtype)
    array[:] = values
    columns = {"v": Column(type, array)} | {key: Column(DataType.TAG, object_array(text)) for key, text in keys.items()}
    times = np.arange(first, first + len(values), dtype=np.int64)
    batch = Batch.of_rows(GroupTable.single("m"), np.zeros(len(values), np.int64), times, columns)
    finished = finish_states(call, merge_states(call, list(partial_states([call], batch, None).tables)))
    found = [None] * len(finished.groups) if finished.times is None else finished.times.tolist()
    return list(zip(found, finished.columns["answer"].values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("rank", "answer"),
    [(0, []), (10, [(0, 1)]), (25, [(1, 2)]), (50, [(5, 2)]), (60, [(2, 3)]), (100, [(4, 4)]), (110, [])],
)
def test_percentile_takes_the_nearest_rank(rank: float, answer: list[tuple[int, float]]) -> None:
    assert ask("percentile", P_FLOAT, FLOAT, rank) == answer


@pytest.mark.parametrize(
    ("name", "values", "type", "answer"),
    [
        ("median", P_FLOAT, FLOAT, 2.5),
        ("median", P_INTEGER, INTEGER, 2.0),
        ("mode", P_FLOAT, FLOAT, 4.0),
        ("mode", P_FLOAT[:5], FLOAT, 4.0),
        ("mode", P_FLOAT[1:4], FLOAT, 2.0),
        ("mode", [1, 9], INTEGER, 1),
        ("mode", ["a", "b"], STRING, "a"),
        ("spread", P_INTEGER, INTEGER, 8),
        ("stddev", P_FLOAT, FLOAT, 1.2110601416389968),
        ("mean", P_INTEGER, INTEGER, 3.5),
        ("mean", P_FLOAT, FLOAT, 2.6666666666666665),
        ("sum", P_INTEGER, INTEGER, 14),
        ("count(distinct)", P_FLOAT, FLOAT, 4),
        ("stddev", [1.0, 4.0, 4.0], FLOAT, 1.7320508075688772),
    ],
)
def test_aggregates_answer_to_the_last_digit(name: str, values: list[Any], type: DataType, answer: Any) -> None:
    assert ask(name, values, type) == [(None, answer)]


def test_the_deviation_of_one_value_is_null() -> None:
    assert math.isnan(ask("stddev", [9], INTEGER)[0][1])


def test_booleans_and_strings_are_selected() -> None:
    assert ask("max", [True, False], BOOLEAN) == [(0, True)]
    assert ask("min", [True, False], BOOLEAN) == [(1, False)]
    assert ask("first", ["a", "b"], STRING) == [(0, "a")]
    assert ask("last", ["a", "b"], STRING) == [(1, "b")]


def test_distinct_goes_by_first_occurrence() -> None:
    assert [value for _, value in ask("distinct", T_VALUES)] == [5, 9, 7, 1]
    assert [value for _, value in ask("distinct", [True, False, True], BOOLEAN)] == [True, False]


def test_top_and_bottom_answer_in_order_of_time() -> None:
    assert ask("top", T_VALUES, FLOAT, 2) == [(1, 9), (2, 9)]
    assert ask("top", T_VALUES, FLOAT, 4) == [(1, 9), (2, 9), (3, 7), (5, 9)]
    assert ask("bottom", T_VALUES, FLOAT, 3) == [(0, 5), (3, 7), (4, 1)]


def test_top_with_tags_takes_the_best_of_each_combination() -> None:
    assert ask("top", T_VALUES, FLOAT, 2, h=T_HOSTS) == [(1, 9), (2, 9)]
    assert ask("top", T_VALUES, FLOAT, 5, h=T_HOSTS) == [(1, 9), (2, 9), (5, 9)]
    assert ask("top", T_VALUES, FLOAT, 3, h=T_HOSTS, z=T_ZONES) == [(1, 9), (2, 9), (5, 9)]
    assert ask("top", T_VALUES, FLOAT, 2, nosuch=[""] * 6) == [(1, 9)]


def test_the_smallest_integer_is_ranked_without_overflow() -> None:
    extremes = [-(2**63), 0, 2**63 - 1]
    assert ask("top", extremes, INTEGER, 1) == [(2, 2**63 - 1)]
    assert ask("bottom", extremes, INTEGER, 1) == [(0, -(2**63))]
    assert ask("median", [-(2**63), 2**63 - 1], INTEGER) == [(None, -(2.0**63))]  # their distance wraps


def test_integer_sums_wrap_around() -> None:
    assert ask("sum", [2**63 - 1, 1], INTEGER) == [(None, -(2**63))]


def test_nan_never_beats_a_number() -> None:
    values = [math.nan, 3.0, math.nan, 1.0]
    assert ask("min", values) == [(3, 1.0)]
    assert ask("max", values) == [(1, 3.0)]
    assert ask("top", values, FLOAT, 2) == [(1, 3.0), (3, 1.0)]
    assert ask("bottom", values, FLOAT, 2) == [(1, 3.0), (3, 1.0)]
    assert ask("percentile", values, FLOAT, 50) == [(1, 3.0)]
    assert str(ask("spread", values)) == "[(None, nan)]"  # but it is what a difference with it makes
    assert ask("count(distinct)", values) == [(None, 4)]  # and NaN equals nothing, not even NaN


def test_nothing_but_nan_is_answered_with_nan() -> None:
    for name, count in {"min": 1, "max": 1, "first": 1, "mode": 1, "distinct": 2, "median": 1}.items():
        answers = ask(name, [math.nan, math.nan])
        assert len(answers) == count
        assert all(math.isnan(value) for _, value in answers)


def test_sums_of_many_floats_keep_their_digits_however_they_are_cut() -> None:
    values = np.full(10_000_000, 0.1)
    naive = abs(float(np.cumsum(values)[-1]) - 1e6)
    assert naive > 1e-5  # what adding one by one would lose
    call = GroupCall(FUNCTIONS["sum"], "v", FLOAT, label="answer")  # type: ignore[arg-type]
    times = np.arange(len(values))
    columns = {"v": Column(FLOAT, values)}
    whole = Batch.of_rows(GroupTable.single("m"), np.zeros(len(values), np.int64), times, columns)
    cuts = [0, 1, 70_000, 4_000_001, len(values)]
    for bounds in ([0, len(values)], cuts, list(range(0, len(values) + 1, 50_000))):
        parts = [whole.slice(start, stop) for start, stop in itertools.pairwise(bounds)]
        tables = [partial_states([call], part, None).tables[0] for part in parts]
        answer = finish_states(call, merge_states(call, tables)).columns["answer"].values[0]
        assert answer == pytest.approx(1e6, rel=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        f for f in FUNCTIONS.values() if isinstance(f, GroupFunction) and f.name != "sample"
    ],  # whose lots are of the times
    ids=lambda f: f.name,
)
def test_kernels_take_segments_that_leave_gaps_or_overlap(function: GroupFunction) -> None:
    values = np.array([3.0, 1.0, 2.0, 2.0, 5.0, 0.0, 4.0])
    times = np.array([0, 1, 2, 3, 4, 5, 6], np.int64)
    segments = Segments(np.array([1, 2, 3]), np.array([3, 7, 5]))
    arguments = (50.0,) if function.name == "percentile" else (2,) if function.parameters else ()
    answers = []
    for start, stop in [(1, 3), (2, 7), (3, 5)]:
        answers += [value for _, value in ask(function.name, values[start:stop].tolist(), FLOAT, *arguments)]
    rows = Rows(FLOAT, values, times)
    if isinstance(function, SelectorFunction):
        picked = (function.pick or function.keep)(rows, segments, arguments)
        found = values[picked.positions]
    else:
        state = function.partial(rows, segments, arguments)  # type: ignore[attr-defined]
        counts = np.ones(len(segments), np.int64) if state.counts is None else state.counts
        found = function.finish(  # type: ignore[attr-defined]
            state.columns, Segments.from_starts(np.cumsum(counts) - counts, int(counts.sum())), arguments, FLOAT
        )
    assert found.tolist() == pytest.approx(answers, nan_ok=True)


def test_declarations_say_what_was_observed() -> None:
    functions = {name: f for name, f in FUNCTIONS.items() if isinstance(f, GroupFunction)}
    assert {name for name, f in functions.items() if f.takes == FIELD_TYPES} == {
        "count", "first", "last", "mode", "distinct", "count(distinct)", "sample"
    }  # fmt: skip
    assert {name for name, f in functions.items() if f.takes == NUMERIC | {BOOLEAN}} == {"min", "max"}
    assert {name for name, f in functions.items() if f.takes == NUMERIC} == {
        "sum", "mean", "median", "spread", "stddev", "percentile", "top", "bottom"
    }  # fmt: skip
    assert {name for name, f in functions.items() if f.returns(INTEGER) is FLOAT} == {"mean", "median", "stddev"}
    assert {name for name, f in functions.items() if f.empty == 0} == {"count", "count(distinct)"}
    assert {name for name, f in functions.items() if not f.fillable} == {"distinct", "top", "bottom", "sample"}
    assert {name for name, f in functions.items() if not f.single_row} == {"distinct", "top", "bottom", "sample"}
    assert {name for name, f in functions.items() if f.stamp is Stamp.POINT} == {"top", "bottom", "sample"}
    assert {name for name, f in functions.items() if f.stamp is Stamp.POINT_ALONE} == {
        "min", "max", "first", "last", "percentile"
    }  # fmt: skip
    assert {name for name, f in functions.items() if not f.pushdown} == {"percentile", "median"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=150))
def test_mode_over_many_segments_equals_its_definition(buckets: list[list[int]]) -> None:
    values = np.array([value for bucket in buckets for value in bucket])
    times = np.arange(len(values), dtype=np.int64)
    stops = np.cumsum([len(bucket) for bucket in buckets])
    segments = Segments.from_starts(stops - [len(bucket) for bucket in buckets], len(values))
    function = FUNCTIONS["mode"]
    assert isinstance(function, AggregateFunction)
    state = function.partial(Rows(INTEGER, values, times), segments, ())
    assert state.counts is not None
    merged = Segments.from_starts(np.cumsum(state.counts) - state.counts, int(state.counts.sum()))
    found = function.finish(state.columns, merged, (), INTEGER).tolist()
    expected = [
        MODELS["mode"]([Point(value, time) for time, value in enumerate(bucket)], (), INTEGER)[0][0]
        for bucket in buckets
    ]
    assert found == expected
