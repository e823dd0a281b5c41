"""The catalog as a file: its tables, versions and checksums. SQLite. What the rows say is `catalog.py`.

SQLite keeps no checksums, so every row carries one of its own, and every table has a total (see `totals`).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from influxish.errors import CorruptData, ExecutionError, StorageError
from influxish.storage import totals

APPLICATION_ID = 0x49465831  # "IFX1", kept in SQLite's own header field for it
FORMAT_VERSION = 4
"""1 had no totals, 2 nothing of deletions, 3 no users, subscriptions, continuous queries; opening brings them to 4."""

RESTORE = "put the whole folder back from a backup"

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
    "tombstones": {
        "shard": "INTEGER NOT NULL",
        "number": "INTEGER NOT NULL",
        "measurement": "TEXT NOT NULL",
        "start": "INTEGER NOT NULL",
        "stop": "INTEGER NOT NULL",
        "series": "BLOB",
    },
    "removed": {"database": "INTEGER NOT NULL", "measurement": "TEXT NOT NULL", "series": "BLOB NOT NULL"},
    "replications": {"policy": "INTEGER NOT NULL", "copies": "INTEGER NOT NULL"},
    "users": {"name": "TEXT NOT NULL", "password": "TEXT NOT NULL", "admin": "INTEGER NOT NULL"},
    "grants": {"user": "INTEGER NOT NULL", "database": "INTEGER NOT NULL", "privilege": "INTEGER NOT NULL"},
    "subscriptions": {
        "policy": "INTEGER NOT NULL",
        "name": "TEXT NOT NULL",
        "mode": "TEXT NOT NULL",
        "destinations": "TEXT NOT NULL",
    },
    "continuous_queries": {"database": "INTEGER NOT NULL", "name": "TEXT NOT NULL", "text": "TEXT NOT NULL"},
}
"""Table → its columns. Each has an `id` before them, never used again, and a `checksum` of them after.

A file that knows nothing of a table, because it was written before there was one, gets it when it is opened.
"""

_UNIQUE = {
    "policies": "database, name",
    "segments": "shard, file",
    "fields": "shard, measurement, name",
    "tombstones": "shard, number, measurement",
    "replications": "policy",
    "users": "name",
    "grants": "user, database",
    "subscriptions": "policy, name",
    "continuous_queries": "database, name",
}


class CatalogFile:
    """Rows of the catalog's tables, read and changed. Not thread-safe: the engine's lock guards it.

    Args:
        path: of the file; None keeps the catalog in memory.

    Raises:
        StorageError: it is missing or empty although there are files that it should know.
        CorruptData: it is damaged.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None and (not path.exists() or path.stat().st_size == 0):
            self._refuse_orphans(path)  # ahead of SQLite, which would make an empty file
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
        fresh = run("PRAGMA page_count").fetchone()[0] == 0
        if fresh:
            self._create()
        else:
            version = self._checked_version()
            self._check_structure()
            missing = self._missing_tables(version)
            if missing or version < FORMAT_VERSION:
                self._upgrade(version, missing)
        totals.keep(self._connection, _TABLES)

    def _checked_version(self) -> int:
        run = self._connection.execute
        application, version = run("PRAGMA application_id").fetchone()[0], run("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID or version < 1:
            raise CorruptData(f"{self.path}: not a catalog of influxish, or its header is damaged; {RESTORE}")
        if version > FORMAT_VERSION:
            raise StorageError(
                f"{self.path} has format version {version}, but this program reads up to {FORMAT_VERSION}; "
                "open it with the newer influxish that wrote it"
            )
        return int(version)

    def _check_structure(self) -> None:
        """Raise CorruptData unless the pages and indexes of the file fit together."""
        (first,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if first != "ok":
            raise CorruptData(f"{self.path}: {' '.join(first.split())}; {RESTORE}")

    def _create(self) -> None:
        if self.path is not None:
            self._refuse_orphans(self.path)
        run = self._connection.execute
        with self.transaction():
            for name in _TABLES:
                self._create_table(name)
            totals.create(self._connection)
            totals.enter(self._connection, {name: totals.Total(0, 0, 0) for name in _TABLES})
            run(f"PRAGMA application_id = {APPLICATION_ID}")
            run(f"PRAGMA user_version = {FORMAT_VERSION}")

    def _create_table(self, name: str) -> None:
        described = ", ".join(f"{column} {type_}" for column, type_ in _TABLES[name].items())
        unique = f", UNIQUE ({_UNIQUE[name]})" if name in _UNIQUE else ""
        identity = "id INTEGER PRIMARY KEY AUTOINCREMENT"
        self._connection.execute(f"CREATE TABLE {name} ({identity}, {described}, checksum INTEGER NOT NULL{unique})")

    def _missing_tables(self, version: int) -> list[str]:
        """The tables that the file never had. One that is gone is not among them: there is a total of it still."""
        found = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        known = {name for (name,) in found} | (totals.names(self._connection) if version > 1 else set())
        return [name for name in _TABLES if name not in known]

    def _upgrade(self, version: int, missing: Sequence[str]) -> None:
        """Bring an earlier version to this one. What a table without a total holds now is taken for whole."""
        with self.transaction():
            for name in missing:
                self._create_table(name)
            if version == 1:
                totals.create(self._connection)
            untold = _TABLES if version == 1 else missing
            last = {name: totals.given_ids(self._connection, name) for name in untold}
            found = {name: totals.counted(self._read(name), last[name]) for name in untold}
            totals.enter(self._connection, found)
            self._connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")

    @staticmethod
    def _refuse_orphans(path: Path) -> None:
        """A new catalog would give the numbers of files that are there to others, and so write over them."""
        for folder in (path.parent / "data", path.parent / "wal"):
            orphan = next((found for found in folder.rglob("*") if found.is_file()), None)
            if orphan is not None:
                state = "is empty" if path.exists() else "is missing"
                raise StorageError(
                    f"{path} {state}, but {orphan} is there, and only the catalog says what that holds; put the "
                    f"catalog back from a backup of the same moment, or move {path.parent} away to begin anew"
                )

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """All changes made inside take effect together, durably, or not at all."""
        with self._explained():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self
                self._connection.execute("COMMIT")
            except BaseException:
                # BEGIN may not have begun it, and COMMIT or a full disk may have ended it.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def records(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of a table, by id: (id, value of each column …)."""
        return self._rows(table)

    def add_record(self, table: str, *values: object) -> int:
        """Enter a row; its id.

        Raises:
            ExecutionError: a text holds half of a surrogate pair.
        """
        return self._insert(table, *values)

    def change_record(self, table: str, id: int, *values: object) -> None:
        """Put other values in the place of those of a row."""
        _check_texts(values)
        assignments = ", ".join(f"{column} = ?" for column in _TABLES[table])
        statement = f"UPDATE {table} SET {assignments}, checksum = ? WHERE id = ?"
        self._connection.execute(statement, (*values, _checksum(values), id))

    def remove_records(self, table: str, column: str, value: object) -> None:
        """Take out the rows that have a value in a column, which may be `id`."""
        self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (value,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _insert(self, table: str, *values: object) -> int:
        _check_texts(values)
        columns = ", ".join((*_TABLES[table], "checksum"))
        places = ", ".join("?" * (len(values) + 1))
        with self._explained():
            cursor = self._connection.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({places})", (*values, _checksum(values))
            )
        return cursor.lastrowid or 0

    def last_id(self, table: str) -> int:
        """The greatest id ever given in a table; 0 before the first."""
        with self._explained():
            return totals.given_ids(self._connection, table)

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of a table without their checksums, by id.

        Raises:
            CorruptData: a row is damaged, or the rows are not those that were written.
        """
        with self._explained():
            found = self._read(table)
            expected = totals.read(self._connection, table)
            actual = totals.counted(found, totals.given_ids(self._connection, table))
        if expected != actual:
            known = "an unknown number" if expected is None else expected.rows
            raise CorruptData(
                f"{self.path}: table {table} does not hold the rows that were written ({len(found)} found, {known} "
                f"written); {RESTORE}"
            )
        return [row[:-1] for row in found]

    def _read(self, table: str) -> list[tuple[Any, ...]]:
        columns = ", ".join(("id", *_TABLES[table], "checksum"))
        found = self._connection.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()
        for row in found:
            if _checksum(row[1:-1]) != row[-1]:
                raise CorruptData(f"{self.path}: the row {row[:-1]} of table {table} is damaged; {RESTORE}")
        return found

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # a full disk, a file that must not be written
                raise StorageError(f"{self.path or 'catalog'}: {error}") from error
            raise CorruptData(f"{self.path or 'catalog'}: {error}; {RESTORE}") from error
        except UnicodeDecodeError as error:  # a damaged name in SQLite's own message
            raise CorruptData(f"{self.path or 'catalog'}: the schema is damaged; {RESTORE}") from error


def _checksum(values: Sequence[object]) -> int:
    return zlib.crc32(repr(tuple(values)).encode())


def _check_texts(values: Sequence[object]) -> None:
    for text in values:
        try:
            if isinstance(text, str):
                text.encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            raise ExecutionError(f"invalid name: it holds {half}, half of a surrogate pair; leave it out") from None
