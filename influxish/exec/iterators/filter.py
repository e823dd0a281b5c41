"""Rows for which a condition holds."""

from __future__ import annotations

from influxish.batch import Batch
from influxish.exec.iterator import BatchIterator, RowIterator
from influxish.functions.expression import Expression, holds


class FilterIterator(RowIterator):
    """Mask each batch by the condition."""

    def __init__(self, child: BatchIterator, condition: Expression) -> None:
        super().__init__(child)
        self._condition = condition

    def next_batch(self) -> Batch | None:
        while (batch := self.rows_of(self.children[0])) is not None:
            kept = batch.where(holds(self._condition, batch.columns, batch.rows))
            if kept.rows:
                return kept
        return None
