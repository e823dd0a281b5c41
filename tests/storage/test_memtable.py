"""Rows in memory are sorted when somebody asks, in a way that can be stopped and that nobody waits for in vain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.batch import Batch, Column
from influxish.errors import QueryCancelled
from influxish.functions import sorting
from influxish.functions.interruption import interrupted_by
from influxish.storage.memtable import Chunk, Memtable
from influxish.storage.ranking import dense_ranks, text_ranks
from influxish.storage.waiting import held
from influxish.types import DataType

Rows = list[tuple[int, int, float | None, float | None]]

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 20), st.none() | st.floats(-1, 1), st.none() | st.floats(-1, 1)),
    min_size=1,
    max_size=60,
)


def chunk(rows: Rows) -> Chunk:
    """Rows (series, time, a, b) as they are written."""
    series, times, *fields = zip(*rows, strict=True)
    columns = {
        name: Column(
            DataType.FLOAT,
            np.array([0.0 if value is None else value for value in values]),
            None if None not in values else np.array([value is not None for value in values]),
        )
        for name, values in zip("ab", fields, strict=True)
    }
    return Chunk(np.array(series), np.array(times), columns)


def as_rows(batch: Batch) -> Rows:
    def texts(name: str) -> list[float | None]:
        column = batch.columns[name]
        return [
            value if valid else None for value, valid in zip(column.values.tolist(), column.mask.tolist(), strict=True)
        ]

    return list(zip(batch.row_groups.tolist(), batch.times.tolist(), texts("a"), texts("b"), strict=True))


@given(st.lists(ROWS, min_size=1, max_size=4), st.integers(2, 100))
def test_rows_sorted_in_pieces_are_those_that_were_written_last(chunks: list[Rows], piece_rows: int) -> None:
    expected: dict[tuple[int, int], list[float | None]] = {}
    table = Memtable()
    for rows in chunks:
        table.append("m", chunk(rows))
        for series, time, *values in rows:
            kept = expected.setdefault((series, time), [None, None])
            expected[series, time] = [old if new is None else new for old, new in zip(kept, values, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "PIECE_ROWS", piece_rows)
        found = as_rows(table.views()["m"].rows())
    assert found == [(*key, *values) for key, values in sorted(expected.items())]


@given(st.lists(st.integers(-5, 5), min_size=1), st.integers(8, 20))
def test_ranks_in_pieces_are_those_of_numpy(values: list[int], piece_rows: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "PIECE_ROWS", piece_rows)
        first, ranks = dense_ranks(np.array(values))
        texts = [str(value) for value in range(-5, 6)]
        text_of, ordered = text_ranks(np.array(values, np.int32) + 5, texts)
    _, expected_first, expected = np.unique(values, return_index=True, return_inverse=True)
    assert (first.tolist(), ranks.tolist()) == (expected_first.tolist(), expected.tolist())
    assert ordered == sorted({str(value) for value in values})
    assert [ordered[rank] for rank in text_of.tolist()] == [str(value) for value in values]


def stopped(after: int) -> AbstractContextManager[None]:
    """Inside, the look of that number, from 1, and all later ones end the query."""
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks >= after:
            raise QueryCancelled("the query was cancelled")

    return interrupted_by(look)


def test_rows_whose_sorting_was_stopped_are_sorted_by_the_next_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "PIECE_ROWS", 100)
    rng = np.random.default_rng(3)
    rows = [(int(series), int(time), float(time), None) for series, time in rng.integers(0, 1000, (2000, 2))]
    table = Memtable()
    table.append("m", chunk(rows))
    unsorted, stops = table.views()["m"], 0
    while True:
        try:
            with stopped(stops + 1):
                batch = unsorted.rows()
            break
        except QueryCancelled:
            stops += 1
    assert stops > 100
    assert as_rows(batch) == sorted({(series, time): (series, time, a, b) for series, time, a, b in rows}.values())
    assert unsorted.rows() is batch


def busy(act: Callable[[], object], lock: threading.Lock) -> None:
    """Do it while another thread holds the lock."""
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(20)
    try:
        act()
    finally:
        over.set()
        thread.join()


def test_who_waits_for_another_to_sort_can_be_stopped() -> None:
    table = Memtable()
    table.append("m", chunk([(1, 1, 1.0, None)]))
    unsorted = table.views()["m"]

    def ask() -> None:
        with stopped(3), pytest.raises(QueryCancelled):
            unsorted.rows()

    busy(ask, unsorted._lock)
    assert len(as_rows(unsorted.rows())) == 1


def test_the_lock_is_free_after_an_error_inside() -> None:
    lock = threading.Lock()
    with pytest.raises(ValueError, match="inside"), held(lock):
        raise ValueError("inside")
    assert not lock.locked()


def test_rows_that_somebody_sorts_are_taken_into_a_new_view_without_waiting() -> None:
    table = Memtable()
    table.append("m", chunk([(1, 2, 1.0, None)]))
    first = table.views()["m"]
    views = []

    def write_and_look() -> None:
        for number in range(50):
            table.append("m", chunk([(0, number, 2.0, None)]))
            views.append(table.views()["m"])

    busy(write_and_look, first._lock)
    assert [len(as_rows(view.rows())) for view in reversed(views)] == list(range(51, 1, -1))
    assert as_rows(first.rows()) == [(1, 2, 1.0, None)]
