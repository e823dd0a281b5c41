"""Rows to partial states, partial states to results; see `functions/state.py` for the work on one batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from influxish.batch import BATCH_ROWS, Batch, GroupTable
from influxish.exec.alignment import align
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.functions.interruption import look
from influxish.functions.sorting import sort_order
from influxish.functions.state import (
    Finished,
    StateBatch,
    finish_states,
    merge_states,
    partial_states,
)
from influxish.plan.nodes import Aggregate

MERGING_COPIES, FINISHING_COPIES = 3, 2
"""How many times their own bytes merging and finishing states makes beside them: end to end, then in order, then what a
kernel needs for itself. Of states so many that it matters (measured: 1.2 to 3.7 times, and 0 to 2.9 times)."""


class _States:
    """Partial states collected from many batches, merged whenever they have grown, so they stay bounded; and before
    there are so many that merging them would not fit into memory.

    States that merging makes no fewer, such as the values of a median, grow by more before they are merged again.
    """

    def __init__(self, node: Aggregate, context: QueryContext) -> None:
        self._node = node
        self._memory = context.account()
        self._held: list[StateBatch] = []
        self._rows = 0
        self._merged = False  # all that is held is one batch that was merged already
        self._threshold = 16 * BATCH_ROWS
        self._least = 0  # merging again is not worth it before there are more rows
        self._roomy = context.limits.max_query_memory // (2 * (1 + MERGING_COPIES))

    def read(self, child: BatchIterator) -> StateBatch | None:
        """The states of all that a child yields, rows or states, merged; None if it yields nothing."""
        node = self._node
        while (batch := child.next_batch()) is not None:
            if isinstance(batch, Batch):
                batch = partial_states(node.calls, batch, node.window, descending=node.descending)
            self._add(batch)
        return self._merge() if self._held else None

    def clear(self) -> None:
        self._held.clear()
        self._memory.set(0)

    def finishing(self) -> None:
        """Account for what finishing the merged states makes."""
        self._memory.add(FINISHING_COPIES * self._memory.held)

    def _add(self, batch: StateBatch) -> None:
        self._memory.add(batch.nbytes)
        self._held.append(batch)
        self._merged = False
        self._rows += batch.rows
        crowded = self._memory.held > self._roomy and self._rows > self._least
        if self._rows > self._threshold or crowded:
            before = self._rows
            merged = self._merge()
            growth = 2 if merged.rows <= before // 2 else 8
            self._threshold = max(self._threshold, growth * merged.rows)
            self._least = 2 * merged.rows

    def _merge(self) -> StateBatch:
        """All that is held, merged; it is what is held from now on."""
        if self._merged:
            return self._held[0]
        self._memory.add(MERGING_COPIES * self._memory.held)
        groups, mappings = GroupTable.union([batch.groups for batch in self._held])
        merged = []
        for i, call in enumerate(self._node.calls):
            look()
            tables = [
                replace(batch.tables[i], groups=ids[batch.tables[i].groups])
                for batch, ids in zip(self._held, mappings, strict=True)
            ]
            merged.append(merge_states(call, tables))
        result = StateBatch(groups, tuple(merged))
        self._held, self._rows, self._merged = [result], result.rows, True
        self._memory.set(result.nbytes)
        return result


class PartialAggregateIterator(BatchIterator):
    """All rows of the child, or partial states of them, → one batch of partial states."""

    def __init__(self, child: BatchIterator, node: Aggregate, context: QueryContext) -> None:
        super().__init__(child)
        self._states = _States(node, context)
        self._done = False

    def next_batch(self) -> StateBatch | None:
        if self._done:
            return None
        self._done = True
        result = self._states.read(self.children[0])
        self._states.clear()
        return result if result is not None and result.rows else None

    def close(self) -> None:
        self._states.clear()
        super().close()


class AggregateIterator(HeldIterator):
    """Rows, or partial states of the same calls, → one row for each (group, bucket)."""

    def __init__(self, child: BatchIterator, node: Aggregate, context: QueryContext) -> None:
        super().__init__(child, context=context)
        self._node = node
        self._states = _States(node, context)

    def produce(self) -> Iterator[Batch]:
        node = self._node
        states = self._states.read(self.children[0])
        if states is None:
            return
        self._states.finishing()
        finished = [
            finish_states(call, table, descending=node.descending)
            for call, table in zip(node.calls, states.tables, strict=True)
        ]
        result = _side_by_side(node, states.groups, finished)
        self.memory.set(result.nbytes)
        self._states.clear()
        if result.rows:
            yield result

    def close(self) -> None:
        self._states.clear()
        super().close()


def _side_by_side(node: Aggregate, groups: GroupTable, results: list[Finished]) -> Batch:
    """The results of all calls: a row for each (group, bucket) that any of them has."""
    first, *others = results
    ids, buckets, times, columns = first.groups, first.buckets, first.times, dict(first.columns)
    if others:
        aligned = align([(result.groups, result.buckets) for result in results], descending=node.descending)
        ids, buckets = aligned.groups, aligned.times
        columns = {
            label: aligned.column(number, column)
            for number, result in enumerate(results)
            for label, column in result.columns.items()
        }
    elif node.descending:
        order = sort_order([-ids, -buckets])  # stable: rows of one bucket keep their order
        ids, buckets, times = ids[order], buckets[order], None if times is None else times[order]
        columns = {label: column.take(order) for label, column in columns.items()}
    if node.point_times:
        assert times is not None
    elif node.window is not None:
        times = buckets
    else:
        times = np.full(len(ids), node.time_range.start if node.time_range.has_start else 0, np.int64)
    return Batch.of_rows(groups, ids, times, columns)
