"""The operating system's files, one method per primitive, so that tests can make any single one of them fail.

Everything the engine does to a file goes through here, save SQLite's own. What the bytes mean is no business of it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from influxish.errors import StorageError


class Files:
    """The real files. `before` is called ahead of each primitive; a subclass that raises OSError there is a fault."""

    def before(self, operation: str, path: Path) -> None:
        """`operation` is one of open, read, write, fsync, rename, remove, truncate, list, make."""

    def write(self, descriptor: int, data: memoryview, path: Path) -> int:
        """Write some of `data` at the end of the file: how many bytes."""
        self.before("write", path)
        return os.write(descriptor, data)

    def fsync(self, descriptor: int, path: Path) -> None:
        """Make durable what was written to an open file or folder."""
        self.before("fsync", path)
        os.fsync(descriptor)

    def make_directory(self, path: Path) -> None:
        """Create a folder and those above it, and make the new names durable."""
        with explained("create", path):
            if path.is_dir():
                return
        if path.parent != path:
            self.make_directory(path.parent)
        with explained("create", path):
            self.before("make", path)
            path.mkdir(exist_ok=True)
        self.sync_directory(path.parent)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a folder durable: those created, renamed and removed."""
        with explained("sync folder", path):
            self.before("open", path)
            descriptor = os.open(path, os.O_RDONLY)
            try:
                self.fsync(descriptor, path)
            finally:
                os.close(descriptor)

    def names(self, path: Path) -> list[str]:
        """What lies in a folder, sorted; nothing if there is no such folder."""
        with explained("list", path):
            self.before("list", path)
            return sorted(os.listdir(path)) if path.is_dir() else []

    def remove(self, path: Path) -> None:
        """Take a file away if it is there."""
        with explained("remove", path):
            self.before("remove", path)
            path.unlink(missing_ok=True)

    def remove_tree(self, path: Path) -> None:
        """Take a folder away with all that is in it; what cannot be removed stays."""
        with explained("remove", path):
            self.before("remove", path)
            shutil.rmtree(path, ignore_errors=True)

    def rename(self, source: Path, target: Path) -> None:
        """Put a file in the place of `target`, whole or not at all; durable after `fsync` of the folder."""
        with explained("rename", source):
            self.before("rename", source)
            os.replace(source, target)

    def read(self, path: Path) -> bytes:
        """The whole of a file."""
        with explained("read", path):
            self.before("open", path)
            self.before("read", path)
            return path.read_bytes()

    def write_atomically(self, path: Path, parts: Iterable[bytes]) -> int:
        """Write a file that either is there whole and durable, or not at all. Returns its size in bytes."""
        temporary = path.with_name(path.name + TEMPORARY)
        try:
            with self.open_append(temporary, fresh=True) as file:
                for part in parts:
                    file.append(part)
                file.sync()
                size = file.size
            self.rename(temporary, path)
        except BaseException:
            # What is left is only space: the next start removes it if this does not.
            with explained("remove", temporary):
                temporary.unlink(missing_ok=True)
            raise
        self.sync_directory(path.parent)
        return size

    def open_append(self, path: Path, *, fresh: bool = False) -> AppendFile:
        """A file to append to; `fresh` empties it."""
        return AppendFile(self, path, fresh=fresh)

    def open_read(self, path: Path) -> ReadFile:
        """A file to read from any place."""
        return ReadFile(self, path)


TEMPORARY = ".part"
"""Ending of a file that is not finished."""


class AppendFile:
    """A file that only grows. `size` is where the next bytes go."""

    def __init__(self, files: Files, path: Path, *, fresh: bool) -> None:
        self.path, self._files = path, files
        self.damaged = False
        with explained("open", path):
            files.before("open", path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0)
            self._descriptor = os.open(path, flags, 0o644)
            self.size = os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """Write all of `data`; if that fails half-way, take back what was written.

        Raises:
            StorageError: nothing was added. When even taking back failed, `damaged` is True from then on.
        """
        with explained("write", self.path):
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[self._files.write(self._descriptor, rest, self.path) :]
            except OSError:
                self._take_back()
                raise
        self.size += len(data)

    def _take_back(self) -> None:
        try:
            self._files.before("truncate", self.path)
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            self.damaged = True

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        with explained("truncate", self.path):
            self._files.before("truncate", self.path)
            os.ftruncate(self._descriptor, size)
        self.size = size

    def sync(self) -> None:
        """Return once all that was appended is durable."""
        with explained("fsync", self.path):
            self._files.fsync(self._descriptor, self.path)

    def close(self) -> None:
        """Close the file, without making it durable. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> AppendFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class ReadFile:
    """A finished file, read from any thread. It holds no descriptor: each read opens the file and closes it again.

    So a store may have more segments than a process may have open files. Opening costs a few µs where decoding what
    was read costs hundreds. A mapping would not help, since Python's mmap keeps a descriptor as long as it lives; a
    cache of open files would have to be locked against closing one that another thread reads.

    A file that nobody shall open any more stays as long as somebody may still read it: see `goes_with`.
    """

    def __init__(self, files: Files, path: Path) -> None:
        self.path, self._files = path, files
        self._removals: tuple[Removal, ...] = ()
        with explained("open", path):
            files.before("open", path)
            self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        """Bytes [offset, offset + length), or fewer at the end of the file."""
        with explained("open", self.path):
            self._files.before("open", self.path)
            descriptor = os.open(self.path, os.O_RDONLY)
        try:
            with explained("read", self.path):
                self._files.before("read", self.path)
                data = os.pread(descriptor, length, offset)
                # One call reads no more than 2 GiB.
                while len(data) < length and (more := os.pread(descriptor, length - len(data), offset + len(data))):
                    data += more
                return data
        finally:
            os.close(descriptor)

    def goes_with(self, *removals: Removal) -> None:
        """Let `removals` wait until nobody can read this file any more.

        Snapshots share readers, so only the reference count can tell: nothing that leads to a reader may be part of a
        reference cycle.
        """
        self._removals = removals


class Removal:
    """Takes a file, or a folder with all in it, away once that is wanted and nothing refers to this object any more.

    That may be at the end of a query, so a failure is nobody's: what is left is only space, and the next opening
    removes it, as it does what is still in use when the folder is unlocked.
    """

    def __init__(self, files: Files, path: Path) -> None:
        self._files, self._path = files, path
        self._lock: FolderLock | None = None

    def want(self, lock: FolderLock) -> None:
        """Let it happen, if by then `lock`, that of the store's folder, is still held by this copy of the process."""
        self._lock = lock

    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if self._lock is None or not self._lock.held or finalizing():
            return
        with suppress(StorageError):
            if self._path.is_dir():
                self._files.remove_tree(self._path)
            else:
                self._files.remove(self._path)


class FolderLock:
    """One process per folder: an advisory lock on a file that names its holder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "LOCK"
        with explained("open", self.path):
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StorageError(
                f"{folder} is in use by process {holder}; one process at a time can open it (close that one, or ask it)"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    @property
    def held(self) -> bool:
        """Whether this copy of the lock has not been let go."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Let others open the folder, even if a fork of this process has a copy of the lock. Safe to repeat."""
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.close()

    def close(self) -> None:
        """Let go of this copy of the lock; where there are others they keep the folder locked. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError that says what was done to which file."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot {action} {path}: {error.strerror or error}") from error
