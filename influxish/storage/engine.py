"""The embedded engine: databases in a folder, or in memory. The face of this package.

One lock guards all state. It is held for changes in memory and appends, and for the rare new series or shard that
must be on disk before a point refers to it; the fsync of a write happens outside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from influxish.batch import Mask
from influxish.errors import ExecutionError, NotFound, PartialWrite, StorageError
from influxish.functions.expression import Expression
from influxish.storage.accepting import accept
from influxish.storage.accounts import Accounts
from influxish.storage.catalog import Catalog
from influxish.storage.damage import Damage
from influxish.storage.databases import DatabaseState, PolicyState, database_folder
from influxish.storage.deleting import Deleter
from influxish.storage.files import FolderLock, Removal
from influxish.storage.flushing import Flusher
from influxish.storage.index import MeasurementSeries
from influxish.storage.interface import RetentionPolicy
from influxish.storage.opening import SERIES_FILE, Opening, shard_name, store_folder
from influxish.storage.options import StorageOptions
from influxish.storage.ownership import OwnerLock
from influxish.storage.points import PointBatch, Tags
from influxish.storage.series_log import SeriesLog
from influxish.storage.shard import Shard, ShardSnapshot
from influxish.storage.statistics import Statistics
from influxish.storage.subscriptions import Subscriptions
from influxish.storage.wal import WriteAheadLog, log_files, log_number
from influxish.storage.writing import Intake
from influxish.types import ALL_TIME, TYPE_PREFERENCE, DataType, TimeRange

__all__ = ["Engine", "StorageOptions"]

_SERIES_PER_LOOK = 16_384
"""Some 50 ms of listing and sorting."""


class Engine:
    """A store of databases. Thread-safe. Implements `interface.Store`.

    Only the process that opened it can use it: in a fork every method but `close` raises StorageError.

    Attributes:
        damage: what was found broken, and left out, since the store was opened.
        accounts: the users.
        subscriptions: who wants copies of what is written.
        statistics: what was written, and what lies where.
        on_written: called with database, policy and points after every write, in the thread that writes.
    """

    accounts: Accounts
    subscriptions: Subscriptions
    statistics: Statistics
    on_written: Callable[[str, str, PointBatch], None] | None = None

    _flusher: Flusher
    _deleter: Deleter

    def __init__(self, path: Path | None, options: StorageOptions) -> None:
        self.path, self.options = path, options
        self.damage: list[Damage] = []
        self._lock = OwnerLock(path)
        self._closed = False
        self._databases: dict[str, DatabaseState] = {}
        self._wal: WriteAheadLog | None = None
        self._folder_lock: FolderLock | None = None
        self._catalog: Catalog | None = None
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

    @property
    def forked(self) -> bool:
        """Whether this is a copy in a fork of the process that opened the store: nothing can be done with it."""
        return self._lock.forked

    def refuse_when_forked(self) -> None:
        """Raise StorageError if this is a copy in a fork of the process that opened the store."""
        self._lock.check()

    @property
    def read_only_reason(self) -> str:
        """Why no more writes are taken; "" while they are."""
        try:
            self._lock.check()
            if self._wal is not None:
                self._wal.check()
        except StorageError as error:
            return str(error)
        return ""

    # Databases and retention policies

    def databases(self) -> list[str]:
        """Names, in the order in which they were made."""
        with self._lock:
            self._usable()
            return list(self._databases)

    def has_database(self, database: str) -> bool:
        self._usable()
        return database in self._databases

    def create_database(self, name: str, policy: RetentionPolicy | None = None) -> None:
        """Make a database with one retention policy, its default: `autogen`, which keeps points for ever, or `policy`.

        A database of that name that is there already stays as it is.
        """
        if not name:
            raise ExecutionError("a database needs a name")
        chosen = replace(policy or RetentionPolicy("autogen"), default=True)
        with self._lock:
            catalog = self._usable()
            if name in self._databases:
                return
            with catalog.transaction():
                state = DatabaseState(catalog.add_database(name), name)
                state.policies[chosen.name] = PolicyState(catalog.add_policy(state.id, chosen), chosen)
                if self.path is not None:
                    folder = database_folder(self.path, state.id)
                    self.options.files.make_directory(folder)
                    state.series_log = SeriesLog(self.options.files, folder / SERIES_FILE)
                    state.removal = Removal(self.options.files, folder)
            self._databases[name] = state

    def drop_database(self, name: str) -> None:
        """Forget a database and its data; nothing happens if there is none of that name. Snapshots stay readable."""
        self._usable()  # nobody lets go of `busy` in a fork
        with self._flusher.busy, self._lock:
            catalog = self._usable()
            state = self._databases.get(name)
            if state is None:
                return
            with catalog.transaction():
                catalog.remove_database(state.id)
            del self._databases[name]
            if state.series_log is not None:
                state.series_log.close()
            if state.removal is not None and self._folder_lock is not None:
                state.removal.want(self._folder_lock)
                for segment in (segment for shard in state.shards() for segment in shard.segments):
                    segment.goes_with(state.removal)

    def policies(self, database: str) -> list[RetentionPolicy]:
        """The retention policies of a database, in the order in which they were made."""
        with self._lock:
            return [state.policy for state in self._database(database).policies.values()]

    def policy(self, database: str, name: str = "") -> RetentionPolicy:
        """One retention policy; "" is the default one.

        Raises:
            NotFound: no such database or policy.
        """
        with self._lock:
            return self._database(database).policy(name).policy

    def default_policy(self, database: str) -> str:
        return self.policy(database).name

    def has_policy(self, database: str, policy: str) -> bool:
        with self._lock:
            self._usable()
            return database in self._databases and policy in self._databases[database].policies

    def create_policy(self, database: str, policy: RetentionPolicy) -> None:
        """Add a retention policy; one that is there already in the same form stays.

        It is the default one if it says so, or if there is no default.

        Raises:
            NotFound: no such database.
            ExecutionError: there is another policy of that name, or the same, and it is not the default one.
        """
        with self._lock:
            catalog, state = self._usable(), self._database(database)
            existing = state.policies.get(policy.name)
            if existing is not None and existing.policy != policy:
                raise ExecutionError("retention policy already exists")
            if existing is not None and policy.default and not existing.policy.default:
                raise ExecutionError("retention policy conflicts with an existing policy")
            if existing is not None:
                return
            chosen = policy.default or not any(other.policy.default for other in state.policies.values())
            policy = replace(policy, default=chosen)
            with catalog.transaction():
                made = PolicyState(catalog.add_policy(state.id, policy), policy)
                changes = self._without_default(catalog, state) if chosen else {}
            state.policies[policy.name] = made
            for other, changed in changes.items():
                other.policy = changed

    def change_policy(self, database: str, name: str, changed: Callable[[RetentionPolicy], RetentionPolicy]) -> None:
        """Put the policy that `changed` makes of one in its place; "" is the default one. Its name stays.

        Shards that there are keep the times that they cover.

        Raises:
            NotFound: no such database or policy.
        """
        with self._lock:
            catalog, state = self._usable(), self._database(database)
            target = state.policy(name)
            before, policy = target.policy, changed(target.policy)
            with catalog.transaction():
                changes = self._without_default(catalog, state) if policy.default and not before.default else {}
                catalog.change_policy(target.id, state.id, policy)
            for other, altered in (*changes.items(), (target, policy)):
                other.policy = altered
            target.mixed = target.mixed or (policy.shard_duration != before.shard_duration and bool(target.shards))

    def drop_policy(self, database: str, name: str) -> None:
        """Remove a retention policy with its points, and the series that have none any more.

        Nothing happens if there is none. Snapshots stay readable.

        Raises:
            StorageError: it is not removed.
        """
        self._usable()  # nobody lets go of `busy` in a fork
        self._deleter.drop_policy(database, name)

    @staticmethod
    def _without_default(catalog: Catalog, database: DatabaseState) -> dict[PolicyState, RetentionPolicy]:
        """Enter in the catalog that no policy is the default one: those that this changes."""
        changes = {s: replace(s.policy, default=False) for s in database.policies.values() if s.policy.default}
        for state, policy in changes.items():
            catalog.change_policy(state.id, database.id, policy)
        return changes

    # Reading

    def shards(self, database: str, policy: str = "", time_range: TimeRange = ALL_TIME) -> Sequence[ShardSnapshot]:
        """See `interface.Store`; "" is the default policy.

        Raises:
            NotFound: no such database or policy.
        """
        with self._lock:
            self._usable()
            state = self._database(database)
            series = state.index.view()
            found = [s for s in state.policy(policy).shards.values() if s.time_range.overlaps(time_range)]
            found.sort(key=lambda shard: shard.time_range.start)
            return [shard.snapshot(state.index, series) for shard in found]

    def shard_ranges(self, database: str) -> list[tuple[int, RetentionPolicy, TimeRange]]:
        """(number, policy, times covered) of every shard: by policy in the order in which they were made, then by time.

        Raises:
            NotFound: no such database.
        """
        with self._lock:
            states = list(self._database(database).policies.values())
            return [(s.id, p.policy, s.time_range) for p in states for _, s in sorted(p.shards.items())]

    def measurements(self, database: str) -> list[str]:
        """Names, sorted."""
        with self._lock:
            return self._database(database).measurements()

    def tag_keys(self, database: str, measurement: str, condition: Expression | None = None) -> list[str]:
        """The tag keys of the series for which `condition` (over tags) holds, sorted."""
        series = self._series(database, measurement)
        return series.used_keys(series.select(condition))

    def tag_values(self, database: str, measurement: str, key: str, condition: Expression | None = None) -> list[str]:
        """The values of one tag among the series for which `condition` (over tags) holds, sorted."""
        series = self._series(database, measurement)
        return series.used_values(key, series.select(condition))

    def series_keys(
        self,
        database: str,
        measurement: str,
        condition: Expression | None = None,
        look: Callable[[], None] = lambda: None,
        among: Mask | None = None,
    ) -> list[Tags]:
        """The tags of the series for which `condition` (over tags) holds, sorted.

        Args:
            look: called now and then while there is much to do; what it raises ends the call.
            among: (n,) bool: only those of the first n series that are marked; None: all.
        """
        series = self._series(database, measurement)
        if among is not None:
            series = series.among(np.append(among, np.zeros(series.count - len(among), np.bool_)))
        tags, found = iter(series.all_tags(series.select(condition))), list[Tags]()
        while some := sorted(islice(tags, _SERIES_PER_LOOK)):
            look()
            found += some
        found.sort()  # quick: Timsort finds the runs that are sorted already
        return found

    def count_series(self, database: str, measurement: str) -> int:
        """How many series a measurement has."""
        series = self._series(database, measurement)
        selected = series.select(None)
        return series.count if selected is None else int(selected.sum())

    def field_keys(self, database: str, measurement: str, policy: str | None = None) -> dict[str, tuple[DataType, ...]]:
        """Field → the types it has, in the order of `types.TYPE_PREFERENCE`; sorted by name. None: all policies."""
        found: dict[str, set[DataType]] = {}
        with self._lock:
            state = self._database(database)
            if state.index.series(measurement).is_empty:
                return {}  # the types of what was deleted are known to writes alone
            shards = state.shards() if policy is None else state.policy(policy).shards.values()
            for shard in shards:
                for name, type_ in shard.types.get(measurement, {}).items():
                    found.setdefault(name, set()).add(type_)
        return {name: tuple(sorted(found[name], key=TYPE_PREFERENCE.index)) for name in sorted(found)}

    def _series(self, database: str, measurement: str) -> MeasurementSeries:
        with self._lock:
            return self._database(database).index.series(measurement)

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
            full = self._flusher.memory() > self.options.memtable_bytes
        if self._wal is not None and ticket:
            self._wal.commit(ticket)
        if self.on_written is not None and intake.portions:
            accepted = PointBatch(tuple(portion.table for portion in intake.portions))
            self.on_written(database, target.policy.name, accepted)
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

    def _check_writable(self) -> None:
        self._usable()
        if self._wal is not None:
            self._wal.check()
        self._flusher.check_backlog()

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

    # Flushing

    def flush(self) -> None:
        """Put everything that is in memory into segments; merge segments where many small ones have gathered.

        Raises:
            StorageError: it failed; the rows are still in memory and in the log, and a later flush tries again.
        """
        with self._lock:
            self._usable()
        self._flusher.flush()

    # Small things

    def _database(self, name: str) -> DatabaseState:
        self._usable()
        state = self._databases.get(name)
        if state is None:
            raise NotFound(f"database not found: {name}")
        return state

    def _usable(self) -> Catalog:
        self._lock.check()
        if self._closed or self._catalog is None:
            raise StorageError(f"the store {self.path or 'in memory'} is closed")
        return self._catalog
