"""Deleting points, series, measurements and shards: how a deletion is logged and takes effect.

A series whose last row goes is taken out of the index; that alone hides what segments still hold of it. Where a series
keeps some of its rows, tombstones hide the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from influxish.batch import Mask, Positions
from influxish.errors import NotFound
from influxish.functions.expression import Expression
from influxish.storage.affected import SegmentWork, deletion, orphans, series_in_segments
from influxish.storage.catalog import Catalog
from influxish.storage.databases import DatabaseState, PolicyState, shard_folder
from influxish.storage.deletions import Deletion, Deletions, pack_deletions
from influxish.storage.files import Removal
from influxish.storage.options import StorageOptions
from influxish.storage.ownership import OwnerLock
from influxish.storage.shard import Shard
from influxish.storage.tombstones import pack_series
from influxish.storage.waiting import held
from influxish.storage.wal import WriteAheadLog
from influxish.types import TimeRange


class Deleter:
    """Deletes from the databases of an engine, whose state it shares.

    Args:
        lock: the engine's; held only while something takes effect.
        busy: the flusher's; held all the time, so segments and tombstones stay as they are meanwhile.
        databases: the engine's own mapping.
        check: raises StorageError if the store takes no changes. Called under the lock.
    """

    def __init__(
        self,
        *,
        root: Path | None,
        options: StorageOptions,
        lock: OwnerLock,
        busy: threading.Lock,
        catalog: Catalog,
        wal: WriteAheadLog | None,
        databases: Mapping[str, DatabaseState],
        check: Callable[[], None],
    ) -> None:
        self._root, self._options, self._lock, self._busy = root, options, lock, busy
        self._catalog, self._wal, self._databases, self._check = catalog, wal, databases, check

    def delete(
        self, database: str, conditions: Mapping[str, Expression | None], time_range: TimeRange, *, forget: bool
    ) -> None:
        """See `Engine.delete`."""
        with held(self._busy):
            with self._lock:
                self._check()
                state = self._database(database)
                shards, series = list(state.shards()), {name: state.index.series(name) for name in conditions}
            work = {
                name: SegmentWork(shards, name, series[name], condition, time_range)
                for name, condition in conditions.items()
            }
            with self._lock:
                self._check()
                found = (
                    deletion(state, work[name], name, condition, time_range, forget)
                    for name, condition in conditions.items()
                )
                record = Deletions(state.id, [part for part in found if part is not None])
                if not record.parts:
                    return
                ticket = 0 if self._wal is None else self._wal.append(pack_deletions(record))
                for part in record.parts:
                    carry_out(state, part)
            # Nothing that refers to it is put into the catalog before it is durable.
            if self._wal is not None:
                self._wal.commit(ticket)

    def drop_shard(self, id: int, *, expired_at: int | None = None) -> bool:
        """See `Engine.drop_shard`; whether it was dropped.

        Args:
            expired_at: ns; it stays if it is not expired at that moment, because its policy was changed.
        """
        with held(self._busy):
            with self._lock:
                self._check()
                found = self._shard(id)
            if found is None:
                return False
            state, policy, shard = found
            stored = self._stored_elsewhere(state, [shard])
            with self._lock:
                self._check()
                if expired_at is not None and not policy.is_expired(shard, expired_at):
                    return False
                removed = orphans(state, [shard], stored)
                with self._catalog.transaction() as catalog:
                    catalog.remove_shard(id)
                    _note(catalog, state, removed)
                del policy.shards[shard.time_range.start]
                for name, numbers in removed.items():
                    remove_series(state, name, numbers)
            self._remove_files(state, shard)
            return True

    def drop_policy(self, database: str, name: str) -> None:
        """See `Engine.drop_policy`."""
        with held(self._busy):
            with self._lock:
                self._check()
                state = self._databases.get(database)
                policy = None if state is None else state.policies.get(name)
                if state is None or policy is None:
                    return
                shards = list(policy.shards.values())
            stored = self._stored_elsewhere(state, shards)
            with self._lock:
                self._check()
                shards = list(policy.shards.values())  # writes may have made more
                removed = orphans(state, shards, stored)
                with self._catalog.transaction() as catalog:
                    catalog.remove_policy(policy.id)
                    _note(catalog, state, removed)
                del state.policies[name]
                for measurement, numbers in removed.items():
                    remove_series(state, measurement, numbers)
            for shard in shards:
                self._remove_files(state, shard)

    def _stored_elsewhere(self, state: DatabaseState, shards: Sequence[Shard]) -> dict[str, Mask]:
        """Measurement of some shards → by series number, which of its series have rows in segments of others."""
        with self._lock:
            others = [other for other in state.shards() if other not in shards]
            counts = {name: state.index.count(name) for shard in shards for name in shard.types}
        return {name: series_in_segments(others, name, count) for name, count in counts.items()}

    def _remove_files(self, state: DatabaseState, shard: Shard) -> None:
        if self._root is None or state.removal is None or self._lock.folder is None:
            return
        removal = Removal(self._options.files, shard_folder(self._root, state.id, shard.id))
        removal.want(self._lock.folder)
        for segment in shard.segments:
            segment.goes_with(removal, state.removal)

    def _shard(self, id: int) -> tuple[DatabaseState, PolicyState, Shard] | None:
        for state in self._databases.values():
            for policy in state.policies.values():
                for shard in policy.shards.values():
                    if shard.id == id:
                        return state, policy, shard
        return None

    def _database(self, name: str) -> DatabaseState:
        state = self._databases.get(name)
        if state is None:
            raise NotFound(f'database not found: "{name}"')
        return state


def _note(catalog: Catalog, state: DatabaseState, removed: Mapping[str, Positions]) -> None:
    """Enter removed series, by measurement, in the catalog."""
    for measurement, numbers in removed.items():
        if len(numbers):
            catalog.add_removed(state.id, measurement, pack_series(numbers))


def carry_out(state: DatabaseState, deletion: Deletion) -> None:
    """Let a deletion take effect in memory. The engine's lock is held, and nothing is being flushed.

    Series that it names must be known to the index. Doing it again changes nothing.
    """
    numbers = dict(deletion.tombstones)
    for shard in state.shards():
        if deletion.forget:
            shard.forget(deletion.measurement)
        if shard.time_range.overlaps(deletion.extent.time_range):
            shard.delete(deletion.measurement, deletion.extent, numbers.get(shard.id, 0))
    remove_series(state, deletion.measurement, deletion.removed)


def remove_series(state: DatabaseState, measurement: str, numbers: Positions) -> None:
    """Take series that have no rows any more out of the index. The engine's lock is held."""
    if len(numbers):
        state.index.remove(measurement, numbers)
        state.unsaved.add(measurement)
