"""The catalog: databases, retention policies, shards, field types and which segment files make up a shard. SQLite.

It is the one truth about which files count: a flush or a merge takes effect with one transaction here. SQLite keeps
no checksums, so every row carries one of its own.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from influxish.errors import CorruptData, StorageError
from influxish.storage.interface import RetentionPolicy

APPLICATION_ID = 0x49465831  # "IFX1", kept in SQLite's own header field for it
FORMAT_VERSION = 1

_TABLES = {
    "databases": {"name": "TEXT NOT NULL UNIQUE"},
    "policies": {
        "database": "INTEGER NOT NULL",
        "name": "TEXT NOT NULL",
        "duration": "INTEGER NOT NULL",
        "shard_duration": "INTEGER NOT NULL",
        "is_default": "INTEGER NOT NULL",
    },
    "shards": {"policy": "INTEGER NOT NULL", "start": "INTEGER NOT NULL", "stop": "INTEGER NOT NULL"},
    "segments": {
        "shard": "INTEGER NOT NULL",
        "place": "INTEGER NOT NULL",
        "file": "TEXT NOT NULL",
        "size": "INTEGER NOT NULL",
    },
    "fields": {
        "shard": "INTEGER NOT NULL",
        "measurement": "TEXT NOT NULL",
        "name": "TEXT NOT NULL",
        "type": "TEXT NOT NULL",
    },
    "logs": {"first": "INTEGER NOT NULL"},
}
"""Table → its columns. Each has an `id` before them, never used again, and a `checksum` of them after."""

_UNIQUE = {"policies": "database, name", "segments": "shard, file", "fields": "shard, measurement, name"}


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment file of a shard. `place` orders the segments of a shard by age; `size` is in bytes."""

    shard: int
    place: int
    file: str
    size: int


class Catalog:
    """Reads and changes the catalog. Not thread-safe: the engine's lock guards it.

    Args:
        path: of the file; None keeps the catalog in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        with self._explained():
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA synchronous = EXTRA")
        application, version = run("PRAGMA application_id").fetchone()[0], run("PRAGMA user_version").fetchone()[0]
        empty = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and application != APPLICATION_ID:
            raise CorruptData(f"{self.path}: not a catalog of influxish, or its header is damaged")
        if version > FORMAT_VERSION:
            raise StorageError(
                f"{self.path} has format version {version}, but this program reads up to {FORMAT_VERSION}; "
                "open it with the newer influxish that wrote it"
            )
        if empty:
            with self.transaction():
                for name, columns in _TABLES.items():
                    described = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
                    unique = f", UNIQUE ({_UNIQUE[name]})" if name in _UNIQUE else ""
                    identity = "id INTEGER PRIMARY KEY AUTOINCREMENT"
                    run(f"CREATE TABLE {name} ({identity}, {described}, checksum INTEGER NOT NULL{unique})")
                run(f"PRAGMA application_id = {APPLICATION_ID}")
                run(f"PRAGMA user_version = {FORMAT_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[Catalog]:
        """All changes made inside take effect together, durably, or not at all."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def databases(self) -> dict[str, int]:
        """Name → id."""
        return {str(name): id for id, name in self._rows("databases")}

    def add_database(self, name: str) -> int:
        """Enter a database; its id."""
        return self._insert("databases", name)

    def remove_database(self, database: int) -> None:
        """Forget a database and everything in it, as one change."""
        policies = "SELECT id FROM policies WHERE database = ?"
        shards = f"SELECT id FROM shards WHERE policy IN ({policies})"
        for statement in (
            f"DELETE FROM segments WHERE shard IN ({shards})",
            f"DELETE FROM fields WHERE shard IN ({shards})",
            f"DELETE FROM shards WHERE policy IN ({policies})",
            "DELETE FROM policies WHERE database = ?",
            "DELETE FROM databases WHERE id = ?",
        ):
            self._connection.execute(statement, (database,))

    def policies(self) -> list[tuple[int, int, RetentionPolicy]]:
        """(id, database, policy) of all."""
        return [
            (id, database, RetentionPolicy(name, duration, shard_duration, bool(default)))
            for id, database, name, duration, shard_duration, default in self._rows("policies")
        ]

    def add_policy(self, database: int, policy: RetentionPolicy) -> int:
        """Enter a retention policy of a database; its id."""
        return self._insert(
            "policies", database, policy.name, policy.duration, policy.shard_duration, int(policy.default)
        )

    def change_policy(self, id: int, database: int, policy: RetentionPolicy) -> None:
        """Put other settings in the place of a policy's."""
        values = (database, policy.name, policy.duration, policy.shard_duration, int(policy.default))
        assignments = ", ".join(f"{column} = ?" for column in _TABLES["policies"])
        statement = f"UPDATE policies SET {assignments}, checksum = ? WHERE id = ?"
        self._connection.execute(statement, (*values, _checksum(values), id))

    def shards(self) -> list[tuple[int, int, int, int]]:
        """(id, policy, start, stop) of all, by start."""
        return sorted(self._rows("shards"), key=lambda row: row[2])

    def add_shard(self, policy: int, start: int, stop: int) -> int:
        """Enter a shard for the times [start, stop) ns; its id."""
        return self._insert("shards", policy, start, stop)

    def segments(self) -> list[SegmentEntry]:
        """Of all shards, oldest first."""
        return sorted((SegmentEntry(*row[1:]) for row in self._rows("segments")), key=lambda entry: entry.place)

    def add_segment(self, entry: SegmentEntry) -> None:
        """Enter a segment: from the end of the transaction on, its file counts."""
        self._insert("segments", entry.shard, entry.place, entry.file, entry.size)

    def remove_segment(self, shard: int, file: str) -> None:
        """Take out a segment: from the end of the transaction on, its file may go."""
        self._connection.execute("DELETE FROM segments WHERE shard = ? AND file = ?", (shard, file))

    def fields(self) -> list[tuple[int, str, str, str]]:
        """(shard, measurement, field, type) of all that were flushed."""
        return [row[1:] for row in self._rows("fields")]

    def add_field(self, shard: int, measurement: str, name: str, type: str) -> None:
        """Note the type of a field; noting it again changes nothing."""
        values = (shard, measurement, name, type)
        columns = ", ".join(_TABLES["fields"])
        statement = f"INSERT OR IGNORE INTO fields ({columns}, checksum) VALUES (?, ?, ?, ?, ?)"
        self._connection.execute(statement, (*values, _checksum(values)))

    def first_log(self) -> int:
        """Number of the oldest log file whose rows are not all in segments; 0 before the first flush."""
        return max((first for _, first in self._rows("logs")), default=0)

    def set_first_log(self, number: int) -> None:
        """Note the number of the first log file that still matters."""
        self._connection.execute("DELETE FROM logs")
        self._insert("logs", number)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _insert(self, table: str, *values: object) -> int:
        columns = ", ".join((*_TABLES[table], "checksum"))
        places = ", ".join("?" * (len(values) + 1))
        with self._explained():
            cursor = self._connection.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({places})", (*values, _checksum(values))
            )
        return cursor.lastrowid or 0

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        columns = ", ".join(("id", *_TABLES[table], "checksum"))
        with self._explained():
            found = self._connection.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()
        for row in found:
            if _checksum(row[1:-1]) != row[-1]:
                raise CorruptData(f"{self.path}: the row {row[:-1]} of table {table} is damaged")
        return [row[:-1] for row in found]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            kind = StorageError if isinstance(error, sqlite3.OperationalError) else CorruptData
            raise kind(f"{self.path or 'catalog'}: {error}") from error
        except UnicodeDecodeError as error:  # a damaged name in SQLite's own message
            raise CorruptData(f"{self.path or 'catalog'}: the schema is damaged") from error


def _checksum(values: Sequence[object]) -> int:
    return zlib.crc32(repr(tuple(values)).encode())
