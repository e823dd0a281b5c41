"""Columns from several inputs side by side, by group and time: how the results of separate calls become rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from influxish.batch import Batch, Column, GroupTable
from influxish.exec.alignment import align
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.types import DataType


class JoinIterator(HeldIterator):
    """Outer join of inputs that have at most one row for each (group, time); no value where an input has no row.

    The inputs are results of aggregations, so all of them are held; a row comes out for every key of any input.
    """

    def __init__(
        self, inputs: Sequence[tuple[BatchIterator, Mapping[str, DataType]]], context: QueryContext, *, descending: bool
    ) -> None:
        super().__init__(*(iterator for iterator, _ in inputs), context=context)
        self._types = [types for _, types in inputs]
        self._descending = descending

    def produce(self) -> Iterator[Batch]:
        inputs = [self.collect(child) for child in self.children]
        present = [batch for batch in inputs if batch is not None]
        if not present:
            return
        groups, mappings = GroupTable.union([batch.groups for batch in present])
        keys = [(ids[batch.row_groups], batch.times) for ids, batch in zip(mappings, present, strict=True)]
        aligned = align(keys, descending=self._descending)
        columns: dict[str, Column] = {}
        number = 0
        for batch, types in zip(inputs, self._types, strict=True):
            for label, type in types.items():
                self.context.look()
                if batch is None:
                    columns[label] = Column.absent(type, len(aligned.groups))
                else:
                    columns[label] = aligned.column(number, batch.columns[label])
            number += batch is not None
        result = Batch.of_rows(groups, aligned.groups, aligned.times, columns)
        self.memory.set(result.nbytes)
        yield result
