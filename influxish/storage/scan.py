"""A scan of one shard: pruning by statistics, predicates, limits, tag columns and groups on top of `reading`.

Also the two things that are answered from the index alone: how a scan is cut into portions, and what it would cost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from influxish.batch import Batch, Column, Mask
from influxish.functions.expression import Comparison, Expression, Literal, Match, Reference, conjuncts, holds
from influxish.storage.index import MeasurementSeries, SeriesIndex
from influxish.storage.interface import Estimate, ScanRequest, ScanStats
from influxish.storage.pieces import Layer, Piece, clusters
from influxish.storage.points import any_valid
from influxish.storage.portions import portion
from influxish.storage.reading import Reader, Selection, converted, convertible
from influxish.types import Array, DataType, FieldRequest


@dataclass(frozen=True, eq=False)
class Scan:
    """One request against the layers (oldest first) of its measurement in one shard."""

    request: ScanRequest
    layers: Sequence[Layer]
    series: MeasurementSeries
    index: SeriesIndex

    def batches(self, stats: ScanStats) -> Iterator[Batch]:
        """See `ShardSource.scan`."""
        request = self.request
        selected = self._selected()
        if selected is None:
            return
        table, group_of = self.index.groups(request.measurement, request.dimensions, self.series)
        rank_of = self.index.ranks(request.measurement, self.series)
        tags = {key: self.series.values(key) for key in request.tags}
        limit = _SeriesLimit(request.limit, self.series.count)
        reader = Reader(request.fields, selected, stats, self._pruner(selected, limit), request.descending)
        for rows in reader.read(clusters(self.layers)):
            found = limit.first(self._passing(_with_tags(rows, tags)))
            for start in range(0, found.rows, request.batch_rows):
                part = found.slice(start, min(start + request.batch_rows, found.rows))
                groups, ranks = group_of[part.run_groups], rank_of[part.run_groups]
                yield Batch(table, groups, part.run_offsets, part.times, part.columns, ranks)

    def estimate(self) -> Estimate:
        """See `ShardSource.estimate`."""
        selected = self._selected()
        rows = blocks = size = 0
        series = np.zeros(self.series.count, np.bool_)
        for piece in (piece for layer in self.layers for piece in layer.pieces):
            if selected is None or selected.misses(piece):
                continue
            kept = selected.runs(piece.runs)
            if not kept.any() or self._lacks_required(piece) or self._fails(piece):
                continue
            here = int(piece.runs.take(kept).sum())
            rows, blocks, size = rows + here, blocks + 1, size + piece.rows * 8 * (1 + len(self.request.fields))
            series[piece.runs.series[kept]] = True
        return Estimate(rows, int(series.sum()), blocks, size)

    def first_groups(self, count: int) -> list[tuple[str, ...]]:
        """See `ShardSource.first_groups`."""
        selected = self._selected()
        if selected is None:
            return []
        table, group_of = self.index.groups(self.request.measurement, self.request.dimensions, self.series)
        sure, wanted = np.zeros(len(table), np.bool_), self.request.time_range
        for piece in (piece for layer in self.layers for piece in layer.pieces):
            if selected.misses(piece):
                continue
            if not any(_has(piece, field) and piece.always_valid(field.name) for field in self._required()):
                continue
            # The first row of a run or its last is in range: both are rows that there are.
            inside = (piece.runs.first >= wanted.start) | (piece.runs.last < wanted.stop)
            sure[group_of[piece.runs.series[selected.runs(piece.runs) & inside]]] = True
        return [table.key(group)[1:] for group in np.flatnonzero(sure)[:count].tolist()]

    def _selected(self) -> Selection | None:
        """The rows wanted by key; None if there can be none."""
        request = self.request
        if request.time_range.is_empty or not request.fields or not self.layers:
            return None
        series = self.series.select(request.series)
        if request.last_group is not None:
            table, group_of = self.index.groups(request.measurement, request.dimensions, self.series)
            inside = group_of < bisect_right(table.keys, (request.measurement, *request.last_group))
            series = inside if series is None else series & inside
        if series is not None and not series.any():
            return None
        return portion(self.layers, Selection(series, time_range=request.time_range), request.part)

    def _pruner(self, selected: Selection, limit: _SeriesLimit) -> Callable[[Piece, Mask], bool]:
        def prune(piece: Piece, kept: Mask) -> bool:
            return limit.reached(piece.runs.series[kept]) or self._lacks_required(piece) or self._fails(piece)

        return prune

    def _required(self) -> Sequence[FieldRequest]:
        wanted = self.request.required
        return [field for field in self.request.fields if not wanted or field.label in wanted]

    def _lacks_required(self, piece: Piece) -> bool:
        return not any(_has(piece, field) for field in self._required())

    def _fails(self, piece: Piece) -> bool:
        """Whether the statistics of the piece show that the predicate is true for no row of it."""
        fields = {field.label: field for field in self.request.fields}
        return any(_cannot_hold(term, piece, fields) for term in conjuncts(self.request.predicate))

    def _passing(self, rows: Batch) -> Batch:
        required = [rows.columns[field.label] for field in self._required()]
        mask = any_valid(required, rows.rows)
        if self.request.predicate is not None:
            mask &= holds(self.request.predicate, rows.columns, rows.rows)
        return rows.where(mask)


class _SeriesLimit:
    """Counts down how many rows each series may still give."""

    def __init__(self, limit: int | None, series: int) -> None:
        self._left = None if limit is None else np.full(series, limit, np.int64)

    def reached(self, series: Array) -> bool:
        """Whether none of these series may give any more."""
        return self._left is not None and not self._left[series].any()

    def first(self, rows: Batch) -> Batch:
        """The rows that are within the limit; these are counted. Each series has one run at most."""
        if self._left is None or not rows.rows:
            return rows
        lengths = np.diff(rows.run_offsets)
        kept = np.minimum(lengths, self._left[rows.run_groups])
        self._left[rows.run_groups] -= kept
        if (kept == lengths).all():
            return rows
        place = np.arange(rows.rows) - np.repeat(rows.run_offsets[:-1], lengths)
        return rows.where(place < np.repeat(kept, lengths))


def _with_tags(rows: Batch, tags: dict[str, Array]) -> Batch:
    if not tags:
        return rows
    lengths = np.diff(rows.run_offsets)
    columns = dict(rows.columns)
    for key, values in tags.items():
        of_run = values[rows.run_groups]
        present = np.repeat((of_run != "").astype(np.bool_), lengths)
        columns[key] = Column(DataType.TAG, np.repeat(of_run, lengths), None if present.all() else present)
    return rows.with_columns(columns)


def _has(piece: Piece, field: FieldRequest) -> bool:
    stored = piece.field_type(field.name)
    return stored is not None and convertible(stored, field.type)


def _cannot_hold(term: Expression, piece: Piece, fields: dict[str, FieldRequest]) -> bool:
    """Whether a condition is false for every row of the piece, as far as its index tells."""
    if isinstance(term, Match) and isinstance(term.operand, Reference):
        return term.operand.name in fields and not _has(piece, fields[term.operand.name])
    if not isinstance(term, Comparison):
        return False
    reference = term.left if isinstance(term.left, Reference) else term.right
    literal = term.right if reference is term.left else term.left
    if not isinstance(reference, Reference) or not isinstance(literal, Literal) or reference.name not in fields:
        return False
    field = fields[reference.name]
    if not _has(piece, field):
        return True
    extremes = piece.extremes(field.name)
    if extremes is None or not literal.type.is_numeric or not field.type.is_numeric:
        return False
    # The comparison itself is run on both bounds, so whatever numpy does to mixed types happens here too.
    bounds = {reference.name: converted(Column(extremes.type, extremes.values), field.type)}

    def at_bounds(op: str) -> list[bool]:
        return [bool(verdict) for verdict in holds(replace(term, op=op), bounds, 2)]

    if term.op == "=":
        # All values are on one side of the literal: neither bound equals it, and both compare alike.
        below = at_bounds("<")
        return not any(at_bounds("=")) and below[0] == below[1]
    if term.op == "!=":
        return all(at_bounds("=")) and bool(bounds[reference.name].values[0] == bounds[reference.name].values[1])
    return not any(at_bounds(term.op))
