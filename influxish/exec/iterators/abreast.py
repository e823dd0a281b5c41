"""Columns from several calls side by side, some of whose streams stop before they are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from influxish.batch import Batch, Column, GroupTable, Positions
from influxish.exec.alignment import align
from influxish.exec.context import QueryContext
from influxish.exec.interleave import Stream, interleave
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.plan.abreast import Abreast, Stopping
from influxish.types import DataType, Times


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of one stream: groups and times (n,) of the answer's order, its columns, and its stops (n,) or None."""

    groups: Positions
    times: Times
    columns: Mapping[str, Column]
    stops: Positions | None = None


class AbreastIterator(HeldIterator):
    """Hold the inputs, tell the streams in them apart, and read these in turn. See `exec/interleave.py`."""

    def __init__(
        self, inputs: Sequence[tuple[BatchIterator, Mapping[str, DataType]]], node: Abreast, context: QueryContext
    ) -> None:
        super().__init__(*(iterator for iterator, _ in inputs), context=context)
        self._types = [types for _, types in inputs]
        self._node = node

    def produce(self) -> Iterator[Batch]:
        batches = [self.collect(child) for child in self.children]
        present = [(batch, types) for batch, types in zip(batches, self._types, strict=True) if batch is not None]
        if not present:
            return
        groups, mappings = GroupTable.union([batch.groups for batch, _ in present])
        streams = [
            rows
            for (batch, types), ids in zip(present, mappings, strict=True)
            for rows in self._streams(batch, ids[batch.row_groups], list(types))
        ]
        aligned = align([(rows.groups, rows.times) for rows in streams], descending=self._node.descending)
        keyed = [Stream(keys, rows.stops) for keys, rows in zip(aligned.places, streams, strict=True)]
        read = interleave(keyed, patient=self._node.patient)
        types = {label: type for made in self._types for label, type in made.items() if label in self._node.labels}
        columns = {label: Column.absent(type, len(read.keys)) for label, type in types.items()}
        for rows, places in zip(streams, read.places, strict=True):
            for label, column in rows.columns.items():
                columns[label] = _laid_out(column, places, len(read.keys))
        result = Batch.of_rows(groups, aligned.groups[read.keys], aligned.times[read.keys], columns)
        self.memory.set(result.nbytes)
        if result.rows:
            yield result

    def _streams(self, batch: Batch, groups: Positions, labels: Sequence[str]) -> Iterator[_Rows]:
        """The streams in one input."""
        stopping = [stream for stream in self._node.streams if stream.stops in labels]
        for stream in stopping:
            yield _stopping(batch, groups, stream)
        others = {label: batch.columns[label] for label in labels if label in self._node.others}
        if others:
            known = np.arange(batch.rows)
            if stopping:  # some rows may be there for those alone
                known = np.flatnonzero(np.logical_or.reduce([column.mask for column in others.values()]))
            columns = {label: column.take(known) for label, column in others.items()}
            yield _Rows(groups[known], batch.times[known], columns)


def _stopping(batch: Batch, groups: Positions, stream: Stopping) -> _Rows:
    own = np.flatnonzero(batch.columns[stream.stops].mask)
    stops = batch.columns[stream.stops].values[own]
    columns = {label: batch.columns[label].take(own) for label in stream.columns if label in batch.columns}
    return _Rows(groups[own], batch.times[own], columns, stops)


def _laid_out(column: Column, places: Positions, rows: int) -> Column:
    """The first values of a column, at these rows of the answer."""
    result = replace(Column.absent(column.type, rows), default=column.default)
    assert result.valid is not None
    result.values[places] = column.values[: len(places)]
    result.valid[places] = column.mask[: len(places)]
    return result
