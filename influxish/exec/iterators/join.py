"""Columns from several inputs side by side, by group and time: how the results of separate calls become rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from influxish.batch import Batch, Column, GroupTable
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.functions.sorting import sort_order
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
        ids = np.concatenate([ids[batch.row_groups] for ids, batch in zip(mappings, present, strict=True)])
        times = np.concatenate([batch.times for batch in present])
        sign = -1 if self._descending else 1
        order = sort_order([ids * sign, times * sign])
        fresh = np.ones(len(order), np.bool_)
        fresh[1:] = (ids[order][1:] != ids[order][:-1]) | (times[order][1:] != times[order][:-1])
        places = np.empty(len(order), np.int64)
        places[order] = np.cumsum(fresh) - 1
        rows = int(fresh.sum())
        keys = order[fresh]
        columns: dict[str, Column] = {}
        start = 0
        for batch, types in zip(inputs, self._types, strict=True):
            stop = start + (batch.rows if batch is not None else 0)
            for label, type in types.items():
                self.context.look()
                column = Column.absent(type, rows)
                if batch is not None:
                    assert column.valid is not None
                    column.values[places[start:stop]] = batch.columns[label].values
                    column.valid[places[start:stop]] = batch.columns[label].mask
                columns[label] = column
            start = stop
        result = Batch.of_rows(groups, ids[keys], times[keys], columns)
        self.memory.set(result.nbytes)
        yield result
