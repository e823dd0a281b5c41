"""Values for the places that have none, in the rows of the answer; empty buckets are `fill`'s business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from influxish.batch import Batch, Column, Positions
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.exec.iterators.fill import number_of
from influxish.plan.nodes import Default, FillColumn, FillOption


class DefaultIterator(HeldIterator):
    """Hold the rows, as the row before may be in another batch."""

    def __init__(self, child: BatchIterator, node: Default, context: QueryContext) -> None:
        super().__init__(child, context=context)
        self._node = node

    def produce(self) -> Iterator[Batch]:
        rows = self.collect(self.children[0])
        if rows is None:
            return
        begins = np.flatnonzero(np.diff(rows.row_groups, prepend=-1))
        first = np.repeat(begins, np.diff(np.append(begins, rows.rows))) + min(self._node.offset, rows.rows)
        columns = {}
        for fill in self._node.columns:
            self.context.look()
            columns[fill.label] = _filled(rows.columns.get(fill.label), fill, first)
        yield rows.with_columns(columns)


def _filled(column: Column | None, fill: FillColumn, first: Positions) -> Column:
    """The column without gaps, as far as there is something to put in.

    Args:
        first: (n,) the first row of the group of each that is seen.
    """
    if column is None or column.type is not fill.type:
        column = Column.absent(fill.type, len(first))
    if column.valid is None or column.valid.all():
        return column
    if fill.option is FillOption.PREVIOUS:
        source = np.maximum.accumulate(np.where(column.valid, np.arange(len(first)), -1))
        known = source >= first
        return Column(column.type, column.values[np.maximum(source, 0)], known)
    if fill.value is None:
        return column
    if not column.type.is_numeric:
        return replace(column, default=fill.value)
    values = column.values.copy()
    values[~column.valid] = number_of(fill.value, column.type)
    return Column(column.type, values)
