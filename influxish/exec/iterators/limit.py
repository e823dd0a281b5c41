"""LIMIT and OFFSET: some rows of each group, counted as they come."""

from __future__ import annotations

import numpy as np

from influxish.batch import Batch, Column, Mask
from influxish.exec.iterator import BatchIterator, RowIterator
from influxish.plan.nodes import Limit
from influxish.types import DataType


class RowLimit:
    """Counts the rows of each group, over batches that come group by group."""

    def __init__(self, limit: int | None, offset: int) -> None:
        self._limit, self._offset = limit, offset
        self._group: tuple[str, ...] | None = None
        self._seen = 0  # rows of the current group so far

    def of(self, batch: Batch) -> Batch:
        """The rows that are within the limit."""
        if self._limit is None and not self._offset:
            return batch
        keep: Mask = np.zeros(batch.rows, np.bool_)
        starts, stops = batch.run_offsets[:-1].tolist(), batch.run_offsets[1:].tolist()
        for group, start, stop in zip(batch.run_groups.tolist(), starts, stops, strict=True):
            key = batch.groups.key(group)
            if key != self._group:
                self._group, self._seen = key, 0
            low = start + max(0, self._offset - self._seen)
            high = stop if self._limit is None else start + max(0, self._offset + self._limit - self._seen)
            keep[low : min(high, stop)] = True
            self._seen += stop - start
        return batch.where(keep)


class LimitIterator(RowIterator):
    """The rows of one call that are within its limit. A stop before another is a stop before the next of these."""

    def __init__(self, child: BatchIterator, node: Limit) -> None:
        super().__init__(child)
        self._node = node
        self._limit = RowLimit(node.limit, node.offset)
        self._stops = 0  # before rows that were left out

    def next_batch(self) -> Batch | None:
        node = self._node
        while (batch := self.rows_of(self.children[0])) is not None:
            own = batch.with_columns({label: batch.columns[label] for label in (node.label, *node.beside)})
            if node.stops:
                own = own.where(own.columns[node.stops].mask)
                own = own.with_columns({**own.columns, node.stops: self._so_far(own.columns[node.stops])})
            kept = self._limit.of(own.where(own.columns[node.label].mask) if node.present else own)
            if kept.rows:
                return self._since_last(kept) if node.stops else kept
        return None

    def _so_far(self, stops: Column) -> Column:
        """How often the stream stopped before each row since the last one that was handed on."""
        so_far = np.cumsum(stops.values) + self._stops
        self._stops = int(so_far[-1]) if len(so_far) else self._stops
        return Column(DataType.INTEGER, so_far)

    def _since_last(self, kept: Batch) -> Batch:
        so_far = kept.columns[self._node.stops].values
        self._stops -= int(so_far[-1])
        stops = Column(DataType.INTEGER, np.diff(so_far, prepend=0))
        return kept.with_columns({**kept.columns, self._node.stops: stops})
