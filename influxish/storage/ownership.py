"""A store belongs to the process that opened it. A fork of that process gets a copy of everything, which must not be
used: two copies of one log overwrite each other's writes. Which process has a folder open is `files.FolderLock`'s.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

from influxish.errors import StorageError
from influxish.storage.files import FolderLock


class OwnerLock:
    """A reentrant lock that can be taken only in the process that made it.

    A fork waits until it is free: so no fork has a copy of a transaction half done, which it would undo in the files
    when it ends.

    Args:
        path: of the store, for messages; None for one in memory.

    Attributes:
        folder: the lock of the store's folder, of which a fork lets go; else the folder stayed locked until it ends.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._process, self._lock = path, os.getpid(), threading.RLock()
        self.folder: FolderLock | None = None
        _LOCKS.add(self)

    @property
    def forked(self) -> bool:
        """Whether this is a copy in another process."""
        return os.getpid() != self._process

    def check(self) -> None:
        """Raise StorageError if this is a copy in another process."""
        if self.forked:
            raise StorageError(
                f"the store {self._path or 'in memory'} was opened by process {self._process} and cannot be used in "
                f"process {os.getpid()}, a fork of it; use it there, or open it here once it is closed there"
            )

    def __enter__(self) -> None:
        self.check()
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def hold(self) -> None:
        """Ahead of a fork."""
        self._lock.acquire()

    def free(self) -> None:
        """After a fork, in both processes."""
        self._lock.release()
        if self.forked and self.folder is not None:
            self.folder.close()


_LOCKS: WeakSet[OwnerLock] = WeakSet()
_FORKING = threading.Lock()
_HELD: list[OwnerLock] = []
"""By the fork that is going on; `_FORKING` is held meanwhile."""


def _before_fork() -> None:
    _FORKING.acquire()
    for lock in list(_LOCKS):
        lock.hold()
        _HELD.append(lock)


def _after_fork() -> None:
    while _HELD:
        _HELD.pop().free()
    _FORKING.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
