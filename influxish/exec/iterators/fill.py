"""A row for every bucket: the grid of a GROUP BY time, with something in the empty places. See `exec/grid.py`.

Source of the semantics: influxdata/influxdb 1.8, query/iterator.gen.go, the fill iterators.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from influxish.batch import BATCH_ROWS, Batch, Column, Mask, Positions
from influxish.errors import LimitExceeded
from influxish.exec.context import QueryContext
from influxish.exec.grid import Grid, lay_grid
from influxish.exec.iterator import BatchIterator, HeldIterator
from influxish.exec.stops import hidden_from_lines, where_seen, without_absorbed, without_stops
from influxish.functions.interruption import look
from influxish.functions.windows import bucket_numbers, bucket_starts, bucket_stops
from influxish.plan.nodes import Fill, FillColumn, FillOption
from influxish.types import Array, DataType, Times

SLICE_ROWS = 2 * BATCH_ROWS
"""A group with more buckets than these is filled in slices: the query can be stopped between them."""


class FillIterator(HeldIterator):
    """Hold the input (one row for each bucket that has any), lay the grid some groups at a time, fill each column."""

    def __init__(self, child: BatchIterator, node: Fill, context: QueryContext) -> None:
        super().__init__(child, context=context)
        self._node = node
        ends = np.array([node.time_range.start, node.time_range.stop - 1], np.int64)
        self._begin, self._last = bucket_starts(node.window, ends).tolist()

    def produce(self) -> Iterator[Batch]:
        node = self._node
        rows = self.collect(self.children[0])
        if rows is None:
            return
        if node.descending:
            rows = rows.reversed()
        rows = without_absorbed(rows, node)
        starts = np.flatnonzero(np.diff(rows.row_groups, prepend=-1))
        stops = np.append(starts[1:], rows.rows)
        first, last = rows.times[starts], self._last
        if node.time_range.has_start:
            # Backwards, buckets are filled down to a row that begins before the range: see `_early`.
            first = np.minimum(self._begin, first) if node.descending else np.full_like(first, self._begin)
        lengths = np.where(first <= last, bucket_numbers(node.window, first, np.full_like(first, last)) + 1, 0)
        self._check(int(lengths.sum(dtype=np.float64)))  # before a row is made; the sum may exceed every integer type
        lengths = lengths.astype(np.int64)
        chunks = np.concatenate([[0], np.cumsum(lengths)]) // BATCH_ROWS
        cuts = np.flatnonzero(np.diff(chunks[:-1], prepend=-1, append=chunks[-1] + 1))
        long = np.flatnonzero(lengths > SLICE_ROWS)
        lots = [(int(a), int(b)) for a, b in itertools.pairwise(np.union1d(cuts, [long, long + 1]))]
        for low, high in reversed(lots) if node.descending else lots:
            piece = rows.slice(int(starts[low]), int(stops[high - 1]))
            if lengths[low] > SLICE_ROWS:
                answers = self._fill_long(piece, int(first[low]), last)
            else:
                early = [self._early(piece, fill) for fill in node.columns]
                answers = iter([self._fill(piece, first[low:high], last, early)])
            for filled in answers:
                if filled.rows:
                    yield filled.reversed() if node.descending else filled

    def _check(self, rows: int) -> None:
        limit = self.context.limits.max_buckets
        if rows > limit:
            raise LimitExceeded(
                f"filling every bucket would make {rows:,} rows, more than max_buckets ({limit:,}): widen GROUP BY "
                "time(), narrow the time range (give it both bounds), or write fill(none)",
                limit="max_buckets",
            )

    def _fill_long(self, rows: Batch, first: int, last: int) -> Iterator[Batch]:
        """Fill one group a slice of time after the other, in the order of the answer.

        A slice is filled together with the rows next to it that its empty places look at; these are left out again.
        """
        window = self._node.window
        about = np.array(range(first, last + 1, SLICE_ROWS * window.every), np.int64)
        cuts = np.unique(bucket_starts(window, about))
        ends = bucket_starts(window, np.append(cuts[1:] - 1, last))
        bounds = [*cuts.tolist(), int(bucket_stops(window, np.array([last], np.int64))[0])]
        lows = np.searchsorted(rows.times, cuts)
        lows[0] = 0  # rows outside of the time range are in the slices at its ends
        highs = np.append(lows[1:], rows.rows)
        kept = [np.flatnonzero(mask) for mask in self._known(rows)]
        early = [self._early(rows, fill) for fill in self._node.columns]
        numbers = range(len(cuts))
        for i in reversed(numbers) if self._node.descending else numbers:
            look()
            low, high = int(lows[i]), int(highs[i])
            beside = {int(known[np.searchsorted(known, low) - 1]) for known in kept if len(known) and known[0] < low}
            beside |= {int(known[np.searchsorted(known, high)]) for known in kept if len(known) and known[-1] >= high}
            chosen = np.union1d(np.array(list(beside), np.int64), np.arange(low, high))
            if not len(chosen):
                continue
            ahead = (bounds[i + 1], bounds[-1]) if self._node.descending else (bounds[0], bounds[i])
            left = [early[k] - self._empty(rows, fill, *ahead) for k, fill in enumerate(self._node.columns)]
            part = self._fill(_take(rows, chosen), cuts[i : i + 1], int(ends[i]), left)
            own = np.ones(part.rows, np.bool_)
            if i > 0:
                own &= part.times >= cuts[i]
            if i < len(cuts) - 1:
                own &= part.times <= ends[i]
            opens = i == (len(cuts) - 1 if self._node.descending else 0) or not self._node.time_range.has_start
            yield part.where(own) if opens else without_stops(part.where(own), self._node)

    def _known(self, rows: Batch) -> Iterator[Mask]:
        """For each column which rows are there to be looked at from empty places, (r,): present, and with a value."""
        for fill in self._node.columns:
            present = rows.columns[fill.of].mask
            yield present
            yield present & rows.columns[fill.label].mask

    def _early(self, rows: Batch, fill: FillColumn) -> Positions:
        """How many rows of a column come before the time range, (g,) of each group, in the order of the answer.

        A subquery answers buckets that begin before the range, or backwards after it, where something in it looks back.
        Each of them takes the place of an empty bucket of the range, the first ones there are.
        """
        which = np.cumsum(np.diff(rows.row_groups, prepend=rows.row_groups[0]) != 0)
        beyond = rows.times > self._last if self._node.descending else rows.times < self._begin
        early = beyond & rows.columns[fill.of].mask & self._node.time_range.has_start
        return np.bincount(which, weights=early).astype(np.int64)

    def _empty(self, rows: Batch, fill: FillColumn, low: int, high: int) -> int:
        """How many buckets from `low` up to that of `high` are empty, in the rows of one group."""
        there = rows.columns[fill.of].mask & (rows.times >= low) & (rows.times < high)
        ends = (np.array([moment], np.int64) for moment in (low, high))
        return int(bucket_numbers(self._node.window, *ends)[0]) - int(there.sum())

    def _fill(self, rows: Batch, first: Times, last: int, early: Sequence[Positions]) -> Batch:
        """Args: early: of each column, how many empty buckets of each group are left out."""
        grid = lay_grid(self._node.window, rows, first, last)
        n = len(grid.times)
        exists = np.zeros(n, np.bool_)
        columns = {}
        for fill, left_out in zip(self._node.columns, early, strict=True):
            column, region = self._fill_column(fill, rows, grid, left_out)
            columns[fill.label] = column
            exists |= region
        batch = Batch.of_rows(rows.groups, grid.groups, grid.times, columns)
        return batch.where(exists)

    def _fill_column(self, fill: FillColumn, rows: Batch, grid: Grid, left_out: Positions) -> tuple[Column, Mask]:
        """The column over the grid, and where it exists: in groups that have a value at all, from its beginning on."""
        n = len(grid.times)
        own, source = rows.columns[fill.of], rows.columns[fill.label]
        present = np.zeros(n, np.bool_)
        present[grid.places] = own.mask
        values = np.zeros(n, fill.type.dtype)
        values[grid.places] = source.values
        valid = np.zeros(n, np.bool_)
        valid[grid.places] = own.mask & source.mask
        region = _from_first(present, grid)
        if self._node.time_range.has_start:
            region |= _of_any(present, grid) & (grid.times >= self._begin)
        if grid.extra is not None:
            region &= present | ~grid.extra
        if (left_out > 0).any():
            ranks = _ranks(region & ~present, grid, backwards=self._node.descending)
            region &= present | (ranks >= left_out[_group_numbers(grid)])
        empty = region & ~present
        match fill.option:
            case FillOption.PREVIOUS:
                _fill_previous(values, valid, present, empty, grid, backwards=self._node.descending)
            case FillOption.LINEAR:
                if fill.type.is_numeric:
                    hidden = hidden_from_lines(fill, self._node, rows, grid)
                    _fill_linear(values, valid, present, empty, grid, fill.type, self._node, hidden)
            case _:
                if fill.value is not None and (fill.type.is_numeric or fill.of == fill.label):
                    values[empty] = value_of(fill.value, fill.type)
                    valid |= empty
        values = where_seen(fill, self._node, values, present, region, grid)
        return Column(fill.type, values, None if valid.all() else valid, source.default), region


def _take(rows: Batch, positions: Positions) -> Batch:
    columns = {label: column.take(positions) for label, column in rows.columns.items()}
    return Batch.of_rows(rows.groups, rows.row_groups[positions], rows.times[positions], columns)


def value_of(value: float | int, type: DataType) -> object:
    """What a number that fill() names is in an empty bucket: of texts it is the empty one, of booleans false."""
    if type.is_numeric:
        return number_of(value, type)
    return False if type is DataType.BOOLEAN else ""


def number_of(value: float | int, type: DataType) -> float | int:
    """What fill() names, in a column of `type`. A whole number that does not fit is the smallest integer, as on the
    server; of an unsigned column it is what has the same bits."""
    if type is DataType.FLOAT:
        return float(value)
    whole = int(value)
    if type is DataType.UNSIGNED and 0 <= whole < 1 << 64:
        return whole
    signed = whole if -(1 << 63) <= whole < 1 << 63 else -(1 << 63)
    return signed if type is DataType.INTEGER else signed % (1 << 64)


def _from_first(present: Mask, grid: Grid) -> Mask:
    """Rows from the first present one of their group on."""
    return np.greater(_ranks(present, grid) + present, 0)


def _of_any(present: Mask, grid: Grid) -> Mask:
    """Rows of groups that have a present row."""
    group = _group_numbers(grid)
    total = np.bincount(group, weights=present)
    whole: Mask = total[group] > 0
    return whole


def _ranks(mask: Mask, grid: Grid, *, backwards: bool = False) -> Positions:
    """How many rows of the mask stand before each row in its group; or behind it."""
    before: Positions = np.cumsum(mask) - mask
    ranks: Positions = before - before[grid.first]
    if backwards:
        group = _group_numbers(grid)
        ranks = np.bincount(group, weights=mask).astype(np.int64)[group] - mask - ranks
    return ranks


def _group_numbers(grid: Grid) -> Positions:
    """(n,) the number of each row's group, from 0."""
    numbers: Positions = np.cumsum(grid.first == np.arange(len(grid.first))) - 1
    return numbers


def _fill_previous(values: Array, valid: Mask, present: Mask, empty: Mask, grid: Grid, *, backwards: bool) -> None:
    """Copy the last present row of the group, in the order of the answer."""
    n = len(present)
    rows = np.arange(n, dtype=np.int64)
    if backwards:
        following = np.minimum.accumulate(np.where(present, rows, n)[::-1])[::-1]
        inside = following < n
        same = np.zeros(n, np.bool_)
        same[inside] = grid.first[following[inside]] == grid.first[inside]
        source = np.where(same, following, 0)
    else:
        source = np.maximum.accumulate(np.where(present, rows, -1))
        same = source >= grid.first
    places = empty & same
    values[places] = values[source[places]]
    valid[places] = valid[source[places]]


def _fill_linear(
    values: Array,
    valid: Mask,
    present: Mask,
    empty: Mask,
    grid: Grid,
    type: DataType,
    node: Fill,
    hidden: Positions | None,
) -> None:
    """Between two present rows of a group, a straight line; nothing before the first and after the last.

    How far two integers are apart wraps around; times count in whole buckets since 1970. Source: influxdata/influxdb
    1.6, query/linear.go and its callers.

    Args:
        hidden: (n,) how many buckets ahead of each row are left empty before the line to it begins.
    """
    n, every = len(present), node.window.every
    rows = np.arange(n, dtype=np.int64)
    known = present & valid
    before = np.maximum.accumulate(np.where(known, rows, -1))
    after = np.minimum.accumulate(np.where(known, rows, n)[::-1])[::-1]
    places = np.flatnonzero(empty & (before >= grid.first) & (after < n))
    places = places[grid.first[after[places]] == grid.first[places]]
    low, high = before[places], after[places]
    if hidden is not None:
        come_from, lead_to = (high, low) if node.descending else (low, high)
        passed = np.abs(grid.times[places] - grid.times[come_from]) // every
        on_line = passed > hidden[lead_to]
        places, low, high = places[on_line], low[on_line], high[on_line]
    start, rise = values[low].astype(np.float64), (values[high] - values[low]).astype(np.float64)
    since, until = (_buckets(grid.times[at], every) for at in (low, high))
    slope = rise / (until - since)
    with np.errstate(invalid="ignore"):  # what is no integer is the smallest one, as with InfluxDB
        values[places] = (slope * (_buckets(grid.times[places], every) - since) + start).astype(type.dtype)
    valid[places] = True


def _buckets(times: Times, every: int) -> Times:
    """How many whole buckets a time is from 1970, as Go divides: towards it."""
    whole: Times = np.sign(times) * (np.abs(times) // every)
    return whole
