"""Sorting, selecting and gathering of any number of rows, in pieces small enough for cache and for a quick stop.

What is here gives the same as one call of numpy, and calls `look()` every few milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from influxish.batch import Column, Positions
from influxish.functions.interruption import look
from influxish.functions.segments import Segments
from influxish.types import Array

PIECE_ROWS = 1 << 18
"""Rows that one call of numpy sorts, gathers or compares: some milliseconds, up to 50 for a stable sort of two keys."""

_MOST_PARTS = 64
_SAMPLES_PER_PART = 32


def pieces(rows: int) -> Iterator[slice]:
    """`rows` cut into slices of at most PIECE_ROWS, with a look before each."""
    for start in range(0, rows, PIECE_ROWS):
        look()
        yield slice(start, min(start + PIECE_ROWS, rows))


def segment_pieces(segments: Segments) -> Iterator[tuple[Segments, slice]]:
    """Segments that tile their rows, some whole ones at a time, with a look before each: they, and the rows they tile.

    A kernel that is handed a few rows too many for one piece looks by itself; many small segments are cut here.
    """
    number = segments.starts // PIECE_ROWS
    cuts = [0, *(np.flatnonzero(number[1:] != number[:-1]) + 1).tolist(), len(segments)] if len(segments) else []
    for low, high in pairwise(cuts):
        look()
        start, stop = int(segments.starts[low]), int(segments.stops[high - 1])
        yield Segments(segments.starts[low:high] - start, segments.stops[low:high] - start), slice(start, stop)


def reduce_pieces(segments: Segments, ufunc: np.ufunc, values: Array) -> Array:
    """`segments.reduce(ufunc, values)`, for segments that tile `values`, some of them at a time."""
    parts = [own.reduce(ufunc, values[rows]) for own, rows in segment_pieces(segments)]
    return np.concatenate(parts) if parts else values[:0]


def gather(values: Array, positions: Positions) -> Array:
    """`values[positions]`, for (n,) row numbers."""
    if len(positions) <= PIECE_ROWS:
        return values[positions]
    result = np.empty(len(positions), values.dtype)
    for piece in pieces(len(positions)):
        result[piece] = values[positions[piece]]
    return result


def gather_column(column: Column, positions: Positions) -> Column:
    """`column.take(positions)`, for (n,) row numbers."""
    valid = None if column.valid is None else gather(column.valid, positions)
    return Column(column.type, gather(column.values, positions), valid, column.default)


def sort_order(keys: Sequence[Array], *, stable: bool = True) -> Positions:
    """The permutation that sorts rows by the first key, where that is equal by the second, and so on; NaN is last.

    Args:
        keys: at least one, each (n,) numbers or booleans.
        stable: whether rows with equal keys keep their order; without it a single key sorts some times faster.
    Returns:
        (n,) row numbers.

    Many rows are first dealt into parts by value, bounded by members of a random sample, then each part is sorted.
    Source: W. D. Frazer, A. C. McKellar, "Samplesort: A Sampling Approach to Minimal Storage Tree Sorting", 1970.
    """
    rows = len(keys[0])
    keys = [key for key in keys[:-1] if rows and not (key == key[0]).all()] + [keys[-1]]
    if rows <= PIECE_ROWS:
        look()
        if len(keys) > 1:
            return np.lexsort(list(reversed(keys)))
        return np.argsort(keys[0], kind="stable" if stable else None)
    order, done = np.empty(rows, np.int64), 0
    for positions, equal in _parts(keys[0]):
        rest = keys[1:] if equal else keys
        if rest:
            positions = gather(positions, sort_order([gather(key, positions) for key in rest], stable=stable))
        order[done : done + len(positions)] = positions
        done += len(positions)
    return order


def _parts(key: Array) -> Iterator[tuple[Positions, bool]]:
    """The row numbers of ascending stretches of values, and whether all of a stretch's values are equal.

    Row numbers ascend inside a part. Values that are frequent bound a part, so their rows need no sorting.
    """
    wanted = min(_MOST_PARTS, 2 * len(key) // PIECE_ROWS + 1)
    chosen = np.random.default_rng(0).integers(0, len(key), wanted * _SAMPLES_PER_PART)
    bounds = np.unique(np.sort(key[chosen])[_SAMPLES_PER_PART // 2 :: _SAMPLES_PER_PART])
    unknown_last = bool(bounds[-1] != bounds[-1])  # NaN
    dealt: list[list[Positions]] = [[] for _ in range(2 * len(bounds) + 1)]
    for piece in pieces(len(key)):
        values = key[piece]
        above = np.searchsorted(bounds, values)
        equal = bounds[np.minimum(above, len(bounds) - 1)] == values
        if unknown_last:
            equal |= np.isnan(values)
        codes = (2 * above + equal).astype(np.uint8)  # sorted by counting, which is fast only for small integers
        positions = np.argsort(codes, kind="stable") + piece.start
        edges = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(dealt)))]).tolist()
        for code, (low, high) in enumerate(pairwise(edges)):
            if low < high:
                dealt[code].append(positions[low:high])
    for code, lists in enumerate(dealt):
        if lists:
            look()
            yield np.concatenate(lists), code % 2 == 1


def value_at_rank(values: Array, rank: int) -> Array:
    """The value that would stand at `rank` (from 0) if `values` (n,) were sorted, as an array of no dimension.

    NaN ranks last. Many values are narrowed down to those between two members of a sample.
    Source: R. W. Floyd, R. L. Rivest, "Expected time bounds for selection", 1975.
    """
    while len(values) > PIECE_ROWS:
        sample = np.sort(values[np.random.default_rng(0).integers(0, len(values), 4096)])
        place = rank * len(sample) // len(values)
        low, high = sample[max(0, place - 128)], sample[min(len(sample) - 1, place + 128)]
        if low != low or high != high:
            known = values[values == values]
            if rank >= len(known):
                return np.array(np.nan, values.dtype)
            values = known
            continue
        below = at_low = at_high = 0
        between: list[Array] = []
        for piece in pieces(len(values)):
            part = values[piece]
            inside = (part > low) & (part < high)
            between.append(part[inside])
            below += int(np.count_nonzero(part < low))
            at_low += int(np.count_nonzero(part == low))
            at_high += int(np.count_nonzero(part == high))
        inner, at_high = sum(map(len, between)), at_high if high != low else 0
        if rank < below:
            values = values[values < low]
        elif rank < below + at_low:
            return np.asarray(low)
        elif rank < below + at_low + inner:
            values, rank = np.concatenate(between), rank - below - at_low
        elif rank < below + at_low + inner + at_high:
            return np.asarray(high)
        else:
            rest = ~(values <= high)
            values, rank = values[rest], rank - (len(values) - int(np.count_nonzero(rest)))
    look()
    return np.asarray(np.partition(values, rank)[rank])


def sorted_texts(texts: Sequence[str]) -> list[str]:
    """The texts in ascending order, as `sorted`.

    Source: X. Li and others, "On the versatility of parallel sorting by regular sampling", 1993: pieces are sorted,
    cut at common bounds, and what lies between two bounds is merged.
    """
    step = PIECE_ROWS // 8  # comparing strings costs that much more than comparing numbers
    runs = []
    for start in range(0, len(texts), step):
        look()
        runs.append(sorted(texts[start : start + step]))
    sample = sorted(text for run in runs for text in run[:: max(1, step // 64)])
    bounds = sample[64::64]
    cuts = [[0, *(bisect_left(run, bound) for bound in bounds), len(run)] for run in runs]
    found: list[str] = []
    for part in range(len(bounds) + 1):
        look()
        # Sorting what consists of sorted runs merges them.
        found += sorted(
            chain.from_iterable(run[cut[part] : cut[part + 1]] for run, cut in zip(runs, cuts, strict=True))
        )
    return found
