"""The databases of an engine and their retention policies: made, changed, dropped. What is in them is elsewhere.

What a policy may be is checked by who asks for one; the store takes any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from influxish.errors import ExecutionError
from influxish.storage.catalog import Catalog
from influxish.storage.databases import DatabaseState, PolicyState, database_folder
from influxish.storage.engine_state import EngineState
from influxish.storage.files import Removal
from influxish.storage.interface import RetentionPolicy
from influxish.storage.opening import SERIES_FILE
from influxish.storage.series_log import SeriesLog


class Administration(EngineState):
    """The methods of an engine that are about databases and retention policies."""

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
