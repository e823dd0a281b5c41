"""Rows, or partial states of them, out of one shard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Self

from influxish.batch import Batch
from influxish.exec.iterator import BatchIterator, RowIterator
from influxish.functions.state import StateBatch
from influxish.storage.interface import AggregateRequest, ScanRequest, ScanStats, ShardSource, counted


class ScanIterator(RowIterator):
    """Hand on what the shard answers, without batches that are empty."""

    def __init__(self, shard: ShardSource, request: ScanRequest, stats: ScanStats, place: int) -> None:
        super().__init__()
        self._shard, self._request, self._stats, self._place = shard, request, stats, place
        self._batches: Iterator[Batch] = iter(())

    def open(self) -> Self:
        self._batches = self._opened.enter_context(
            closing(counted(self._shard.scan(self._request, self._stats), self._stats))
        )
        return self

    def next_batch(self) -> Batch | None:
        batch = next(self._batches, None)
        return None if batch is None else batch.at_place(self._place)


class ShardAggregateIterator(BatchIterator):
    """Hand on the partial states that the shard makes of its rows."""

    def __init__(self, shard: ShardSource, request: AggregateRequest, stats: ScanStats) -> None:
        super().__init__()
        self._shard, self._request, self._stats = shard, request, stats
        self._states: Iterator[StateBatch] = iter(())

    def open(self) -> Self:
        self._states = self._shard.aggregate(self._request, self._stats)
        self._opened.callback(getattr(self._states, "close", lambda: None))
        return self

    def next_batch(self) -> StateBatch | None:
        return next(self._states, None)
