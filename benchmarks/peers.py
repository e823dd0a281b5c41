"""Engines that answer the same questions from the same rows: influxish from its store, DuckDB and Polars from Parquet.

An engine has `ask(question)`, which is what is timed, and `table(question, answer)`, which brings its answer into one
form: column → array, so that answers can be compared. No engine here keeps results from one question to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import influxish

DATABASE = "benchmark"
Table = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Question:
    """One question in the three languages.

    Attributes:
        name: a few words for the report.
        influxql, sql: with the same meaning; the SQL names its columns as in `columns`.
        polars: from a lazy frame to a lazy frame.
        columns: of the answer, named as influxish names them; rows are compared in order of `keys`.
    """

    name: str
    influxql: str
    sql: str
    polars: Callable[[Any], Any]
    columns: tuple[str, ...]
    keys: tuple[str, ...]


class Engine(Protocol):
    name: str

    def ask(self, question: Question) -> Any: ...

    def table(self, question: Question, answer: Any) -> Table: ...

    def close(self) -> None: ...


class Influxish:
    """The store, opened once."""

    name = "influxish"

    def __init__(self, store: Path) -> None:
        self.database = influxish.open(store)

    def ask(self, question: Question, disable: Sequence[str] = ()) -> influxish.Result:
        return self.database.query(question.influxql, database=DATABASE, disable=disable)

    def table(self, question: Question, answer: influxish.Result) -> Table:
        """Rows of nothing but null stand for empty buckets up to now; other engines have no such rows."""
        columns = answer.to_numpy() if len(answer) else dict.fromkeys(question.columns, np.empty(0))
        found = {name: columns[name] for name in question.columns}
        empty = [_is_null(values) for name, values in found.items() if name not in question.keys]
        kept = ~np.logical_and.reduce(empty) if empty else slice(None)
        return {name: np.asarray(values)[kept] for name, values in found.items()}

    def close(self) -> None:
        self.database.close()


def _is_null(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if np.ma.isMaskedArray(values):
        return np.ma.getmaskarray(values)
    return np.isnan(values) if values.dtype.kind in "fM" else np.zeros(len(values), np.bool_)


class DuckDB:
    """A view over the Parquet file: every question reads it anew."""

    name = "DuckDB"

    def __init__(self, parquet: Path) -> None:
        import duckdb

        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute(f"CREATE VIEW cpu AS SELECT * FROM read_parquet('{parquet}')")

    def ask(self, question: Question) -> Any:
        return self._connection.sql(question.sql).to_arrow_table()

    def table(self, question: Question, answer: Any) -> Table:
        return {name: _plain(answer.column(name)) for name in question.columns}

    def close(self) -> None:
        self._connection.close()


class Polars:
    """A lazy scan of the Parquet file, collected for every question."""

    name = "Polars"

    def __init__(self, parquet: Path) -> None:
        import polars

        self._scan = polars.scan_parquet(parquet)

    def ask(self, question: Question) -> Any:
        return question.polars(self._scan).collect()

    def table(self, question: Question, answer: Any) -> Table:
        arrow = answer.to_arrow()
        return {name: _plain(arrow.column(name)) for name in question.columns}

    def close(self) -> None:
        pass


def _plain(column: Any) -> np.ndarray[Any, Any]:
    """An Arrow column as numpy: times as datetime64[ns], texts as objects."""
    values: np.ndarray[Any, Any] = column.to_numpy()
    return values.astype("datetime64[ns]") if values.dtype.kind == "M" else values


PEERS: dict[str, tuple[tuple[str, ...], Callable[[Path], Engine]]] = {
    "DuckDB": (("duckdb", "pyarrow"), DuckDB),
    "Polars": (("polars", "pyarrow"), Polars),
}
"""Name → the modules it needs, and how to open it."""


def missing(modules: Sequence[str]) -> list[str]:
    """Those that are not installed."""
    return [name for name in modules if find_spec(name) is None]


def difference(question: Question, left: Table, right: Table) -> str:
    """ "" if two answers hold the same rows (floats to 1e-9), else what differs first."""
    rows = [len(table[question.columns[0]]) for table in (left, right)]
    if rows[0] != rows[1]:
        return f"{rows[0]:,} rows, and {rows[1]:,}"
    orders = [np.lexsort([_sortable(table[key]) for key in reversed(question.keys)]) for table in (left, right)]
    for name in question.columns:
        a, b = left[name][orders[0]], right[name][orders[1]]
        if a.dtype.kind in "fiu" and b.dtype.kind in "fiu":
            same = np.isclose(a.astype(np.float64), b.astype(np.float64), rtol=1e-9, atol=0, equal_nan=True)
        else:
            same = np.asarray(a == b)
        if not same.all():
            place = int(np.flatnonzero(~same)[0])
            return f"column {name}, row {place}: {a[place]} and {b[place]}"
    return ""


def _sortable(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values.astype(str) if values.dtype == object else values
