"""The series index: numbers, conditions over tags, groups, and series whose tags are lost."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.functions.expression import FALSE, TRUE, Comparison, Expression, Literal, Logical, Match, Reference
from influxish.storage.index import SeriesIndex
from influxish.storage.points import Tags
from influxish.types import DataType

TAGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", "é", "10", "9"]), max_size=3)


def tag(name: str) -> Reference:
    return Reference(name, type=DataType.TAG)


def text(value: str) -> Literal:
    return Literal(value, type=DataType.STRING)


def boolean(kind: type[Expression], *arguments: Any) -> Expression:
    return kind(*arguments, type=DataType.BOOLEAN)


CONDITION: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(
        st.sampled_from([TRUE, FALSE]),
        st.builds(
            lambda op, key, value, flipped: boolean(
                Comparison, op, *((text(value), tag(key)) if flipped else (tag(key), text(value)))
            ),
            st.sampled_from(["=", "!="]),
            st.sampled_from("abcd"),
            st.sampled_from(["", "x", "é", "nope"]),
            st.booleans(),
        ),
        st.builds(
            lambda op, a, b: boolean(Comparison, op, tag(a), tag(b)),
            st.sampled_from(["=", "!="]),
            *[st.sampled_from("abd")] * 2,
        ),
        st.builds(
            lambda key, pattern, negated: boolean(Match, tag(key), pattern, negated),
            st.sampled_from("abcd"),
            st.sampled_from(["^[xy]$", "", "^$", "1"]),
            st.booleans(),
        ),
    ),
    lambda inner: st.builds(
        lambda op, terms: boolean(Logical, op, tuple(terms)),
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=5,
)


def true_for(node: Expression, tags: dict[str, str]) -> bool:
    match node:
        case Literal(value=value):
            return bool(value)
        case Logical(op=op, terms=terms):
            return (all if op == "AND" else any)(true_for(term, tags) for term in terms)
        case Match(operand=Reference(name=name), pattern=pattern, negated=negated):
            return (re.search(pattern, tags.get(name, "")) is not None) != negated
        case Comparison(op=op, left=left, right=right):
            a, b = (tags.get(side.name, "") if isinstance(side, Reference) else side.value for side in (left, right))
            return (a == b) == (op == "=")
    raise AssertionError(node)


def build(series: list[dict[str, str]]) -> SeriesIndex:
    index = SeriesIndex()
    for tags in series:
        key = tuple(sorted(tags.items()))
        fresh: dict[Tags, int] = {}
        numbers = index.lookup("m", [key, key], fresh)
        assert numbers[0] == numbers[1]
        assert fresh in ({}, {key: numbers[0]})
        index.add("m", list(fresh))
    return index


@given(st.lists(TAGS, min_size=1, max_size=12), CONDITION)
def test_conditions_over_tags_select_what_a_loop_selects(series: list[dict[str, str]], condition: Expression) -> None:
    view = build(series).series("m")
    distinct = list({tuple(sorted(tags.items())): tags for tags in series}.values())
    assert list(view.all_tags()) == [tuple(sorted(tags.items())) for tags in distinct]
    selected = view.select(condition)
    assert selected is not None
    assert selected.tolist() == [true_for(condition, tags) for tags in distinct]


@given(st.lists(TAGS, min_size=1, max_size=12), st.lists(st.sampled_from("abcd"), max_size=3, unique=True))
def test_groups_ascend_by_their_values_and_each_series_is_in_its_own(
    series: list[dict[str, str]], keys: list[str]
) -> None:
    index, dimensions = build(series), tuple(sorted(keys))
    view = index.series("m")
    table, groups = index.groups("m", dimensions, view)
    assert table.keys == sorted(set(table.keys))
    for tags, group in zip(view.all_tags(), groups.tolist(), strict=True):
        assert table.key(group) == ("m", *(dict(tags).get(key, "") for key in dimensions))
    assert set(groups.tolist()) == set(range(len(table)))
    assert index.groups("m", dimensions, view)[0] is table


def test_a_view_does_not_see_series_added_later() -> None:
    index = build([{"a": "x"}])
    view = index.series("m")
    index.add("m", [(("b", "y"),), (("a", "z"),)])
    assert view.count == 1
    assert view.values("a").tolist() == ["x"]
    assert view.used_values("a") == ["x"]
    assert index.series("m").used_values("a") == ["x", "z"]
    assert index.series("m").values("b").tolist() == ["", "y", ""]


def test_stored_series_get_their_numbers_back_and_gaps_are_never_selected() -> None:
    index = SeriesIndex()
    index.load("m", 0, 2, {"a": (["x", "y"], np.array([1, 2], np.int32))})
    index.load("m", 5, 1, {"a": (["x", "z"], np.array([2], np.int32))})
    assert index.lose("m", 8)
    assert not index.lose("m", 8)
    view = index.series("m")
    selected = view.select(None)
    assert selected is not None
    assert np.flatnonzero(selected).tolist() == [0, 1, 5]
    assert view.used_values("a", selected) == ["x", "y", "z"]
    fresh: dict[Tags, int] = {}
    assert index.lookup("m", [(("a", "z"),), ()], fresh).tolist() == [5, 8]
    assert index.lookup("m", [(("a", "new"),), ()], fresh).tolist() == [9, 8]
    assert list(fresh) == [(), (("a", "new"),)]


@pytest.mark.parametrize("pair", [("ab", "c"), ("a", "bc")])
def test_keys_that_look_alike_end_to_end_are_different_series(pair: tuple[str, str]) -> None:
    index = build([{"ab": "c"}, {"a": "bc"}])
    fresh: dict[Tags, int] = {}
    numbers = index.lookup("m", [(pair,)], fresh)
    assert not fresh
    assert numbers.tolist() == [0 if pair == ("ab", "c") else 1]


@given(st.lists(TAGS, max_size=12, unique_by=lambda tags: tuple(sorted(tags.items()))))
def test_ranks_are_the_order_of_the_series_keys(series: list[dict[str, str]]) -> None:
    index = SeriesIndex()
    index.add("m", [tuple(sorted(tags.items())) for tags in series])
    ranks = index.ranks("m", index.series("m")).tolist()
    keys = [",".join(f"{key}={value}" for key, value in sorted(tags.items())) for tags in series]
    assert [keys[number] for number in np.argsort(ranks)] == sorted(keys)
    assert sorted(ranks) == list(range(len(series)))


def test_ranks_are_those_of_the_series_there_are() -> None:
    index = SeriesIndex()
    index.add("m", [(("h", "b"),), (("h", "c"),)])
    before = index.series("m")
    index.add("m", [(("h", "a"),)])
    assert index.ranks("m", index.series("m")).tolist() == [1, 2, 0]
    assert index.ranks("m", before).tolist() == [0, 1]
