"""Flushing and merging: when memtables become segments and segments one, and how that takes effect.

A new file counts once the catalog lists it, in the same transaction in which those it replaces stop counting. Up to
then the write-ahead log or the replaced files hold the same rows, so a crash at any point loses nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from influxish.errors import CorruptData, StorageError
from influxish.storage.building import Living, Place, merge_segments, worth_merging, worth_rewriting, write_memtables
from influxish.storage.catalog import Catalog, SegmentEntry
from influxish.storage.damage import Damage
from influxish.storage.databases import DatabaseState, shard_folder
from influxish.storage.files import Removal
from influxish.storage.options import StorageOptions
from influxish.storage.ownership import OwnerLock
from influxish.storage.segment import Segment
from influxish.storage.shard import Shard, Types
from influxish.storage.tombstones import Tombstone, pack_series
from influxish.storage.wal import WriteAheadLog, log_number

_BACKLOG = 4
"""Memtables may grow to so many times their usual size while flushes fail; then writes are refused."""


class Flusher:
    """Flushes the shards of an engine, whose state it shares.

    Args:
        lock: the engine's; held only while something takes effect, not while files are written.
        databases: the engine's own mapping.

    Attributes:
        busy: held during a flush; who deletes rows, removes shards or databases holds it too.
    """

    def __init__(
        self,
        *,
        root: Path | None,
        options: StorageOptions,
        lock: OwnerLock,
        catalog: Catalog,
        wal: WriteAheadLog | None,
        databases: Mapping[str, DatabaseState],
        damage: list[Damage],
    ) -> None:
        self._root, self._options, self._lock, self._catalog = root, options, lock, catalog
        self._wal, self._databases, self._damage = wal, databases, damage
        self.busy = threading.Lock()
        self._stopped = False
        self._failure: StorageError | None = None
        self._unmergeable: set[Path] = set()

    def memory(self) -> int:
        """Bytes in memtables."""
        with self._lock:
            return sum(shard.memory for state in self._databases.values() for shard in state.shards())

    def check_backlog(self) -> None:
        """Raise StorageError if flushes fail and too much has gathered in memory. The lock is held."""
        if self._failure is not None and self.memory() > _BACKLOG * self._options.memtable_bytes:
            raise StorageError(f"no writes are taken until memory can be flushed again: {self._failure}")

    def flush(self) -> None:
        """Put everything that is in memory into segments; merge segments where many small ones have gathered.

        Raises:
            StorageError: it failed; the rows are still in memory and in the log, and a later flush tries again.
        """
        with self.busy:
            self._flush()

    def flush_in_passing(self) -> None:
        """A flush that a write set off. Its failure is not the write's: it is told by `damage` and by later calls."""
        with self.busy:
            if self.memory() <= self._options.memtable_bytes:  # another writer's flush has just been
                return
            try:
                self._flush()
            except StorageError as error:
                finding = Damage(self._root or Path(":memory:"), f"flush failed: {error}")
                if finding not in self._damage:
                    self._damage.append(finding)

    def stop(self) -> None:
        """Wait for a flush that is going on, and begin no more."""
        with self.busy:
            self._stopped = True

    def _flush(self) -> None:
        if self._stopped:
            return
        try:
            self._write_memtables()
            self._merge_all()
        except StorageError as error:
            self._failure = error
            raise
        self._failure = None

    def _write_memtables(self) -> None:
        with self._lock:
            pending = [
                (state, shard)
                for state in self._databases.values()
                for shard in state.shards()
                if shard.memory or shard.unsaved or shard.forgotten
            ]
            removing = [(state, measurement) for state in self._databases.values() for measurement in state.unsaved]
            if not pending and not removing:
                return
            finished = self._wal.rotate() if self._wal is not None else []
            types = []
            for _, shard in pending:
                shard.freeze()
                types.append(shard.frozen_types())
        for (state, shard), fields in zip(pending, types, strict=True):
            tables = shard.frozen
            segment = write_memtables(self._place(state, shard, None), tables) if tables else None
            with self._lock:
                self._install(shard, segment, (), fields)
                shard.frozen = shard.frozen[len(tables) :]
        with self._lock, self._catalog.transaction() as catalog:
            for state, measurement in removing:
                removed = state.index.series(measurement).removed
                if removed is not None:
                    catalog.set_removed(state.id, measurement, pack_series(np.flatnonzero(removed)))
            if finished:
                catalog.set_first_log(1 + max(log_number(path) for path in finished))
            for state, measurement in removing:
                state.unsaved.discard(measurement)
        for path in finished:
            self._options.files.remove(path)

    def _merge_all(self) -> None:
        with self._lock:
            everything = [(state, shard) for state in self._databases.values() for shard in state.shards()]
        for state, shard in everything:
            while chosen := worth_merging(shard.segments, self._options.merge_segments):
                if not self._merge(state, shard, chosen):
                    break
            if shard.rewriting:
                with self._lock:
                    living = Living(state.index.view(), shard.tombstones)
                for segment in worth_rewriting(shard.segments, living):
                    self._merge(state, shard, (segment,))
                shard.rewriting = False

    def _merge(self, state: DatabaseState, shard: Shard, chosen: Sequence[Segment]) -> bool:
        """Put one segment in the place of some, or none if no row of them counts; False if they are damaged."""
        if any(segment.path in self._unmergeable for segment in chosen):
            return False
        with self._lock:
            living = Living(state.index.view(), shard.tombstones)
        try:
            segment = merge_segments(self._place(state, shard, chosen[-1]), chosen, living)
        except CorruptData as error:
            self._damage.append(Damage(chosen[-1].path, f"not merged: {error}"))
            self._unmergeable.update(segment.path for segment in chosen)
            return False
        with self._lock:
            self._install(shard, segment, chosen, {})
        self._remove(state, chosen)
        return True

    def _remove(self, state: DatabaseState, replaced: Sequence[Segment]) -> None:
        """Take the files of segments away that count no more, each once nobody reads it."""
        if state.removal is None or self._lock.folder is None:
            return
        for segment in replaced:
            removal = Removal(self._options.files, segment.path)
            removal.want(self._lock.folder)
            segment.goes_with(removal, state.removal)

    def _place(self, state: DatabaseState, shard: Shard, newest: Segment | None) -> Place:
        """Where a segment goes that replaces those up to `newest`, or that is newer than all."""
        folder = None if self._root is None else shard_folder(self._root, state.id, shard.id)
        shard.last_number += 1
        place = newest.place if newest is not None else shard.last_number
        return Place(self._options.files, folder, f"{shard.last_number:010d}.seg", place)

    def _install(self, shard: Shard, segment: Segment | None, replaced: Sequence[Segment], types: Types) -> None:
        """Make a segment, if there is one, count in place of others, on disk and then in memory.

        Tombstones are saved, or go if no segment is left that is older.

        Args:
            types: of the fields of what was only in memory.
        """
        kept = [other for other in shard.segments if other not in replaced] + ([segment] if segment else [])
        oldest = min((other.number for other in kept), default=shard.last_number)
        tombstones = tuple(tombstone for tombstone in shard.tombstones if tombstone.number > oldest)
        with self._catalog.transaction() as catalog:
            for old in replaced:
                catalog.remove_segment(shard.id, old.path.name)
            for measurement in shard.forgotten:
                catalog.remove_fields(shard.id, measurement)
            for tombstone in shard.tombstones:
                if tombstone not in tombstones:
                    catalog.remove_tombstone(shard.id, tombstone.number)
                elif tombstone.number > shard.saved:
                    _save(catalog, shard, tombstone)
            if segment is not None:
                catalog.add_segment(SegmentEntry(shard.id, segment.place, segment.path.name, segment.size))
            for measurement, fields in types.items():
                for name, type_ in fields.items():
                    catalog.add_field(shard.id, measurement, name, type_.value)
        shard.saved = max((tombstone.number for tombstone in shard.tombstones), default=shard.saved)
        shard.tombstones = tombstones
        shard.forgotten.clear()
        shard.segments = tuple(sorted(kept, key=lambda one: one.place))


def _save(catalog: Catalog, shard: Shard, tombstone: Tombstone) -> None:
    extent, packed = tombstone.extent, None
    if extent.series is not None:
        packed = pack_series(extent.series)
    span = extent.time_range.start, extent.time_range.stop
    catalog.add_tombstone(shard.id, tombstone.number, tombstone.measurement, *span, packed)
