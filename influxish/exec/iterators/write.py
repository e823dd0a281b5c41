"""SELECT … INTO: rows go into a sink, and one row tells how many points they made. What a sink is, is the caller's."""

from __future__ import annotations

import numpy as np

from influxish.batch import Batch, Column, GroupTable
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, RowIterator
from influxish.types import DataType


class WriteIterator(RowIterator):
    """Hand all rows to the sink of the query, then answer how many points were written, at time 0."""

    def __init__(self, child: BatchIterator, context: QueryContext) -> None:
        super().__init__(child)
        self._context = context
        self._done = False

    def next_batch(self) -> Batch | None:
        if self._done:
            return None
        self._done = True
        sink = self._context.sink
        assert sink is not None, "a query that writes has no sink"
        while (rows := self.rows_of(self.children[0])) is not None:
            sink.add(rows)
        self._context.look()
        written = Column.constant(DataType.INTEGER, sink.finish(), 1)
        start = np.zeros(1, np.int64)
        return Batch(GroupTable.single("result"), start, np.array([0, 1]), start, {"0": written})
