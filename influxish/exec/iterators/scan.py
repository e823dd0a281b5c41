"""Rows out of one shard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from influxish.batch import Batch
from influxish.exec.iterator import RowIterator
from influxish.storage.interface import ScanRequest, ScanStats, ShardSource


class ScanIterator(RowIterator):
    """Hand on what the shard answers, without batches that are empty."""

    def __init__(self, shard: ShardSource, request: ScanRequest, stats: ScanStats, place: int) -> None:
        super().__init__()
        self._shard, self._request, self._stats, self._place = shard, request, stats, place
        self._batches: Iterator[Batch] = iter(())

    def open(self) -> Self:
        self._batches = self._shard.scan(self._request, self._stats)
        self._opened.callback(getattr(self._batches, "close", lambda: None))
        return self

    def next_batch(self) -> Batch | None:
        batch = next((batch for batch in self._batches if batch.rows), None)
        return None if batch is None else batch.at_place(self._place)
