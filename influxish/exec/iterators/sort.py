"""Rows by group and time. Holds all rows, except that a limit lets it forget what can no longer be answered."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from influxish.batch import BATCH_ROWS, Batch, Positions
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.functions.segments import Segments, ascending
from influxish.functions.sorting import gather, gather_column, sort_order
from influxish.functions.windows import bucket_starts
from influxish.plan.nodes import Sort

ORDERING_BYTES = 48
"""Bytes that finding and applying an order takes for each row: keys of groups and times, their ranks, row numbers."""


class SortIterator(HeldIterator):
    """Collect, sort once, hand out in slices. Rows of one group and time are in order of their series."""

    def __init__(self, child: BatchIterator, node: Sort, context: QueryContext) -> None:
        super().__init__(child, context=context)
        self._node = node

    def produce(self) -> Iterator[Batch]:
        held: list[Batch] = []
        threshold = 4 * BATCH_ROWS
        while (batch := self.rows_of(self.children[0])) is not None:
            self.memory.add(batch.nbytes)
            held.append(batch)
            if self._node.limit is not None and sum(b.rows for b in held) > threshold:
                held = [self._sort(held, ranked=True)]
                threshold = max(threshold, 2 * held[0].rows)
        if held:
            yield self._sort(held)

    def _sort(self, held: list[Batch], *, ranked: bool = False) -> Batch:
        """All rows in order; `ranked` if more will come, among which they must find their place again. Empties `held`,
        and accounts for what it makes, and at last for its result alone."""
        size = sum(batch.nbytes for batch in held)
        self.memory.add(size)
        batch = Batch.concat(held, self.context.look)
        held.clear()
        self.memory.set(size + ORDERING_BYTES * batch.rows)
        self.context.look()
        order = self._order(batch)
        result = batch if order is None and self._node.limit is None else self._gathered(batch, order, ranked)
        self.memory.set(result.nbytes)
        return result

    def _gathered(self, batch: Batch, order: Positions | None, ranked: bool) -> Batch:
        """The rows in the order that was found (None: as they stand), as many of each group as the limit asks for."""
        groups = batch.row_groups if order is None else gather(batch.row_groups, order)
        if self._node.limit is not None:
            kept = _first_of_each(groups, self._node.limit)
            if len(kept) < len(groups):
                order = kept if order is None else order[kept]
                groups = groups[kept]
        if order is None:
            return batch
        self.memory.add(batch.nbytes * len(order) // max(1, batch.rows))
        columns = {label: gather_column(column, order) for label, column in batch.columns.items()}
        ranks = batch.row_ranks[order] if ranked and batch.run_ranks is not None else None
        times = gather(batch.times, order)
        if not self._node.by_time:  # times may turn back where another series begins, and there begins another run
            turned = times[1:] > times[:-1] if self._node.descending else times[1:] < times[:-1]
            ranks = np.concatenate([[0], np.cumsum(turned)])
        return Batch.of_rows(batch.groups, groups, times, columns, ranks)

    def _order(self, batch: Batch) -> Positions | None:
        """The permutation that sorts; None if the rows are in order as they stand."""
        sign = -1 if self._node.descending else 1
        groups = batch.row_groups * sign
        if not self._node.by_time:
            keys = [groups, batch.row_ranks]
            if self._node.window is not None:
                keys.insert(1, bucket_starts(self._node.window, batch.times) * sign)
            return None if ascending(tuple(keys)) else sort_order(keys)
        times = batch.times * sign
        if ascending((groups, times, batch.row_ranks * sign)):
            return None
        by_rank = _by_rank(batch, sign)
        if by_rank is not None:
            groups, times = gather(groups, by_rank), gather(times, by_rank)
        order = sort_order([groups, times])
        return order if by_rank is None else gather(by_rank, order)


def _by_rank(batch: Batch, sign: int) -> Positions | None:
    """The rows, runs by group and rank, so that a stable sort by time leaves ties as they shall be; None: they are."""
    if batch.run_ranks is None or ascending((keys := batch.run_groups * sign, ranks := batch.run_ranks * sign)):
        return None
    order = sort_order([keys, ranks])
    starts, stops = batch.run_offsets[:-1][order], batch.run_offsets[1:][order]
    return Segments(starts, stops).rows


def _first_of_each(groups: Positions, limit: int) -> Positions:
    """Row numbers of the first `limit` rows of each stretch of equal groups."""
    rows = np.arange(len(groups), dtype=np.int64)
    starts = np.concatenate([[True], groups[1:] != groups[:-1]])
    first = np.maximum.accumulate(np.where(starts, rows, 0))
    return np.flatnonzero(rows - first < limit)
