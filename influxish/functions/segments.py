"""Segments of rows and reductions over them: the numpy underneath every aggregate, with no Python loop per point.

A segment is a run of rows that belong to one (group, bucket). Nothing here knows a function by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from influxish.batch import Mask, Positions
from influxish.functions.windows import bucket_grid, bucket_starts
from influxish.types import Array, TimeRange, Times, Window

LONG_RUN = 512
"""From so many rows a run on, searching the bucket edges in it beats dividing every time (measured: 3 × at 512)."""


@dataclass(frozen=True, eq=False)
class Segments:
    """m half-open, non-empty stretches of rows [starts[i], stops[i]); they may leave gaps and may overlap.

    Attributes:
        starts, stops: (m,) int64, stops > starts, starts ascending.
    """

    starts: Positions
    stops: Positions

    @staticmethod
    def from_starts(starts: Positions, rows: int) -> Segments:
        """Segments that tile [starts[0], rows)."""
        stops = np.empty(len(starts), np.int64)
        stops[:-1] = starts[1:]
        stops[-1:] = rows
        return Segments(starts, stops)

    @staticmethod
    def of_keys(keys: Sequence[Array]) -> Segments:
        """Stretches over which all of the key arrays (n,) stay the same."""
        rows = len(keys[0])
        changed = np.zeros(rows, np.bool_)
        changed[:1] = True
        for key in keys:
            changed[1:] |= key[1:] != key[:-1]
        return Segments.from_starts(np.flatnonzero(changed), rows)

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def lengths(self) -> Positions:
        """(m,) rows in each."""
        return self.stops - self.starts

    @cached_property
    def tiling(self) -> bool:
        """Whether each segment begins where the one before ends."""
        return bool(np.array_equal(self.starts[1:], self.stops[:-1]))

    @cached_property
    def ids(self) -> Positions:
        """(sum of lengths,) which segment each row of each segment is in, segment by segment."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    @cached_property
    def rows(self) -> Positions:
        """(sum of lengths,) the row numbers, segment by segment; goes with `ids`."""
        base = np.repeat(self.starts - np.concatenate([[0], np.cumsum(self.lengths)[:-1]]), self.lengths)
        return base + np.arange(len(base), dtype=np.int64)

    def reduce(self, ufunc: np.ufunc, values: Array) -> Array:
        """`ufunc` (add, minimum, …) over each segment: values (n,) → (m,)."""
        if not len(self):
            return values[:0]
        with np.errstate(over="ignore", invalid="ignore"):  # a sum beyond all floats is infinite, as on the server
            return self._reduced(ufunc, values)

    def _reduced(self, ufunc: np.ufunc, values: Array) -> Array:
        if self.tiling:
            bounded = values if self.stops[-1] == len(values) else values[: self.stops[-1]]
            return np.asarray(ufunc.reduceat(bounded, self.starts))
        # reduceat takes stops as starts of segments nobody asked for; a stop at the very end may not be named.
        ends = np.minimum(self.stops, len(values) - 1)
        result = ufunc.reduceat(values, np.stack([self.starts, ends], axis=1).reshape(-1))[::2]
        last = np.flatnonzero(self.stops == len(values))
        for i in last.tolist():
            result[i] = ufunc.reduce(values[self.starts[i] :])
        return np.asarray(result)

    def where(self, mask: Mask) -> tuple[Segments, Positions]:
        """The segments after only the rows with `mask` (n,) are kept, and which of the m still hold rows."""
        before = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)
        starts, stops = before[self.starts], before[self.stops]
        kept = np.flatnonzero(stops > starts)
        return Segments(starts[kept], stops[kept]), kept


def ascending(keys: Sequence[Array]) -> bool:
    """Whether rows are in order by the first of the keys (n,), where that is equal by the second, and so on."""
    tied = np.ones(max(0, len(keys[0]) - 1), np.bool_)
    for key in keys:
        if (tied & (key[1:] < key[:-1])).any():
            return False
        tied &= key[1:] == key[:-1]
    return True


@dataclass(frozen=True, eq=False)
class Bucketed:
    """How a batch falls into (run, bucket) segments.

    Attributes:
        segments: m of them, tiling the batch.
        runs: (m,) which run each lies in.
        buckets: (m,) int64 ns, the start of its bucket; all 0 without a window.
    """

    segments: Segments
    runs: Positions
    buckets: Times


def split_runs(times: Times, run_offsets: Positions, window: Window | None) -> Bucketed:
    """Cut runs of rows at the edges of buckets.

    Args:
        times: (n,) ns, monotonic inside each run.
        run_offsets: (k + 1,) as in `Batch`.
        window: a tumbling window, or None for one bucket that takes all.
    """
    runs, rows = len(run_offsets) - 1, len(times)
    if window is None or not rows:
        segments = Segments.from_starts(run_offsets[:-1], rows)
        return Bucketed(segments, np.arange(runs, dtype=np.int64), np.zeros(runs, np.int64))
    if rows // runs >= LONG_RUN:
        starts = _search_edges(times, run_offsets, window)
    else:
        buckets = bucket_starts(window, times)
        changed = np.zeros(rows, np.bool_)
        changed[1:] = buckets[1:] != buckets[:-1]
        changed[run_offsets[:-1]] = True
        starts = np.flatnonzero(changed)
    which = np.searchsorted(run_offsets, starts, "right") - 1
    return Bucketed(Segments.from_starts(starts, rows), which, bucket_starts(window, times[starts]))


def _search_edges(times: Times, run_offsets: Positions, window: Window) -> Positions:
    """First rows of the (run, bucket) segments of long runs, by binary search of the bucket edges."""
    parts: list[Any] = []
    for start, stop in zip(run_offsets[:-1].tolist(), run_offsets[1:].tolist(), strict=True):
        first, last = int(times[start]), int(times[stop - 1])
        ascending = first <= last
        low, high = (first, last) if ascending else (last, first)
        if (high - low) // window.every > stop - start:  # more buckets than rows: the rows are fewer to look at
            own = bucket_starts(window, times[start:stop])
            inner = np.flatnonzero(own[1:] != own[:-1]) + 1
        elif ascending:
            edges = bucket_grid(window, TimeRange(low, high + 1))[1:]
            inner = np.searchsorted(times[start:stop], edges)
        else:
            edges = bucket_grid(window, TimeRange(low, high + 1))[1:]
            inner = (stop - start) - np.searchsorted(times[start:stop][::-1], edges[::-1])
        parts.append([start])
        parts.append(np.unique(inner[inner < stop - start]) + start)
    return np.unique(np.concatenate(parts).astype(np.int64))
