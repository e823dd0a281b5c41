"""Answers made of a few Python values: series of rows, durations, and series spelled as line protocol spells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from influxish.batch import Column, object_array
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.functions.interruption import look
from influxish.statements.registry import StatementContext
from influxish.types import DataType

Row = Sequence[Any]
Item = TypeVar("Item")

_ITEMS_PER_LOOK = 16_384
"""Some 50 ms of making keys of series."""

_UNITS = ((1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


def page(rows: Sequence[Row], statement: Any) -> Sequence[Row]:
    """What LIMIT and OFFSET of a statement leave."""
    stop = statement.offset + statement.limit if statement.limit else None
    return rows[statement.offset : stop]


def series(
    name: str, columns: tuple[str, ...], rows: Sequence[Row], tags: Mapping[str, str] | None = None
) -> SeriesChunk:
    """One series of an answer."""
    return SeriesChunk(name, tags, columns, tuple(_column([row[i] for row in rows]) for i in range(len(columns))))


def _column(values: list[Any]) -> Column:
    look()
    if values and isinstance(values[0], bool):
        return Column(DataType.BOOLEAN, object_array(values).astype(bool))
    if values and isinstance(values[0], int):
        return Column(DataType.INTEGER, object_array(values).astype("int64"))
    return Column(DataType.STRING, object_array(values))


def answer(chunks: Iterable[SeriesChunk], *, empty: bool = False) -> StatementResult:
    """The answer of a statement; series without rows are left out unless they are to be told as `empty`."""
    return StatementResult(0, [chunk for chunk in chunks if chunk.rows or empty])


def looking(items: Iterable[Item], context: StatementContext) -> Iterator[Item]:
    """The same, with a look at the context now and then."""
    for number, item in enumerate(items):
        if number % _ITEMS_PER_LOOK == 0:
            context.look()
        yield item


def go_duration(nanoseconds: int) -> str:
    """A duration as Go prints it: `168h0m0s`, `1m30s`, `1.5ms`, `0s`."""
    if not nanoseconds:
        return "0s"
    if nanoseconds < 1_000_000_000:
        size, unit = next((size, unit) for size, unit in _UNITS if nanoseconds >= size)
        return f"{_fraction(nanoseconds, size)}{unit}"
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    text = f"{_fraction(seconds % 60 * 1_000_000_000 + rest, 1_000_000_000)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _fraction(value: int, unit: int) -> str:
    """`value / unit` in decimals, without zeros at the end."""
    whole, rest = divmod(value, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else str(whole)
