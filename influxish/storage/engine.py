"""The embedded engine: databases in a folder, or in memory. The face of this package.

One lock guards all state. It is held for changes in memory and appends, and for the rare new series or shard that
must be on disk before a point refers to it; the fsync of a write happens outside it. What the engine does with
databases and policies is `administration.py`, what it tells of its data `lookup.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from influxish.errors import PartialWrite
from influxish.functions.expression import Expression
from influxish.storage.accepting import accept
from influxish.storage.accounts import Accounts
from influxish.storage.administration import Administration
from influxish.storage.catalog import Catalog
from influxish.storage.continuous_queries import StoredContinuousQueries
from influxish.storage.databases import PolicyState
from influxish.storage.deleting import Deleter
from influxish.storage.files import FolderLock
from influxish.storage.flushing import Flusher
from influxish.storage.handing_on import HandingOn, Written
from influxish.storage.lookup import Lookup
from influxish.storage.opening import Opening, shard_name, store_folder
from influxish.storage.options import StorageOptions
from influxish.storage.points import PointBatch
from influxish.storage.shard import Shard
from influxish.storage.statistics import Statistics
from influxish.storage.subscriptions import Subscriptions
from influxish.storage.wal import WriteAheadLog, log_files, log_number
from influxish.storage.writing import Intake
from influxish.types import ALL_TIME, TimeRange

__all__ = ["Engine", "StorageOptions"]


class Engine(Administration, Lookup):
    """A store of databases. Thread-safe. Implements `interface.Store`.

    Only the process that opened it can use it: in a fork every method but `close` raises StorageError.

    Attributes:
        damage: what was found broken, and left out, since the store was opened.
        accounts: the users.
        continuous_queries: those of all databases.
        subscriptions: who wants copies of what is written.
        statistics: what was written, and what lies where.
        on_written: called with database, policy and points of every write once it is durable, in the order in which
            they became visible, in a thread that writes. It must not wait, nor raise anything.
    """

    accounts: Accounts
    continuous_queries: StoredContinuousQueries
    subscriptions: Subscriptions
    statistics: Statistics
    on_written: Callable[[str, str, PointBatch], None] | None = None

    def __init__(self, path: Path | None, options: StorageOptions) -> None:
        super().__init__(path, options)
        self._handing_on = HandingOn()
        try:
            self._open()
        except BaseException:
            self._release()
            raise

    @staticmethod
    def open(path: Path | str | None, options: StorageOptions | None = None) -> Engine:
        """Open the store in folder `path`, made if need be; None keeps everything in memory.

        Raises:
            StorageError: the folder cannot be, is in use, was written by a newer version, or cannot be read or written.
            CorruptData: its catalog is damaged. Other damage does not keep it closed; see `damage`.
        """
        return Engine(None if path is None else store_folder(path), options or StorageOptions())

    def _open(self) -> None:
        files = self.options.files
        if self.path is not None:
            files.make_directory(self.path / "wal")
            self._folder_lock = self._lock.folder = FolderLock(self.path)
        self._catalog = Catalog(None if self.path is None else self.path / "catalog.sqlite")
        self._databases = Opening(self.path, files, self._catalog, self.damage).databases()
        parts = (self._lock, self._catalog, self._usable, self._databases)
        self.accounts, self.subscriptions = Accounts(*parts), Subscriptions(*parts)
        self.continuous_queries = StoredContinuousQueries(*parts)
        self.statistics = Statistics(self.path, self._lock, self._usable, self._databases)
        if self.path is not None:
            folder = self.path / "wal"
            numbers = [log_number(path) for path in log_files(files, folder)]
            numbers.append(self._catalog.first_log())
            synchronous = self.options.durability == "fsync"
            self._wal = WriteAheadLog(files, folder, max(numbers) + 1, synchronous)
        self._flusher = Flusher(
            root=self.path,
            options=self.options,
            lock=self._lock,
            catalog=self._catalog,
            wal=self._wal,
            databases=self._databases,
            damage=self.damage,
        )
        self._deleter = Deleter(
            root=self.path,
            options=self.options,
            lock=self._lock,
            busy=self._flusher.busy,
            catalog=self._catalog,
            wal=self._wal,
            databases=self._databases,
            check=self._check_writable,
        )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Flush, and let the folder go. Safe to repeat; nothing happens in a fork of the process that opened it.

        Raises:
            StorageError: the flush failed; the store is closed, and what was written is in its log.
        """
        if self._closed or self.forked:
            return
        try:
            if not self.read_only_reason:
                self._flusher.flush()
        finally:
            self._release()

    def _release(self) -> None:
        if hasattr(self, "_flusher"):  # else opening failed before there was one
            self._flusher.stop()
        with self._lock:
            self._closed = True
            for database in self._databases.values():
                if database.series_log is not None:
                    database.series_log.close()
            self._databases.clear()
            for held in (self._wal, self._catalog):
                if held is not None:
                    held.close()
            if self._folder_lock is not None:
                self._folder_lock.release()

    # Writing

    def write(self, database: str, policy: str, points: PointBatch) -> None:
        """Write points; "" is the default policy. When it returns they are as durable as `StorageOptions` says.

        Raises:
            NotFound: no such database or policy.
            PartialWrite: some points were refused; the others are written, and durable.
            WriteError: they are more than one record of the log holds; nothing is written.
            StorageError: nothing is written, or after a failed fsync, nothing is known to be.
        """
        with self._lock:
            self._check_writable()
            state = self._database(database)
            target = state.policy(policy)
            self.statistics.write_begins(points.rows)
            duration = target.policy.duration
            oldest = time.time_ns() - duration if duration else None
            intake = Intake(target, lambda covered: self._shard(target, covered), oldest)
            intake.take(points)
            written, ticket = accept(state, intake, self._wal)
            receive = self.on_written
            if receive is not None and intake.portions:
                accepted = PointBatch(tuple(portion.table for portion in intake.portions))
                self._handing_on.add(Written(ticket, database, target.policy.name, accepted))
            full = self._flusher.memory() > self.options.memtable_bytes
        if self._wal is not None and ticket:
            self._wal.commit(ticket)
        if receive is not None:
            self._handing_on.release(ticket, receive)
        if full:
            self._flusher.flush_in_passing()
        self.statistics.write_ends(intake.rejected)
        if intake.rejected:
            message = f"{intake.rejected[0][1]} dropped={len(intake.rejected)}"
            raise PartialWrite(message, rejected=intake.rejected, written=written)

    def _shard(self, policy: PolicyState, covered: TimeRange) -> Shard:
        shard = policy.shards.get(covered.start)
        if shard is None:
            catalog = self._usable()
            with catalog.transaction():
                id = catalog.add_shard(policy.id, covered.start, covered.stop)
            shard = policy.shards[covered.start] = Shard(id, shard_name(id), covered)
        return shard

    # Deleting

    def delete(
        self,
        database: str,
        conditions: Mapping[str, Expression | None],
        time_range: TimeRange = ALL_TIME,
        *,
        forget: bool = False,
    ) -> None:
        """Delete points from all retention policies of a database, and the series that have none any more.

        It takes effect as a whole: for queries that begin afterwards, not for those that run. Writes go on meanwhile
        while segments are looked at; a flush that is going on is waited for.

        Args:
            conditions: measurement → a condition over tags for the series that lose points; None: all.
            time_range: the points to delete, ns.
            forget: of whole measurements (no condition, all times): drop the types of their fields, too.
        Raises:
            NotFound: no such database.
            WriteError: the deletion is more than one record of the log holds; nothing is deleted.
            StorageError: nothing is deleted, or after a failed fsync, nothing is known to be.
        """
        self._usable()  # nobody lets go of `busy` in a fork
        self._deleter.delete(database, conditions, time_range, forget=forget)

    def drop_shard(self, id: int) -> None:
        """Remove a shard with its points, and the series that have none any more; nothing happens if there is none.

        Snapshots stay readable.

        Raises:
            StorageError: it is not removed.
        """
        self._usable()
        self._deleter.drop_shard(id)

    def drop_expired(self, now: int) -> list[int]:
        """Remove the shards whose last moment is longer ago than their policy keeps points: their numbers.

        Each goes as `drop_shard` has it.

        Args:
            now: the moment to count from, UTC ns.
        Raises:
            StorageError: one is not removed, nor are those after it.
        """
        with self._lock:
            self._usable()
            policies = [policy for database in self._databases.values() for policy in database.policies.values()]
            expired = [shard.id for p in policies for shard in p.shards.values() if p.is_expired(shard, now)]
        return [id for id in sorted(expired) if self._deleter.drop_shard(id, expired_at=now)]

    # Flushing

    def flush(self) -> None:
        """Put everything that is in memory into segments; merge segments where many small ones have gathered.

        Raises:
            StorageError: it failed; the rows are still in memory and in the log, and a later flush tries again.
        """
        with self._lock:
            self._usable()
        self._flusher.flush()
