"""What a table of the catalog holds altogether: how many rows, a sum over them, and the greatest id ever given.

A checksum in each row cannot tell that a row is gone. These totals can. They change in the transaction that changes the
rows, by triggers of the connection, which are not in the file and so cannot be damaged with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_MASK = (1 << 62) - 1
"""Sums are modulo 2**62: SQLite turns integers past 2**63 into floats."""


@dataclass(frozen=True, slots=True)
class Total:
    """Of one table. `sum` is that of id * (checksum + 1), so it depends on which row has which id."""

    rows: int
    sum: int
    last_id: int


def counted(rows: Sequence[tuple[Any, ...]], last_id: int) -> Total:
    """The total of rows, each with its id first and its checksum last."""
    return Total(len(rows), sum(row[0] * (row[-1] + 1) for row in rows) & _MASK, last_id)


def create(connection: sqlite3.Connection) -> None:
    """Add the table of totals. Called in a transaction."""
    connection.execute(
        "CREATE TABLE totals (name TEXT PRIMARY KEY, row_count INTEGER, row_sum INTEGER, last_id INTEGER)"
    )


def enter(connection: sqlite3.Connection, totals: dict[str, Total]) -> None:
    """Say what tables hold at first. Called in a transaction."""
    for name, total in totals.items():
        values = (name, total.rows, total.sum, total.last_id)
        connection.execute("INSERT INTO totals VALUES (?, ?, ?, ?)", values)


def read(connection: sqlite3.Connection, table: str) -> Total | None:
    """What a table must hold; None if that is lost."""
    found = connection.execute("SELECT row_count, row_sum, last_id FROM totals WHERE name = ?", (table,)).fetchone()
    return None if found is None else Total(*found)


def names(connection: sqlite3.Connection) -> set[str]:
    """The tables that there are totals of."""
    return {name for (name,) in connection.execute("SELECT name FROM totals")}


def given_ids(connection: sqlite3.Connection, table: str) -> int:
    """The greatest id that SQLite says it gave in a table; 0 if none."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if found is None else found[0]


def keep(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """From now on changes made through this connection change the totals, too."""
    for table in tables:
        for trigger in _triggers(table):
            connection.execute(trigger)


def _triggers(table: str) -> Iterator[str]:
    old, new = (f"{row}.id * ({row}.checksum + 1)" for row in ("OLD", "NEW"))
    for event, count, change in (
        ("INSERT", "+ 1", f"+ {new}"),
        ("DELETE", "- 1", f"- {old}"),
        ("UPDATE", "+ 0", f"- {old} + {new}"),
    ):
        last = "last_id" if event == "DELETE" else "max(last_id, NEW.id)"
        yield (
            f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} BEGIN "
            f"UPDATE totals SET row_count = row_count {count}, row_sum = (row_sum {change}) & {_MASK}, "
            f"last_id = {last} WHERE name = '{table}'; END"
        )
