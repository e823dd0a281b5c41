"""The rows of a SELECT: limited for each group; and, for a subquery, made a source again."""

from __future__ import annotations

import numpy as np

from influxish.batch import Batch, Column, Positions, object_array
from influxish.exec.iterator import BatchIterator, RowIterator
from influxish.exec.iterators.limit import RowLimit
from influxish.plan.nodes import Derive, Output
from influxish.types import DataType


class OutputIterator(RowIterator):
    """Apply LIMIT and OFFSET to rows that come group by group, and name the columns.

    Column i of the answer is labelled by its place, so that two columns may share a name.
    """

    def __init__(self, child: BatchIterator, node: Output) -> None:
        super().__init__(child)
        self._node = node
        self._limit = RowLimit(node.limit, node.offset)

    def next_batch(self) -> Batch | None:
        while (batch := self.rows_of(self.children[0])) is not None:
            kept = self._limit.of(batch)
            if kept.rows:
                columns = {str(i): kept.columns.get(c.label) for i, c in enumerate(self._node.columns)}
                return kept.with_columns({i: c or Column.absent(DataType.FLOAT, kept.rows) for i, c in columns.items()})
        return None


class DeriveIterator(RowIterator):
    """Rows of a subquery as a source: columns by name, tags out of the group key, groups as asked outside."""

    def __init__(self, child: BatchIterator, node: Derive) -> None:
        super().__init__(child)
        self._node = node
        self._last: tuple[str, ...] | None = None  # the group of the last row handed on
        self._series = 0  # groups of the subquery handed on so far

    def next_batch(self) -> Batch | None:
        batch = self.rows_of(self.children[0])
        if batch is None:
            return None
        node = self._node
        columns: dict[str, Column] = {}
        for i, output in enumerate(node.columns):
            columns.setdefault(output.name, batch.columns[str(i)])
        known = dict(zip(batch.groups.dimensions, batch.groups.values, strict=True))
        ids = batch.row_groups
        for label, tag in (*zip(node.tags, node.tags, strict=True), *node.keys):
            values = known.get(tag, object_array([""] * len(batch.groups)))[ids]
            columns[label] = Column(DataType.TAG, values)
        groups, mapping = batch.groups.project(node.dimensions)
        ranks = self._ranks(batch)
        return Batch(groups, mapping[batch.run_groups], batch.run_offsets, batch.times, columns, ranks).at_place(
            node.place
        )

    def _ranks(self, batch: Batch) -> Positions:
        """The place of each run's group among those of the subquery; they come backwards in descending order."""
        changed = np.ones(len(batch.run_groups), np.int64)
        changed[1:] = batch.run_groups[1:] != batch.run_groups[:-1]
        changed[0] = batch.groups.key(int(batch.run_groups[0])) != self._last
        ranks = self._series + np.cumsum(changed)
        self._last, self._series = batch.groups.key(int(batch.run_groups[-1])), int(ranks[-1])
        return -ranks if self._node.descending else ranks
