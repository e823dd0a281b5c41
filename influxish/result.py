"""The answer to a query, for Python: series and rows to iterate, or whole columns for numpy, Arrow and dataframes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from influxish.batch import Batch, Column
from influxish.emit.rows import series_chunks
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import InfluxishError
from influxish.types import Array, DataType

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer.

    Attributes:
        name: the measurement.
        tags: GROUP BY tag → value; empty without GROUP BY tags.
        columns: headings, the time first.
        values: one column of (rows,) for each heading.
    """

    name: str
    tags: Mapping[str, str]
    columns: tuple[str, ...]
    values: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.values[0]) if self.values else 0

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Rows as tuples of Python values: times in int ns, null as None."""
        return zip(*(python_values(column) for column in self.values), strict=True)


class Result:
    """What one statement answered. It is whole and in memory, so it can be read as often as wanted.

    Iterating yields `Series`. `columns` are the headings, the time first.
    """

    def __init__(self, chunks: Sequence[SeriesChunk], columns: tuple[str, ...], zone: str = "") -> None:
        self._chunks, self.columns, self._zone = list(chunks), columns, zone
        self.messages: list[tuple[str, str]] = []

    @property
    def series(self) -> list[Series]:
        """All series, in the order of the answer."""
        found: list[Series] = []
        parts: list[SeriesChunk] = []
        for chunk in self._chunks:
            parts.append(chunk)
            if not chunk.partial:
                values = tuple(Column.concat(columns) for columns in zip(*(p.values for p in parts), strict=True))
                found.append(Series(chunk.name, chunk.tags or {}, chunk.columns, values))
                parts = []
        return found

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    def __len__(self) -> int:
        """How many rows there are in all series."""
        return sum(chunk.rows for chunk in self._chunks)

    @property
    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows as dictionaries: tags, then columns; times in int ns, null as None.

        A column that has the name of a tag gets _1, as in `to_numpy`.
        """
        for chunk in self._chunks:
            columns = [python_values(column) for column in chunk.values]
            tags = chunk.tags or {}
            headings = _distinct([*tags, *chunk.columns])[len(tags) :]
            for row in zip(*columns, strict=True):
                yield {**tags, **dict(zip(headings, row, strict=True))}

    @property
    def statement(self) -> StatementResult:
        """The answer as the writers of `influxish.emit` take it."""
        return StatementResult(0, self._chunks, self._zone, self.messages)

    def to_numpy(self) -> dict[str, Array]:
        """Whole columns by heading: `time` as datetime64[ns], a column `name`, one for each tag, then the fields.

        Null is NaN in float columns; other columns with nulls are masked arrays.
        """
        table = self._table()
        found: dict[str, Array] = {}
        for heading, column in table.items():
            if column.type is DataType.TIME:
                found[heading] = column.values.view("datetime64[ns]")
            elif column.valid is None or column.valid.all():
                found[heading] = column.values
            elif column.type is DataType.FLOAT:
                found[heading] = np.where(column.valid, column.values, np.nan)
            else:
                found[heading] = np.ma.masked_array(column.values, ~column.valid)
        return found

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow.Table with the columns of `to_numpy`. Needs `pip install influxish[arrow]`."""
        arrow = _needed("pyarrow", "arrow")
        arrays = {}
        for heading, column in self._table().items():
            mask = None if column.valid is None else ~column.valid
            if column.type is DataType.TIME:
                times = arrow.array(column.values, type=arrow.timestamp("ns", tz="UTC"), mask=mask)
                arrays[heading] = times
            else:
                listed = len(column.values) > 0 and isinstance(column.values[0], tuple)
                text = column.type in (DataType.STRING, DataType.TAG) and not listed
                arrays[heading] = arrow.array(column.values, type=arrow.string() if text else None, mask=mask)
        return arrow.table(arrays)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas.DataFrame with the columns of `to_numpy`, times in UTC. Needs `pip install influxish[pandas]`."""
        library = _needed("pandas", "pandas")
        columns = {}
        for heading, column in self._table().items():
            if column.type is DataType.TIME:
                columns[heading] = library.to_datetime(column.values, unit="ns", utc=True)
            elif column.valid is None or column.valid.all():
                columns[heading] = column.values
            else:
                nullable = {DataType.INTEGER: "Int64", DataType.UNSIGNED: "UInt64", DataType.BOOLEAN: "boolean"}
                if column.type in nullable:
                    held = library.array(column.values, dtype=nullable[column.type])
                    held[~column.valid] = library.NA
                    columns[heading] = held
                else:
                    columns[heading] = column.values.copy()
                    columns[heading][~column.valid] = np.nan if column.type is DataType.FLOAT else None
        frame: pandas.DataFrame = library.DataFrame(columns)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """A polars.DataFrame with the columns of `to_numpy`. Needs `pip install influxish[polars]`."""
        library = _needed("polars", "polars")
        columns = {}
        for heading, column in self._table().items():
            if column.type is DataType.TIME:
                series = library.Series(heading, column.values).cast(library.Datetime("ns", "UTC"))
            elif column.values.dtype == object:
                series = library.Series(heading, python_values(column), dtype=library.String)
            else:
                series = library.Series(heading, column.values)
                if column.valid is not None:
                    kept = library.Series(column.valid)
                    series = library.select(library.when(kept).then(series).otherwise(None)).to_series().alias(heading)
            columns[heading] = series
        frame: polars.DataFrame = library.DataFrame(columns)
        return frame

    def _table(self) -> dict[str, Column]:
        """Heading → column over all series. Headings that occur twice get _1, _2 …"""
        headings = _distinct([*self._tag_names(), *self.columns])
        if not self._chunks:
            return {heading: Column.absent(DataType.FLOAT, 0) for heading in headings}
        lengths = [chunk.rows for chunk in self._chunks]
        found = {}
        for i, heading in enumerate(headings[: len(self._tag_names())]):
            texts = [[chunk.name, *(chunk.tags or {}).values()][i] for chunk in self._chunks]
            found[heading] = Column(DataType.TAG, np.repeat(np.array(texts, object), lengths))
        for i, heading in enumerate(headings[len(self._tag_names()) :]):
            found[heading] = Column.concat([chunk.values[i] for chunk in self._chunks])
        time = headings[len(self._tag_names())]
        return {time: found.pop(time), **found}

    def _tag_names(self) -> list[str]:
        tags = self._chunks[0].tags if self._chunks else None
        return ["name", *(tags or {})]


def python_values(column: Column) -> list[Any]:
    """The values as Python objects; null and NaN as None, or as the default of the column."""
    values: list[Any] = column.values.tolist()
    valid = column.valid
    if column.type is DataType.FLOAT:
        present = ~np.isnan(column.values)
        valid = present if valid is None else valid & present
    if valid is None or valid.all():
        return values
    return [value if ok else column.default for value, ok in zip(values, valid.tolist(), strict=True)]


def collect(batches: Iterator[Batch], columns: tuple[str, ...], time_name: str, zone: str) -> Result:
    """Run a query to its end and keep the answer."""
    chunks = list(series_chunks(batches, columns, time_name))
    return Result(chunks, (time_name, *columns), zone)


def _distinct(names: list[str]) -> list[str]:
    """The names; those that occurred before with the first of _1, _2 … that makes them new."""
    given, found = set(names), dict[str, None]()
    for name in names:
        unique, count = name, 0
        while unique in found or (count and unique in given):
            count += 1
            unique = f"{name}_{count}"
        found[unique] = None
    return list(found)


def _needed(module: str, extra: str) -> Any:
    try:
        return __import__(module)
    except ImportError:
        raise InfluxishError(f"this needs {module}, which is not installed: pip install 'influxish[{extra}]'") from None
