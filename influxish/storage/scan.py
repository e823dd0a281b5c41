"""A scan of one shard: pruning by statistics, predicates, limits, tag columns and groups on top of `reading`.

Also the two things that are answered from the index alone: how a scan is cut into portions, and what it would cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from influxish.batch import Batch, Column, GroupTable, Mask, Positions, object_array
from influxish.functions.expression import Comparison, Expression, Literal, Match, Reference, conjuncts, holds
from influxish.storage.index import MeasurementSeries, SeriesIndex
from influxish.storage.interface import Estimate, ScanRequest, ScanStats
from influxish.storage.pieces import Layer, Piece, clusters, present_series
from influxish.storage.points import any_valid
from influxish.storage.portions import portion
from influxish.storage.reading import Reader, Selection, converted, convertible
from influxish.types import Array, DataType, FieldRequest, SeriesLimit


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
        limit = _RowLimit(request.limit, self.series.count)
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

    def _selected(self) -> Selection | None:
        """The rows wanted by key; None if there can be none."""
        request = self.request
        if request.time_range.is_empty or not request.fields or not self.layers:
            return None
        series = self.series.select(request.series)
        if request.series_limit is not None:
            inside = self._within(request.series_limit)
            series = inside if series is None else series & inside
        if series is not None and not series.any():
            return None
        return portion(self.layers, Selection(series, time_range=request.time_range), request.part)

    def _within(self, limit: SeriesLimit) -> Mask:
        """(s,) bool: the series whose group is among those that a limit leaves of the groups in this shard."""
        table, group_of = self.index.groups(self.request.measurement, limit.dimensions, self.series)
        counted = present_series(self.layers, self.series.count)
        chosen = self.series.select(self.request.counted)
        groups = np.unique(group_of[counted if chosen is None else counted & chosen])
        if len(limit.dimensions) > 1:  # with one, they are in order as they stand
            keys = _tag_set_keys(table, groups)
            groups = groups[sorted(range(len(groups)), key=keys.__getitem__)]
        inside = np.zeros(len(table), np.bool_)
        inside[groups[limit.offset : limit.offset + limit.limit]] = True
        within: Mask = inside[group_of]
        return within

    def _pruner(self, selected: Selection, limit: _RowLimit) -> Callable[[Piece, Mask], bool]:
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


def _tag_set_keys(table: GroupTable, groups: Positions) -> list[str]:
    """What groups are counted by: `h|r|a|x` for h=a, r=x, without keys that are missing.

    Source: influxdata/influxdb 1.6, MakeTagsKey of tsdb/index/inmem.
    """
    names, texts = object_array([""] * len(groups)), object_array([""] * len(groups))
    for key, values in zip(table.dimensions, table.values, strict=True):
        value = values[groups]
        present = value != ""
        names[present] += f"{key}|"
        texts[present] += value[present] + "|"
    keys: list[str] = (names + texts).tolist()
    return [key[:-1] for key in keys]


class _RowLimit:
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
