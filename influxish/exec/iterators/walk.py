"""Results of functions that walk along the rows of each group; the walking itself is in `functions`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from influxish.batch import Batch, Column
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.functions.registry import Course, Rows
from influxish.functions.segments import Segments
from influxish.plan.nodes import Walk


class WalkIterator(HeldIterator):
    """Hold the input, walk along all groups at once."""

    def __init__(self, child: BatchIterator, node: Walk, context: QueryContext) -> None:
        super().__init__(child, context=context)
        self._node = node

    def produce(self) -> Iterator[Batch]:
        node = self._node
        rows = self.collect(self.children[0])
        if rows is None:
            return
        column = rows.columns[node.argument]
        known = np.flatnonzero(column.mask)
        if not len(known):
            return
        groups, times = rows.row_groups[known], rows.times[known]
        segments = Segments.of_keys([groups])
        course = Course(node.descending, node.window, node.time_range, node.alone)
        with np.errstate(all="ignore"):
            walked = node.function.walk(Rows(node.type, column.values[known], times), segments, node.arguments, course)
        result = Column(node.function.returns(node.type), walked.values)
        found = times[walked.positions] if walked.times is None else walked.times
        answer = Batch.of_rows(rows.groups, groups[walked.positions], found, {node.label: result})
        self.memory.set(answer.nbytes)
        if answer.rows:
            yield answer
