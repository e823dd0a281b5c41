"""The write-ahead log: what was acknowledged and is not yet in a segment, as frames in numbered files.

One frame holds one write or what one statement deletes, whatever shards it touches, so that is there whole or not at
all. Writers share fsyncs: the first to wait syncs for all who have written by then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from influxish.batch import Column
from influxish.errors import CorruptData, StorageError
from influxish.storage.damage import Damage
from influxish.storage.deletions import Deletions, unpack_deletions
from influxish.storage.files import AppendFile, Files
from influxish.storage.framing import (
    FILE_HEADER_BYTES,
    Gap,
    check_file_header,
    check_payload,
    is_cut_short,
    pack_file_header,
    pack_frame,
    read_frames,
)
from influxish.storage.memtable import Chunk
from influxish.storage.segment_format import TYPE_CODES, TYPES
from influxish.types import DataType

MAGIC = b"IFXwal\r\n"
VERSION = 2
"""1 had writes only."""

Entry = tuple[int, str, Chunk]
"""(shard id, measurement, rows)."""


class WriteAheadLog:
    """The log that is written to. `append` and `rotate` are called under the engine's lock, `commit` without.

    Args:
        folder: where the files lie; it exists.
        number: of the file to begin with; none has it or a greater one.
        synchronous: whether `commit` waits for an fsync.
    """

    def __init__(self, files: Files, folder: Path, number: int, synchronous: bool) -> None:
        self._files, self._folder, self._number, self._synchronous = files, folder, number, synchronous
        self._written = self._durable = 0  # frames
        self._syncing = self._closed = False
        self._failure: StorageError | None = None
        self._changed = threading.Condition()
        self._file = self._start()

    def append(self, record: bytes) -> int:
        """Add one record, as `pack_record` or `pack_deletions` gave it: the ticket to `commit` it by.

        Raises:
            StorageError: nothing was added.
        """
        self.check()
        self._file.append(record)
        self._written += 1
        return self._written

    def check(self) -> None:
        """Raise StorageError if the log takes no more writes."""
        if self._failure is not None or self._file.damaged:
            reason = self._failure or f"{self._file.path} could not be cut back to its last whole record"
            raise StorageError(f"no more writes are taken until the store is opened again, because: {reason}")
        if self._closed:
            raise StorageError(f"no more writes are taken: {self._file.path} was closed")

    def commit(self, ticket: int) -> None:
        """Return once the write is durable.

        Raises:
            StorageError: an fsync failed, this one or an earlier one, or the log was closed. What is durable is known
                again after reopening.
        """
        if not self._synchronous:
            return
        while True:
            with self._changed:
                while self._syncing and self._durable < ticket and self._failure is None:
                    self._changed.wait()
                if self._durable >= ticket:
                    return
                self.check()
                self._syncing, target, file = True, self._written, self._file
            failure, done = None, False
            try:
                file.sync()
                done = True
            except StorageError as error:
                failure = error
            finally:  # an interrupt, too, lets others have their turn
                with self._changed:
                    self._syncing = False
                    # A second fsync may report success for pages that the first one lost, so there is none.
                    self._failure = self._failure or failure
                    if done:
                        self._durable = max(self._durable, target)
                    self._changed.notify_all()

    def rotate(self) -> list[Path]:
        """Begin another file: the paths of all before it, which are durable then."""
        with self._changed:
            while self._syncing:
                self._changed.wait()
            self.check()
            try:
                self._file.sync()
            except StorageError as error:
                self._failure = error
                self._changed.notify_all()
                raise
            self._durable = self._written
            self._changed.notify_all()
            previous, self._number = self._file, self._number + 1
            try:
                self._file = self._start()
            except StorageError:
                self._number -= 1
                raise
            previous.close()
        return [path for path in log_files(self._files, self._folder) if path != self._file.path]

    def close(self) -> None:
        """Make durable what was appended, whose writers still wait, and take no more. Called under the engine's lock.

        An fsync that fails is theirs to raise. Safe to repeat.
        """
        with self._changed:
            while self._syncing:
                self._changed.wait()
            if self._closed:
                return
            if self._synchronous and self._failure is None and self._durable < self._written:
                try:
                    self._file.sync()
                    self._durable = self._written
                except StorageError as error:
                    self._failure = error
            self._closed = True
            self._file.close()
            self._changed.notify_all()

    def _start(self) -> AppendFile:
        file = self._files.open_append(self._folder / f"{self._number:010d}.wal", fresh=True)
        try:
            file.append(pack_file_header(MAGIC, VERSION))
            file.sync()
            self._files.sync_directory(self._folder)
        except BaseException:
            file.close()
            raise
        return file


def log_files(files: Files, folder: Path) -> list[Path]:
    """The log's files, oldest first."""
    return [folder / name for name in files.names(folder) if name.endswith(".wal")]


def log_number(path: Path) -> int:
    """Where a file stands in the order of the log."""
    return int(path.stem)


def recover(files: Files, path: Path, damage: list[Damage], *, last: bool = True) -> Iterator[list[Entry] | Deletions]:
    """The records of one file: writes and deletions.

    A torn end is cut off and kept beside it; both that and damage inside are told.

    Args:
        last: it is the log that was written last, so that a write may have been interrupted at its end.
    Raises:
        StorageError: a newer version wrote the file, or it cannot be read.
    """
    data = files.read(path)
    try:
        check_file_header(data, MAGIC, VERSION, path)
    except CorruptData as error:
        if len(data) < FILE_HEADER_BYTES:  # the file was being created
            return
        damage.append(Damage(path, f"{error}; its records are read all the same"))
    for item in read_frames(data, FILE_HEADER_BYTES):
        if not isinstance(item, Gap):
            yield unpack_record(item.payload)
        elif item.torn:
            cut_tail(files, path, data, item, damage, torn=last and is_cut_short(data, item.offset))
        else:
            message = f"{path}: bytes {item.offset} to {item.stop} are damaged; the writes recorded there are lost"
            damage.append(Damage(path, message))


def cut_tail(files: Files, path: Path, data: bytes, gap: Gap, damage: list[Damage], *, torn: bool) -> None:
    """Cut a log at its last whole frame; the bytes beyond go into a file beside it. `torn` is that of `Damage`."""
    aside = path.with_name(f"{path.name}.torn-{gap.offset}")
    files.write_atomically(aside, [data[gap.offset :]])
    with files.open_append(path) as file:
        file.truncate(gap.offset)
        file.sync()
    size = gap.stop - gap.offset
    message = f"{path}: the last {size} bytes are no whole record; they were cut and kept in {aside}"
    damage.append(Damage(path, message, torn=torn))


def pack_record(entries: list[Entry]) -> bytes:
    """One write as the log holds it.

    Raises:
        WriteError: it is too large for one record; more than one could be cut apart by a crash.
    """
    # Most of what is too large is refused before it is copied.
    check_payload(sum(map(_least_bytes, (column for *_, chunk in entries for column in chunk.fields.values()))))
    return pack_frame(pack_entries(entries))


def _least_bytes(column: Column) -> int:
    if column.type is DataType.STRING:
        return sum(map(len, column.values[column.mask]))
    return column.values.nbytes


def pack_entries(entries: list[Entry]) -> bytes:
    """Columns as they are in memory, little-endian."""
    packed: bytes = msgpack.packb(
        [
            (
                shard,
                measurement,
                chunk.series.astype("<u4").tobytes(),
                chunk.times.astype("<i8", copy=False).tobytes(),
                [_pack_column(name, column) for name, column in chunk.fields.items()],
            )
            for shard, measurement, chunk in entries
        ]
    )
    return packed


def unpack_record(payload: bytes) -> list[Entry] | Deletions:
    """What one frame holds; its checksum is right, so nothing is checked again."""
    found = msgpack.unpackb(payload)  # which refuses no length that the payload has room for
    return unpack_deletions(found) if isinstance(found, dict) else _entries(found)


def _entries(found: list[Any]) -> list[Entry]:
    return [
        (
            shard,
            measurement,
            Chunk(
                np.frombuffer(series, "<u4").astype(np.int64),
                np.frombuffer(times, "<i8"),
                {name: _unpack_column(*rest) for name, *rest in columns},
            ),
        )
        for shard, measurement, series, times, columns in found
    ]


def _pack_column(name: str, column: Column) -> tuple[Any, ...]:
    valid = None if column.valid is None else np.packbits(column.valid).tobytes()
    values: object = column.values.tobytes()
    if column.type is DataType.STRING:
        values = np.where(column.mask, column.values, "").tolist()
    return name, TYPE_CODES[column.type], len(column), values, valid


def _unpack_column(code: int, rows: int, values: Any, valid: bytes | None) -> Column:
    type_ = TYPES[code]
    mask = None if valid is None else np.unpackbits(np.frombuffer(valid, np.uint8), count=rows).astype(np.bool_)
    if type_ is DataType.STRING:
        texts = np.empty(rows, object)
        texts[:] = values
        return Column(type_, texts, mask)
    return Column(type_, np.frombuffer(values, type_.dtype), mask)
