"""Columns, group tables and batches against rows held as plain tuples."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from influxish.batch import Batch, Column, GroupTable, object_array
from influxish.types import DataType

Row = tuple[tuple[str, ...], int, float | None, str | None]
KEYS = st.tuples(st.sampled_from(["cpu", "mem"]), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x"]))
ROWS = st.lists(
    st.tuples(KEYS, st.integers(-9, 9), st.none() | st.integers(0, 9).map(float), st.none() | st.sampled_from("st")),
    max_size=20,
)


def batch_of(rows: list[Row]) -> Batch:
    names, *values = (object_array(key[i] for key, *_ in rows) for i in range(3))
    groups, ids = GroupTable.of_rows(("h", "r"), names, values)
    columns = {}
    for label, type, place in (("v", DataType.FLOAT, 2), ("s", DataType.STRING, 3)):
        items = [row[place] for row in rows]
        valid = np.array([item is not None for item in items], np.bool_)
        filled = np.array([item if item is not None else 0 for item in items], type.dtype)
        columns[label] = Column(type, filled, None if valid.all() else valid)
    times = np.array([row[1] for row in rows], np.int64)
    return Batch.of_rows(groups, ids, times, columns, rank_at(times))


def rank_at(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks that can be told from the rows themselves, wherever they go."""
    return times % 4


def rows_of(batch: Batch) -> list[Row]:
    def listed(label: str) -> list[Any]:
        column = batch.columns[label]
        assert len(column) == batch.rows
        return [value if there else None for value, there in zip(column.values.tolist(), column.mask, strict=True)]

    keys = [batch.groups.key(group) for group in batch.row_groups.tolist()]
    return list(zip(keys, batch.times.tolist(), listed("v"), listed("s"), strict=True))


def check(batch: Batch) -> None:
    """What the docstring of Batch promises."""
    offsets = batch.run_offsets
    assert (batch.row_ranks == rank_at(batch.times)).all()
    assert offsets.dtype == batch.run_groups.dtype == batch.times.dtype == np.int64
    assert offsets[0] == 0
    assert offsets[-1] == batch.rows
    assert len(offsets) == len(batch.run_groups) + 1
    assert (np.diff(offsets) > 0).all()
    assert batch.groups.keys == sorted(set(batch.groups.keys))


@given(ROWS)
def test_rows_become_a_batch_and_come_back(rows: list[Row]) -> None:
    batch = batch_of(rows)
    check(batch)
    assert rows_of(batch) == rows
    assert batch.run_ranks is not None
    assert all(a != b for a, b in pairwise(zip(batch.run_groups.tolist(), batch.run_ranks.tolist(), strict=True)))


@settings(deadline=None)
@given(ROWS, st.data())
def test_where_keeps_just_the_rows_asked_for(rows: list[Row], data: st.DataObject) -> None:
    mask = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    kept = batch_of(rows).where(np.array(mask, np.bool_))
    check(kept)
    assert rows_of(kept) == [row for row, wanted in zip(rows, mask, strict=True) if wanted]


@settings(deadline=None)
@given(ROWS.filter(bool), st.data())
def test_slice_is_a_stretch_of_rows(rows: list[Row], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(rows) - 1))
    stop = data.draw(st.integers(start + 1, len(rows)))
    part = batch_of(rows).slice(start, stop)
    check(part)
    assert rows_of(part) == rows[start:stop]


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_concat_lays_batches_end_to_end_under_one_table(parts: list[list[Row]]) -> None:
    whole = Batch.concat([batch_of(rows) for rows in parts])
    check(whole)
    assert rows_of(whole) == [row for rows in parts for row in rows]


def test_slices_of_one_batch_keep_its_table() -> None:
    batch = batch_of([(("cpu", "a", ""), 1, 1.0, None), (("cpu", "b", ""), 2, 2.0, "s")])
    assert Batch.concat([batch.slice(0, 1), batch.slice(1, 2)]).groups is batch.groups


def test_an_empty_batch_has_its_columns() -> None:
    batch = Batch.empty(GroupTable.single("cpu"), {"v": DataType.FLOAT, "s": DataType.STRING})
    check(batch)
    assert batch.rows == batch.nbytes - 8 == 0
    assert {label: column.values.dtype for label, column in batch.columns.items()} == {
        "v": np.dtype(np.float64),
        "s": np.dtype(object),
    }


@given(st.lists(KEYS, max_size=12))
def test_a_table_ranks_its_distinct_keys(keys: list[tuple[str, str, str]]) -> None:
    names, *values = (object_array(key[i] for key in keys) for i in range(3))
    table, ids = GroupTable.of_rows(("h", "r"), names, values)
    assert table.keys == sorted(set(keys))
    assert [table.keys[i] for i in ids] == keys
    assert [table.key(i) for i in ids.tolist()] == keys
    assert [tuple(table.tags(i).values()) for i in ids.tolist()] == [key[1:] for key in keys]


@settings(deadline=None)
@given(st.lists(st.lists(KEYS, max_size=8), min_size=1, max_size=4))
def test_a_union_holds_each_key_once(tables: list[list[tuple[str, str, str]]]) -> None:
    made = [
        GroupTable.of_rows(("h", "r"), object_array(key[0] for key in keys), columns)[0]
        for keys in tables
        for columns in [[object_array(key[i] for key in keys) for i in (1, 2)]]
    ]
    union, mappings = GroupTable.union(made)
    assert union.keys == sorted({key for keys in tables for key in keys})
    for table, mapping in zip(made, mappings, strict=True):
        assert [union.keys[i] for i in mapping] == table.keys


@pytest.mark.parametrize("dimensions", [(), ("h",), ("r",), ("h", "r"), ("h", "nosuch", "r")])
@given(keys=st.lists(KEYS, max_size=8))
def test_a_projection_keeps_names_and_the_tags_asked_for(
    dimensions: tuple[str, ...], keys: list[tuple[str, str, str]]
) -> None:
    names, *values = (object_array(key[i] for key in keys) for i in range(3))
    table = GroupTable.of_rows(("h", "r"), names, values)[0]
    projected, mapping = table.project(dimensions)
    assert projected.dimensions == dimensions
    wanted = [(name, *({"h": h, "r": r}.get(key, "") for key in dimensions)) for name, h, r in table.keys]
    assert [projected.keys[i] for i in mapping] == wanted
    assert projected.keys == sorted(set(wanted))


def test_columns_are_taken_joined_and_made() -> None:
    column = Column(DataType.INTEGER, np.array([1, 2, 3]), np.array([True, False, True]))
    assert column.take(np.array([2, 0])).values.tolist() == [3, 1]
    joined = Column.concat([column.take(slice(0, 2)), Column.constant(DataType.INTEGER, 7, 2)])
    assert joined.values.tolist() == [1, 2, 7, 7]
    assert joined.mask.tolist() == [True, False, True, True]
    assert not Column.absent(DataType.STRING, 2).mask.any()
    assert Column.constant(DataType.STRING, "ab", 2).values.tolist() == ["ab", "ab"]
    assert object_array([(1, 2), (3, 4)]).shape == (2,)


def test_batches_that_are_put_together_can_be_stopped_before_each_column() -> None:
    parts = [batch_of([(("cpu", "a", "x"), time, 1.0, "s")]) for time in range(2)]
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Batch.concat(parts, look)
    assert looks == len(parts[0].columns) == 2
