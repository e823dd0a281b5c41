"""The catalog: databases, policies, shards, field types, segment files, and what was deleted of them.

It is the one truth about which files count: a flush or a merge takes effect with one transaction here. Users,
subscriptions and continuous queries are in it too, as records that others understand.
"""

from __future__ import annotations

from dataclasses import dataclass

from influxish.storage.catalog_file import CatalogFile
from influxish.storage.interface import RetentionPolicy


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment file of a shard. `place` orders the segments of a shard by age; `size` is in bytes."""

    shard: int
    place: int
    file: str
    size: int


class Catalog(CatalogFile):
    """What the tables say: databases, policies, shards and what is in them."""

    def databases(self) -> dict[str, int]:
        """Name → id."""
        return {str(name): id for id, name in self._rows("databases")}

    def add_database(self, name: str) -> int:
        """Enter a database; its id."""
        return self._insert("databases", name)

    def remove_database(self, database: int) -> None:
        """Forget a database and everything in it, as one change."""
        self._remove_policies("database", database)
        for table in ("removed", "grants", "continuous_queries"):
            self._connection.execute(f"DELETE FROM {table} WHERE database = ?", (database,))
        self._connection.execute("DELETE FROM databases WHERE id = ?", (database,))

    def remove_policy(self, policy: int) -> None:
        """Forget a retention policy and everything in it, as one change."""
        self._remove_policies("id", policy)

    def _remove_policies(self, column: str, value: int) -> None:
        policies = f"SELECT id FROM policies WHERE {column} = ?"
        shards = f"SELECT id FROM shards WHERE policy IN ({policies})"
        for statement in (
            f"DELETE FROM segments WHERE shard IN ({shards})",
            f"DELETE FROM fields WHERE shard IN ({shards})",
            f"DELETE FROM tombstones WHERE shard IN ({shards})",
            f"DELETE FROM shards WHERE policy IN ({policies})",
            f"DELETE FROM subscriptions WHERE policy IN ({policies})",
            f"DELETE FROM replications WHERE policy IN ({policies})",
            f"DELETE FROM policies WHERE {column} = ?",
        ):
            self._connection.execute(statement, (value,))

    def policies(self) -> list[tuple[int, int, RetentionPolicy]]:
        """(id, database, policy) of all."""
        copies = {policy: number for _, policy, number in self._rows("replications")}
        return [
            (id, database, RetentionPolicy(name, duration, shard_duration, bool(default), copies.get(id, 1)))
            for id, database, name, duration, shard_duration, default in self._rows("policies")
        ]

    def add_policy(self, database: int, policy: RetentionPolicy) -> int:
        """Enter a retention policy of a database; its id."""
        id = self._insert(
            "policies", database, policy.name, policy.duration, policy.shard_duration, int(policy.default)
        )
        self._set_copies(id, policy.replication)
        return id

    def change_policy(self, id: int, database: int, policy: RetentionPolicy) -> None:
        """Put other settings in the place of a policy's."""
        self.change_record(
            "policies", id, database, policy.name, policy.duration, policy.shard_duration, int(policy.default)
        )
        self._set_copies(id, policy.replication)

    def _set_copies(self, policy: int, copies: int) -> None:
        """One is not noted: so it was before there was a table for it."""
        self.remove_records("replications", "policy", policy)
        if copies != 1:
            self._insert("replications", policy, copies)

    def shards(self) -> list[tuple[int, int, int, int]]:
        """(id, policy, start, stop) of all, by start."""
        return sorted(self._rows("shards"), key=lambda row: row[2])

    def add_shard(self, policy: int, start: int, stop: int) -> int:
        """Enter a shard for the times [start, stop) ns; its id."""
        return self._insert("shards", policy, start, stop)

    def remove_shard(self, shard: int) -> None:
        """Forget a shard and everything in it, as one change."""
        for table in ("segments", "fields", "tombstones"):
            self._connection.execute(f"DELETE FROM {table} WHERE shard = ?", (shard,))
        self._connection.execute("DELETE FROM shards WHERE id = ?", (shard,))

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
        known = "SELECT 1 FROM fields WHERE shard = ? AND measurement = ? AND name = ?"
        if self._connection.execute(known, (shard, measurement, name)).fetchone() is None:
            self._insert("fields", shard, measurement, name, type)

    def remove_fields(self, shard: int, measurement: str) -> None:
        """Forget the types of the fields of a measurement."""
        self._connection.execute("DELETE FROM fields WHERE shard = ? AND measurement = ?", (shard, measurement))

    def tombstones(self) -> list[tuple[int, int, str, int, int, bytes | None]]:
        """(shard, number, measurement, start, stop, series) of all, by number; see `tombstones.Tombstone`."""
        return sorted((row[1:] for row in self._rows("tombstones")), key=lambda row: row[1])

    def add_tombstone(
        self, shard: int, number: int, measurement: str, start: int, stop: int, series: bytes | None
    ) -> None:
        """Enter a tombstone; `series` None means all."""
        self._insert("tombstones", shard, number, measurement, start, stop, series)

    def remove_tombstone(self, shard: int, number: int) -> None:
        """Take out the tombstones of a number that hide nothing any more; nothing happens if there are none."""
        self._connection.execute("DELETE FROM tombstones WHERE shard = ? AND number = ?", (shard, number))

    def removed(self) -> list[tuple[int, str, bytes]]:
        """(database, measurement, series) of the series that were removed; a measurement may come more than once."""
        return [row[1:] for row in self._rows("removed")]

    def add_removed(self, database: int, measurement: str, series: bytes) -> None:
        """Note removed series, in addition to those noted before."""
        self._insert("removed", database, measurement, series)

    def set_removed(self, database: int, measurement: str, series: bytes) -> None:
        """Note all removed series of a measurement, in place of what was noted before."""
        self._connection.execute("DELETE FROM removed WHERE database = ? AND measurement = ?", (database, measurement))
        self._insert("removed", database, measurement, series)

    def first_log(self) -> int:
        """Number of the oldest log file whose rows are not all in segments; 0 before the first flush."""
        return max((first for _, first in self._rows("logs")), default=0)

    def set_first_log(self, number: int) -> None:
        """Note the number of the first log file that still matters."""
        self._connection.execute("DELETE FROM logs")
        self._insert("logs", number)

    def remove_continuous_query(self, database: int, name: str) -> None:
        """Take out the continuous query of that name."""
        self._connection.execute("DELETE FROM continuous_queries WHERE database = ? AND name = ?", (database, name))
