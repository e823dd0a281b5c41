"""New columns out of old ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from influxish.batch import Batch
from influxish.exec.iterator import BatchIterator, RowIterator
from influxish.functions.expression import evaluate
from influxish.plan.nodes import Computed


class ProjectIterator(RowIterator):
    """Compute every column for each batch; with `required` labels, keep rows where one of them has a value."""

    def __init__(self, child: BatchIterator, columns: Sequence[Computed], required: Sequence[str]) -> None:
        super().__init__(child)
        self._columns, self._required = columns, required

    def next_batch(self) -> Batch | None:
        while (batch := self.rows_of(self.children[0])) is not None:
            if self._required and all(batch.columns[label].valid is not None for label in self._required):
                present = np.zeros(batch.rows, np.bool_)
                for label in self._required:
                    present |= batch.columns[label].mask
                batch = batch.where(present)
            if batch.rows:
                made = {c.label: evaluate(c.expression, batch.columns, batch.rows) for c in self._columns}
                return batch.with_columns(made)
        return None
