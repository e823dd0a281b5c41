"""Alignment against sets and dicts: every key once and in order, every value beside its key."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from influxish.batch import Column
from influxish.exec.alignment import align
from influxish.types import DataType

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), max_size=12, unique=True)


@given(st.lists(KEYS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_every_key_stands_once_and_every_value_beside_its_own(
    lists: list[list[tuple[int, int]]], descending: bool, in_order: bool
) -> None:
    if in_order:
        lists = [sorted(keys, reverse=descending) for keys in lists]
    arrays = [np.array(keys, np.int64).reshape(-1, 2).T for keys in lists]
    aligned = align([(groups, times) for groups, times in arrays], descending=descending)
    rows = list(zip(aligned.groups.tolist(), aligned.times.tolist(), strict=True))
    assert rows == sorted({key for keys in lists for key in keys}, reverse=descending)
    for number, keys in enumerate(lists):
        column = aligned.column(number, Column(DataType.INTEGER, np.array([10 * g + t for g, t in keys], np.int64)))
        found = {
            row: value
            for row, value, valid in zip(rows, column.values.tolist(), column.mask.tolist(), strict=True)
            if valid
        }
        assert found == {(group, time): 10 * group + time for group, time in keys}
