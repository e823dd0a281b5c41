"""The continuous queries of a store, as text that the catalog keeps. What they mean, when they run, is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from influxish.errors import CorruptData, ExecutionError, NotFound
from influxish.storage.catalog import Catalog
from influxish.storage.catalog_file import RESTORE
from influxish.storage.databases import DatabaseState
from influxish.storage.ownership import OwnerLock


@dataclass(frozen=True, slots=True)
class StoredContinuousQuery:
    """A continuous query: the statement that makes it, in canonical form and with all names in full."""

    database: str
    name: str
    text: str


class StoredContinuousQueries:
    """The continuous queries of a store. Thread-safe.

    Args:
        lock: guards it, as all state of the engine.
        usable: the catalog, or StorageError where the store is closed.
        databases: those of the engine; a continuous query goes with its database.
    """

    def __init__(
        self, lock: OwnerLock, catalog: Catalog, usable: Callable[[], Catalog], databases: Mapping[str, DatabaseState]
    ) -> None:
        self._lock, self._usable, self._databases = lock, usable, databases
        self._texts: dict[int, dict[str, str]] = {}
        known = {state.id for state in databases.values()}
        for id, database, name, text in catalog.records("continuous_queries"):
            if database not in known:
                row = f"table continuous_queries, row {id}: there is no database {database}"
                raise CorruptData(f"{catalog.path}: {row}; {RESTORE}")
            self._texts.setdefault(database, {})[name] = text

    def all(self) -> dict[str, list[StoredContinuousQuery]]:
        """Database → its continuous queries, in the order in which they were made; every database is there."""
        with self._lock:
            self._usable()
            return {
                database.name: [
                    StoredContinuousQuery(database.name, name, text)
                    for name, text in self._texts.get(database.id, {}).items()
                ]
                for database in self._databases.values()
            }

    def add(self, database: str, name: str, text: str) -> None:
        """Keep a continuous query; one that is there already with the same text stays, as InfluxDB has it.

        Raises:
            NotFound: no such database.
            ExecutionError: there is another of that name.
        """
        with self._lock:
            catalog, state = self._usable(), self._databases.get(database)
            if state is None:
                raise NotFound(f"database not found: {database}")
            texts = self._texts.setdefault(state.id, {})
            if name in texts:
                if texts[name].lower() != text.lower():
                    raise ExecutionError("continuous query already exists")
                return
            with catalog.transaction():
                catalog.add_record("continuous_queries", state.id, name, text)
            texts[name] = text

    def drop(self, database: str, name: str) -> None:
        """Forget a continuous query; nothing happens if there is none."""
        with self._lock:
            catalog, state = self._usable(), self._databases.get(database)
            if state is None or name not in self._texts.get(state.id, {}):
                return
            with catalog.transaction():
                catalog.remove_continuous_query(state.id, name)
            del self._texts[state.id][name]
