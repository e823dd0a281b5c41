"""Sorting and selecting in pieces: the same as numpy in one go, and a look every few milliseconds of work."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.functions import sorting
from influxish.functions.interruption import interrupted_by, look
from influxish.functions.sorting import gather, sort_order, sorted_texts, value_at_rank
from influxish.types import Array

NUMBERS = st.one_of(
    st.lists(st.floats(width=64), min_size=1, max_size=300),
    st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=1, max_size=300),
    st.lists(st.integers(-3, 3), min_size=1, max_size=300),
    st.lists(st.booleans(), min_size=1, max_size=300),
)


@pytest.fixture(autouse=True, scope="module")
def small_pieces():
    """Pieces of eight rows, so that small examples have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "PIECE_ROWS", 8)
        yield


@given(NUMBERS, st.lists(st.integers(0, 2), min_size=300, max_size=300))
@settings(deadline=None)
def test_rows_sort_as_numpy_sorts_them(numbers: list[float], second: list[int]) -> None:
    keys = [np.array(numbers), np.array(second[: len(numbers)])]
    assert sort_order(keys).tolist() == np.lexsort(keys[::-1]).tolist()
    assert sort_order(keys[:1]).tolist() == np.argsort(keys[0], kind="stable").tolist()
    anyhow = sort_order(keys[:1], stable=False)
    assert np.array_equal(keys[0][anyhow], np.sort(keys[0]), equal_nan=keys[0].dtype.kind == "f")
    assert sorted(anyhow.tolist()) == list(range(len(numbers)))


@given(NUMBERS, st.data())
@settings(deadline=None)
def test_the_value_at_a_rank_is_that_of_the_sorted_values(numbers: list[float], data: st.DataObject) -> None:
    values = np.array(numbers)
    rank = data.draw(st.integers(0, len(numbers) - 1))
    assert np.array_equal(value_at_rank(values, rank), np.sort(values)[rank], equal_nan=values.dtype.kind == "f")


@given(st.lists(st.text(max_size=3), max_size=300))
@settings(deadline=None)
def test_texts_sort_as_python_sorts_them(texts: list[str]) -> None:
    assert sorted_texts(texts) == sorted(texts)


def test_positions_are_gathered_in_their_order() -> None:
    values, positions = np.arange(100.0), np.random.default_rng(0).integers(0, 100, 1000)
    assert np.array_equal(gather(values, positions), values[positions])


class Stopped(Exception):
    """What `look` raises in these tests."""


def test_look_is_that_of_the_inner_query_and_nothing_outside() -> None:
    def stop() -> None:
        raise Stopped

    look()
    with interrupted_by(stop):
        with interrupted_by(lambda: None):
            look()
        with pytest.raises(Stopped):
            look()
    look()


RANDOM = np.random.default_rng(2)
MANY = 2_000_000
SHAPES: dict[str, Array] = {
    "different": RANDOM.random(MANY),
    "few": RANDOM.integers(0, 3, MANY),
    "one": np.zeros(MANY),
    "ascending": np.arange(MANY),
    "unknown": np.full(MANY, np.nan),
}
WORK: dict[str, Callable[[Array], object]] = {
    "sort": lambda values: sort_order([values]),
    "two keys": lambda values: sort_order([values, RANDOM.random(MANY)]),
    "select": lambda values: value_at_rank(values, MANY // 3),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("work", WORK)
def test_two_million_rows_are_never_long_without_a_look(shape: str, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "PIECE_ROWS", 1 << 18)

    def longest() -> float:
        moments = [time.thread_time()]
        with interrupted_by(lambda: moments.append(time.thread_time())):
            WORK[work](SHAPES[shape])
        return float(np.diff([*moments, time.thread_time()]).max())

    assert min(longest() for _ in range(3)) < 0.2
