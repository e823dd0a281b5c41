"""Carrying out a write whose points have passed the checks of `writing`: series get numbers, rows are logged and kept.

The engine's lock is held. Waiting until the log is durable is for later, without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from influxish.batch import Positions
from influxish.errors import StorageError
from influxish.storage.databases import DatabaseState
from influxish.storage.deleting import remove_series
from influxish.storage.index import SeriesIndex
from influxish.storage.memtable import Chunk
from influxish.storage.points import Tags
from influxish.storage.wal import Entry, WriteAheadLog, pack_record
from influxish.storage.writing import Intake, Portion


def accept(state: DatabaseState, intake: Intake, log: WriteAheadLog | None) -> tuple[int, int]:
    """Log and keep what passed the checks: how many points, and the ticket to wait for, 0 if there is nothing.

    Raises:
        WriteError: it is too large for the log; nothing is changed.
        StorageError: it could not be logged; what was of new series is removed again.
    """
    entries, fresh = _numbered(state.index, intake.portions)
    if not entries:
        return 0, 0
    record = pack_record(entries) if log is not None else b""  # ahead of all changes: it may be refused
    ticket = _logged(state, fresh, record, log)
    by_id = {portion.shard.id: portion.shard for portion in intake.portions}
    for id, measurement, name, type_ in intake.types:
        by_id[id].types.setdefault(measurement, {})[name] = type_
    for id, measurement, chunk in entries:
        by_id[id].active.append(measurement, chunk)
    return sum(len(chunk.times) for *_, chunk in entries), ticket


def _logged(
    state: DatabaseState, fresh: Mapping[str, Mapping[Tags, int]], record: bytes, log: WriteAheadLog | None
) -> int:
    """Add new series and then the record to the logs: its ticket."""
    added = dict[str, Positions]()
    try:
        for measurement, numbers in fresh.items():
            series, first = list(numbers), state.index.count(measurement)
            if series and state.series_log is not None:
                state.series_log.append(measurement, first, series)
            if series:
                state.index.add(measurement, series)
                added[measurement] = np.arange(first, first + len(series))
        return log.append(record) if log is not None else 0
    except StorageError:
        for measurement, unused in added.items():
            remove_series(state, measurement, unused)
        raise


def _numbered(index: SeriesIndex, portions: Sequence[Portion]) -> tuple[list[Entry], dict[str, dict[Tags, int]]]:
    """The rows of portions by series number, and by measurement the series that must be added first, in this order."""
    entries, fresh = list[Entry](), dict[str, dict[Tags, int]]()
    for portion in portions:
        table = portion.table
        used, rows = np.unique(table.rows, return_inverse=True)
        series = [table.series[place] for place in used.tolist()]
        numbers = index.lookup(table.measurement, series, fresh.setdefault(table.measurement, {}))
        chunk = Chunk(numbers[rows.reshape(-1)], table.times, table.fields)
        entries.append((portion.shard.id, table.measurement, chunk))
    return entries, fresh
