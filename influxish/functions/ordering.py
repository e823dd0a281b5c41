"""Rank and equality inside segments: extremes, order statistics, groups of equal values.

The numpy that selectors, median, mode and distinct have in common. It names no function. Everything here takes
segments that tile the rows from first to last; `tiled` makes such segments from any others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from influxish.batch import Positions
from influxish.functions.interruption import look
from influxish.functions.registry import Rows
from influxish.functions.segments import Segments
from influxish.functions.sorting import (
    PIECE_ROWS,
    gather,
    pieces,
    segment_pieces,
    sort_order,
    sorted_texts,
    value_at_rank,
)
from influxish.types import Array, Times


def tiled(rows: Rows, segments: Segments) -> tuple[Rows, Segments, Positions | None]:
    """The same segments as ones that tile their rows.

    Returns:
        rows, segments, and (n,) where each row stood before, or None if nothing had to move.
    """
    size = len(rows.values)
    if not len(segments):
        return rows if not size else take(rows, segments.starts), segments, None
    if segments.tiling and segments.starts[0] == 0 and segments.stops[-1] == size:
        return rows, segments, None
    positions = segments.rows
    starts = np.cumsum(segments.lengths) - segments.lengths
    return take(rows, positions), Segments.from_starts(starts, len(positions)), positions


def take(rows: Rows, positions: Positions) -> Rows:
    """The rows at `positions`."""
    keys = tuple(key[positions] for key in rows.keys)
    return Rows(rows.type, rows.values[positions], rows.times[positions], keys)


def extremes(values: Array, segments: Segments, ufunc: np.ufunc) -> tuple[Positions, Segments]:
    """Every row that holds the extreme value of its segment.

    Args:
        values: (n,).
        segments: m of them, tiling the n rows.
        ufunc: minimum or maximum. NaN is the extreme only of a segment that holds nothing else.
    Returns:
        (r,) row numbers, ascending, and the m segments they form.
    """
    parts, lengths = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for own, rows in segment_pieces(segments):
        positions, counts = _extremes(values[rows], own, ufunc)
        parts.append(positions + rows.start)
        lengths.append(counts)
    found = np.concatenate(parts)
    look()
    counts = np.concatenate(lengths)
    look()
    return found, Segments.from_starts(np.cumsum(counts) - counts, len(found))


def _extremes(values: Array, segments: Segments, ufunc: np.ufunc) -> tuple[Positions, Positions]:
    """Row numbers as above, and (m,) how many of each segment."""
    if len(segments) == len(values):
        return segments.starts, segments.lengths
    floating = values.dtype.kind == "f"
    best = segments.reduce(_SKIPPING_NAN[ufunc] if floating else ufunc, values)
    hit = values == np.repeat(best, segments.lengths)
    if floating and (lost := np.isnan(best)).any():
        hit |= np.repeat(lost, segments.lengths)
    return np.flatnonzero(hit), np.add.reduceat(hit, segments.starts, dtype=np.int64)


_SKIPPING_NAN: dict[np.ufunc, np.ufunc] = {np.minimum: np.fmin, np.maximum: np.fmax}


def first_extreme(values: Array, times: Times, segments: Segments, ufunc: np.ufunc) -> Positions:
    """(m,) of the rows that hold the extreme value of each segment, the earliest; the first row among equal times."""
    found, groups = extremes(values, segments, ufunc)
    if len(found) > len(segments):
        earliest, groups = extremes(times[found], groups, np.minimum)
        found = found[earliest]
    return found[groups.starts]


def rising(times: Times, segments: Segments) -> bool:
    """Whether times ascend strictly inside each segment."""
    steps = times[1:] > times[:-1]
    steps[segments.starts[1:] - 1] = True
    return bool(steps.all())


def order_statistics(values: Array, segments: Segments, ranks: Positions) -> Array:
    """The values that would stand at given ranks if each segment were sorted, without sorting it.

    Args:
        values: (n,) numbers; NaN ranks last.
        segments: m of them, tiling the n rows.
        ranks: (k, m) from 0 to length - 1; segments of one length have the same ranks.
    Returns:
        (k, m) of the dtype of `values`.
    """
    result = np.empty(ranks.shape, values.dtype)
    for chosen, length in _lots(segments):
        look()
        wanted = ranks[:, chosen[0]]
        if length > PIECE_ROWS:  # such a lot is a single segment
            own = values[segments.starts[chosen[0]] : segments.stops[chosen[0]]]
            result[:, chosen[0]] = [value_at_rank(own, rank) for rank in wanted.tolist()]
            continue
        table = np.partition(_table(values, segments.starts[chosen], length), np.unique(wanted), axis=1)
        result[:, chosen] = table[:, wanted].T
    return result


def smallest(keys: Array, times: Times, segments: Segments, limit: int) -> tuple[Positions, Positions]:
    """The `limit` rows of each segment with the smallest keys; of equal keys the earliest.

    Args:
        keys: (n,) numbers without NaN.
        times: (n,) ns.
        segments: m of them, tiling the n rows.
        limit: at least 1.
    Returns:
        (r,) row numbers, segment by segment, in order of time; (m,) how many of each segment.
    """
    counts = np.minimum(segments.lengths, limit)
    ties = _ties(keys, times, segments, counts - 1)
    inside = np.arange(len(ties.rows)) - np.repeat(ties.groups.starts, ties.groups.lengths)
    last = ties.rows[inside < np.repeat(counts - ties.below, ties.groups.lengths)]
    positions = np.sort(np.concatenate([ties.smaller, last]))
    owners = np.repeat(np.arange(len(segments)), counts)
    return positions[sort_order([owners, times[positions], keys[positions]])], counts


def at_ranks(keys: Array, times: Times, segments: Segments, ranks: Positions) -> Positions:
    """The row at a rank of each segment, ordered by (key, time).

    Args:
        keys: (n,) numbers without NaN.
        times: (n,) ns.
        segments: m of them, tiling the n rows.
        ranks: (m,) from 0 to length - 1; segments of one length have the same rank.
    Returns:
        (m,) row numbers.
    """
    ties = _ties(keys, times, segments, ranks)
    chosen: Positions = ties.rows[ties.groups.starts + ranks - ties.below]
    return chosen


@dataclass(frozen=True, eq=False)
class _Ties:
    """Rows around the key at some rank of each segment.

    Attributes:
        smaller: (s,) rows with a smaller key, ascending.
        below: (m,) how many of them are in each segment.
        rows: (r,) rows with just that key, in order of time inside a segment.
        groups: the m segments that `rows` form.
    """

    smaller: Positions
    below: Positions
    rows: Positions
    groups: Segments


def _ties(keys: Array, times: Times, segments: Segments, ranks: Positions) -> _Ties:
    threshold = np.repeat(order_statistics(keys, segments, ranks[np.newaxis])[0], segments.lengths)
    smaller = np.flatnonzero(keys < threshold)
    below = np.searchsorted(smaller, segments.stops) - np.searchsorted(smaller, segments.starts)
    rows = np.flatnonzero(keys == threshold)
    groups = Segments.from_starts(np.searchsorted(rows, segments.starts), len(rows))
    if len(rows) > len(segments) and not rising(times[rows], groups):
        rows = rows[sort_order([groups.ids, times[rows]])]
    return _Ties(smaller, below, rows, groups)


@dataclass(frozen=True, eq=False)
class EqualValues:
    """The rows of each segment, those of equal value side by side, values ascending.

    Attributes:
        order: (n,) row numbers.
        groups: g segments of `order`; each holds the rows of one value of one segment. NaN counts as one value.
        counts: (m,) how many groups each segment has.
    """

    order: Positions
    groups: Segments
    counts: Positions


def equal_values(values: Array, segments: Segments, *, stable: bool = False) -> EqualValues:
    """Bring equal values of each segment together: values (n,) of any type, m segments that tile them.

    What is no number equals nothing, not even another such value, as in Go's maps.

    Args:
        stable: whether rows of equal value keep their order.
    """
    codes = codes_of(values) if values.dtype == object else values
    order = np.empty(len(values), np.int64)
    for chosen, length in _lots(segments):
        look()
        if length > PIECE_ROWS:
            start, stop = int(segments.starts[chosen[0]]), int(segments.stops[chosen[0]])
            order[start:stop] = start + sort_order([codes[start:stop]], stable=stable)
            continue
        starts = segments.starts[chosen, np.newaxis]
        table = _table(codes, starts[:, 0], length)
        order[starts + np.arange(length)] = starts + np.argsort(table, axis=1, kind="stable" if stable else None)
    ordered = gather(codes, order)
    changed = np.zeros(len(order), np.bool_)
    for piece in pieces(max(0, len(order) - 1)):
        before, after = ordered[piece], ordered[1:][piece]
        changed[1:][piece] = after != before
    changed[segments.starts] = True
    look()
    starts = np.flatnonzero(changed)
    look()
    counts = np.searchsorted(starts, segments.stops) - np.searchsorted(starts, segments.starts)
    groups = Segments.from_starts(starts, len(order))
    look()
    return EqualValues(order, groups, counts)


def codes_of(texts: Array) -> Positions:
    """(n,) int64: the rank of each string among the distinct ones. Hashes every string, sorts only the distinct."""
    distinct: set[str] = set()
    for piece in pieces(len(texts)):
        distinct.update(texts[piece].tolist())
    ranks = {text: rank for rank, text in enumerate(sorted_texts(list(distinct)))}
    codes = np.empty(len(texts), np.int64)
    for piece in pieces(len(texts)):
        codes[piece] = list(map(ranks.__getitem__, texts[piece].tolist()))
    return codes


def _lots(segments: Segments) -> Iterator[tuple[Positions, int]]:
    """Segments of one length, so many at a time that their rows are sorted as a table: ids (c,) and the length.

    Lengths are few: n rows cannot be cut into more than sqrt(2 n) different ones.
    """
    by_length = np.argsort(segments.lengths, kind="stable")
    lengths = segments.lengths[by_length]
    bounds = [*Segments.of_keys([lengths]).starts.tolist(), len(lengths)] if len(lengths) else []
    for start, stop in pairwise(bounds):
        length = int(lengths[start])
        step = max(1, PIECE_ROWS // length)
        for low in range(start, stop, step):
            yield by_length[low : min(low + step, stop)], length


def _table(values: Array, starts: Positions, length: int) -> Array:
    """(c, length): the values of segments of one length, a view where they lie side by side."""
    span = len(starts) * length
    if starts[-1] - starts[0] == span - length:  # ascending and disjoint, so nothing lies between them
        table: Array = values[starts[0] : starts[0] + span].reshape(len(starts), length)
    else:
        table = values[starts[:, np.newaxis] + np.arange(length)]
    return table
