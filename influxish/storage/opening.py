"""Opening a store: from files to the state that was there when it was closed, or when it was cut off.

Damage does not keep a store closed: what is damaged is told and left out, the rest is served. Only what cannot be
understood at all (a newer format, an unreadable catalog) is refused.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import numpy as np

from influxish.errors import CorruptData, StorageError
from influxish.storage.catalog import Catalog, SegmentEntry
from influxish.storage.catalog_file import RESTORE
from influxish.storage.damage import Damage
from influxish.storage.databases import DatabaseState, PolicyState, database_folder, shard_folder
from influxish.storage.deleting import carry_out
from influxish.storage.deletions import Deletions
from influxish.storage.files import TEMPORARY, Files, Removal
from influxish.storage.rowless import SeenRows
from influxish.storage.segment import Segment
from influxish.storage.series_log import SeriesLog, load_series
from influxish.storage.shard import Shard
from influxish.storage.tombstones import Extent, Tombstone, unpack_series
from influxish.storage.wal import Entry, log_files, log_number, recover
from influxish.types import Array, DataType, TimeRange

K = TypeVar("K")
V = TypeVar("V")

_TYPES = {type_.value: type_ for type_ in DataType}


class Opening:
    """Builds the state of a store from its folder.

    Args:
        root: the folder; None for a store in memory, which begins empty.
        damage: where findings are added.
    """

    def __init__(self, root: Path | None, files: Files, catalog: Catalog, damage: list[Damage]) -> None:
        self._root, self._files, self._catalog, self._damage = root, files, catalog, damage
        self._databases: dict[str, DatabaseState] = {}
        self._owner: dict[int, tuple[DatabaseState, Shard]] = {}
        self._last_shard = catalog.last_id("shards")
        self._conflicts: dict[tuple[int, str], str] = {}
        self._seen = SeenRows()

    def databases(self) -> dict[str, DatabaseState]:
        """Name → state, with segments opened and the log replayed.

        Raises:
            StorageError: a newer version wrote a file, or one cannot be read at all.
        """
        self._read_catalog()
        if self._root is None:
            return self._databases
        with ExitStack() as opened:  # if anything fails, what is open is closed again
            for database in self._databases.values():
                folder = database_folder(self._root, database.id)
                self._files.make_directory(folder)
                path = folder / SERIES_FILE
                load_series(self._files, path, database.index, self._damage)
                self._remove_series(database, path)
                database.series_log = SeriesLog(self._files, path)
                database.removal = Removal(self._files, folder)
                opened.callback(database.series_log.close)
            self._read_tombstones()
            self._open_segments(self._root)
            self._remove_leftovers(self._root)
            self._replay_logs(self._root / "wal")
            if all(finding.torn for finding in self._damage):  # else a series may have rows where none can be read
                self._seen.remove_others(self._databases.values())
            opened.pop_all()
        return self._databases

    def _read_catalog(self) -> None:
        policies: dict[int, tuple[DatabaseState, PolicyState]] = {}
        by_id: dict[int, DatabaseState] = {}
        for name, id in self._catalog.databases().items():
            by_id[id] = self._databases[name] = DatabaseState(id, name)
        for id, owner, policy in self._catalog.policies():
            policies[id] = self._found(by_id, owner, f"policies, row {id}", "database"), PolicyState(id, policy)
            policies[id][0].policies[policy.name] = policies[id][1]
        for id, owner, start, stop in self._catalog.shards():
            database, state = self._found(policies, owner, f"shards, row {id}", "policy")
            shard = Shard(id, shard_name(id), TimeRange(start, stop))
            state.shards[start] = shard
            (group,) = state.group_of(np.array([start])).tolist()
            state.mixed = state.mixed or shard.time_range != state.group_range(group)
            self._owner[id] = database, shard
        for id, measurement, name, type_ in self._catalog.fields():
            row = f"fields, row ({id}, {measurement!r}, {name!r}, {type_!r})"
            shard = self._found(self._owner, id, row, "shard")[1]
            shard.types.setdefault(measurement, {})[name] = self._found(_TYPES, type_, row, "type")

    def _found(self, known: Mapping[K, V], key: K, row: str, kind: str) -> V:
        """What a row of the catalog refers to."""
        if key not in known:
            raise CorruptData(f"{self._catalog.path}: table {row}: there is no {kind} {key}; {RESTORE}")
        return known[key]

    def _remove_series(self, database: DatabaseState, path: Path) -> None:
        for id, measurement, packed in self._catalog.removed():
            numbers = unpack_series(packed)
            if id == database.id and len(numbers):
                self._know_series(database, measurement, int(numbers[-1]), path)
                database.index.remove(measurement, numbers)

    def _read_tombstones(self) -> None:
        for id, number, measurement, start, stop, packed in self._catalog.tombstones():
            shard = self._found(self._owner, id, f"tombstones, row ({id}, {number})", "shard")[1]
            series = None if packed is None else unpack_series(packed)
            shard.tombstones += (Tombstone(number, measurement, Extent(series, TimeRange(start, stop))),)
            shard.saved = shard.last_number = number

    def _open_segments(self, root: Path) -> None:
        for entry in self._catalog.segments():
            row = f"segments, row ({entry.shard}, {entry.file!r})"
            database, shard = self._found(self._owner, entry.shard, row, "shard")
            shard.last_number = max(shard.last_number, entry.place, int(Path(entry.file).stem))
            segment = self._segment(shard_folder(root, database.id, shard.id) / entry.file, entry)
            if segment is None:
                continue
            shard.segments += (segment,)
            shard.rewriting = bool(shard.tombstones) or database.index.has_removed
            for measurement in segment.measurements:
                self._see_rows(database, measurement, segment.series(measurement), segment.path)

    def _segment(self, path: Path, entry: SegmentEntry) -> Segment | None:
        if not path.exists():
            self._damage.append(Damage(path, f"{path}: the file is missing; its rows are lost"))
            return None
        try:
            return Segment(self._files.open_read(path), entry.place)
        except CorruptData as error:
            self._damage.append(Damage(path, f"{error}; none of its rows are served"))
            return None

    def _see_rows(self, database: DatabaseState, measurement: str, series: Array, path: Path) -> None:
        self._know_series(database, measurement, int(series.max()), path)
        self._seen.add(database.id, measurement, series)

    def _know_series(self, database: DatabaseState, measurement: str, greatest: int, path: Path) -> None:
        known = database.index.count(measurement)
        if database.index.lose(measurement, greatest + 1):
            message = (
                f'{path}: series {known} to {greatest} of "{measurement}" have lost their tags; they are not served'
            )
            self._damage.append(Damage(path, message))

    def _remove_leftovers(self, root: Path) -> None:
        """Files that a crash kept from being finished, or from being removed after they were replaced.

        They stay where something is damaged: then nobody knows whether they are all that is left of some rows.
        """
        self._refuse_newer_files(root)
        self._remove_dropped(root)
        listed = {(entry.shard, entry.file) for entry in self._catalog.segments()}
        for id, (database, shard) in self._owner.items():
            folder = shard_folder(root, database.id, id)
            for name in self._files.names(folder):
                if name.endswith(TEMPORARY):
                    self._files.remove(folder / name)
                elif name.endswith(".seg") and (id, name) not in listed:
                    if not self._damage:
                        self._files.remove(folder / name)
                    elif Path(name).stem.isdecimal():
                        shard.last_number = max(shard.last_number, int(Path(name).stem))

    def _remove_dropped(self, root: Path) -> None:
        """Folders of databases and shards that were dropped: numbers the catalog gave and has no more."""
        known = {database.id for database in self._databases.values()}
        self._remove_unknown(root / "data", known, self._catalog.last_id("databases"))
        for database in known:
            self._remove_unknown(database_folder(root, database), self._owner, self._last_shard)

    def _remove_unknown(self, folder: Path, known: Container[int], last: int) -> None:
        for name in self._files.names(folder):
            if name.isdecimal() and int(name) <= last and int(name) not in known and not self._damage:
                self._files.remove_tree(folder / name)

    def _refuse_newer_files(self, root: Path) -> None:
        """A shard is in the catalog before it has a folder, so an unknown number was given by a later catalog."""
        for database in self._files.names(root / "data"):
            for name in self._files.names(root / "data" / database):
                if name.isdecimal() and int(name) > self._last_shard:
                    raise self._newer(root / "data" / database / name)

    def _newer(self, path: Path) -> StorageError:
        return StorageError(f"{path} is newer than {self._catalog.path}, which does not know it; {RESTORE}")

    def _replay_logs(self, folder: Path) -> None:
        first = self._catalog.first_log()
        logs = log_files(self._files, folder)
        for path in logs:
            if log_number(path) < first:  # in segments already, and perhaps overwritten since
                self._files.remove(path)
                continue
            for record in recover(self._files, path, self._damage, last=path == logs[-1]):
                if isinstance(record, Deletions):
                    self._delete(path, record)
                else:
                    self._replay(path, record)
        for conflict in self._conflicts.values():
            raise StorageError(conflict)

    def _replay(self, path: Path, entries: list[Entry]) -> None:
        for id, measurement, chunk in entries:
            if id > self._last_shard:
                raise self._newer(path)
            if id not in self._owner or not len(chunk.times):  # its database was dropped, or it was
                continue
            database, shard = self._owner[id]
            self._see_rows(database, measurement, chunk.series, path)
            types = shard.types.setdefault(measurement, {})
            for name, column in chunk.fields.items():
                if types.setdefault(name, column.type) is not column.type:
                    # The catalog may know the type from after the measurement is dropped, further on in the log.
                    types[name] = column.type
                    conflict = f'{path}: field "{name}" of "{measurement}" is logged with two types'
                    self._conflicts[id, measurement] = conflict
            shard.active.append(measurement, chunk)

    def _delete(self, path: Path, record: Deletions) -> None:
        database = next((state for state in self._databases.values() if state.id == record.database), None)
        if database is None:  # it was dropped
            return
        for part in record.parts:
            for numbers in (part.removed, part.extent.series):
                if numbers is not None and len(numbers):
                    self._know_series(database, part.measurement, int(numbers[-1]), path)
            carry_out(database, part)
            if part.forget:
                for shard in database.shards():
                    self._conflicts.pop((shard.id, part.measurement), None)


def store_folder(path: Path | str) -> Path:
    """The path of a store.

    Raises:
        StorageError: there can be no folder of that name.
    """
    try:
        impossible = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        impossible = True
    if impossible:
        raise StorageError(f"cannot open {str(path)!r}: a path can have no NUL and no lone surrogate; choose another")
    return Path(path)


SERIES_FILE = "series.log"


def shard_name(shard: int) -> str:
    """What a shard is called in EXPLAIN; its number is unique in the store."""
    return f"shard {shard}"
