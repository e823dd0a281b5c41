"""From the last batches of a query to series of rows: what the emitter joins and cuts before a writer sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from influxish.batch import Batch, Column
from influxish.emit.series import SeriesChunk
from influxish.errors import InfluxishError
from influxish.types import DataType

CHUNK_ROWS = 10_000
"""Rows of a chunk where the caller names no size, as InfluxDB has it."""


def series_chunks(
    batches: Iterable[Batch], columns: tuple[str, ...], time_name: str = "time", chunk_rows: int = CHUNK_ROWS
) -> Iterator[SeriesChunk]:
    """Cut batches into chunks of one series each.

    Args:
        batches: rows group by group; column i of the answer is labelled `str(i)`.
        columns: headings, without that of the time.
        chunk_rows: rows of a chunk at most.
    """
    waiting: SeriesChunk | None = None
    last_key: tuple[str, ...] | None = None
    for batch in batches:
        for chunk, key in _cut(batch, (time_name, *columns), chunk_rows):
            if waiting is not None:
                yield replace(waiting, partial=key == last_key)
            waiting, last_key = chunk, key
    if waiting is not None:
        yield waiting


def check_chunk_rows(chunk_rows: object) -> None:
    """Raises: InfluxishError: no size that a chunk can have."""
    if not isinstance(chunk_rows, int) or isinstance(chunk_rows, bool) or chunk_rows < 1:
        raise InfluxishError(f"chunk_rows takes a whole number from 1 on, not {chunk_rows!r}")


def _cut(batch: Batch, headings: tuple[str, ...], chunk_rows: int) -> Iterator[tuple[SeriesChunk, tuple[str, ...]]]:
    times = Column(DataType.TIME, batch.times)
    values = [times, *(batch.columns[str(i)] for i in range(len(headings) - 1))]
    groups = batch.groups
    runs = _same_group_runs(batch)
    for group, start, stop in runs:
        key = groups.key(group)
        tags = groups.tags(group) if groups.dimensions else None
        for low in range(start, stop, chunk_rows):
            part = slice(low, min(low + chunk_rows, stop))
            yield SeriesChunk(key[0], tags, headings, tuple(column.take(part) for column in values)), key


def _same_group_runs(batch: Batch) -> Iterator[tuple[int, int, int]]:
    """(group, first row, row after the last) of each stretch of one group; neighbouring runs of a group are one."""
    current: tuple[int, int, int] | None = None
    offsets = batch.run_offsets.tolist()
    for group, start, stop in zip(batch.run_groups.tolist(), offsets[:-1], offsets[1:], strict=True):
        if current is not None and current[0] == group:
            current = (group, current[1], stop)
            continue
        if current is not None:
            yield current
        current = (group, start, stop)
    if current is not None:
        yield current
