"""What the parts of an engine share: its lock, its catalog, its log, its databases in memory, and how they are guarded.

The parts are classes over this one, each with the methods of one kind; `engine.Engine` is all of them.
"""

from __future__ import annotations

from pathlib import Path

from influxish.errors import NotFound, StorageError
from influxish.storage.catalog import Catalog
from influxish.storage.damage import Damage
from influxish.storage.databases import DatabaseState
from influxish.storage.deleting import Deleter
from influxish.storage.files import FolderLock
from influxish.storage.flushing import Flusher
from influxish.storage.options import StorageOptions
from influxish.storage.ownership import OwnerLock
from influxish.storage.wal import WriteAheadLog


class EngineState:
    """The state of an engine, which is not open yet.

    One lock guards all of it.

    Attributes:
        damage: what was found broken, and left out, since the store was opened.
    """

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

    def _check_writable(self) -> None:
        self._usable()
        if self._wal is not None:
            self._wal.check()
        self._flusher.check_backlog()

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
