"""Answers to write: a short way to spell them, random ones, and what a reader should get back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from influxish.batch import Column, object_array
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import InfluxishError
from influxish.types import MAX_TIME, MIN_TIME, DataType

NEW_YEAR = 1_577_836_800_000_000_000  # 2020-01-01T00:00:00Z


def column(type: DataType, items: Sequence[Any]) -> Column:
    """A column from Python values, None for no value."""
    valid = np.array([item is not None for item in items], np.bool_)
    if type.dtype == object:
        values = object_array(items)
    else:
        values = np.array([0 if item is None else item for item in items], type.dtype)
    return Column(type, values, None if valid.all() else valid)


def times(*items: int) -> Column:
    return column(DataType.TIME, items)


def floats(*items: float | None) -> Column:
    return column(DataType.FLOAT, items)


def strings(*items: str | None) -> Column:
    return column(DataType.STRING, items)


def seconds(*items: int) -> Column:
    """Times so many seconds after the new year of 2020."""
    return times(*(NEW_YEAR + item * 1_000_000_000 for item in items))


def answer(*chunks: SeriesChunk, **rest: Any) -> StatementResult:
    return StatementResult(rest.pop("statement_id", 0), chunks, **rest)


def breaking_off(*chunks: SeriesChunk, error: InfluxishError) -> StatementResult:
    def chunks_then_error() -> Iterator[SeriesChunk]:
        yield from chunks
        raise error

    return StatementResult(0, chunks_then_error())


_ITEMS: dict[DataType, st.SearchStrategy[Any]] = {
    DataType.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    DataType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    DataType.UNSIGNED: st.integers(0, 2**64 - 1),
    DataType.STRING: st.text(st.characters(exclude_categories=("Cs",))),
    DataType.BOOLEAN: st.booleans(),
}


@st.composite
def random_series(draw: st.DrawFn) -> tuple[list[SeriesChunk], list[list[Any]]]:
    """The chunks of one series, and its rows: time in ns and Python values, None for no value."""
    types = draw(st.lists(st.sampled_from(list(_ITEMS)), min_size=1, max_size=4))
    name = draw(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
    tags = draw(st.none() | st.dictionaries(st.text("abé,= ", min_size=1), st.text('xy"\\<'), min_size=1, max_size=2))
    columns = ("time", *(f"column {number}" for number in range(len(types))))
    chunks, rows = [], []
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    for number, size in enumerate(sizes):
        moments = draw(st.lists(st.integers(MIN_TIME, MAX_TIME), min_size=size, max_size=size))
        cells = [draw(st.lists(st.none() | _ITEMS[type], min_size=size, max_size=size)) for type in types]
        values = (times(*moments), *(column(type, items) for type, items in zip(types, cells, strict=True)))
        chunks.append(SeriesChunk(name, tags, columns, values, partial=number + 1 < len(sizes)))
        rows += [list(row) for row in zip(moments, *cells, strict=True)]
    return chunks, rows
