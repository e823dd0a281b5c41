"""How a scan is cut into disjoint portions of about equal work: between series, or in time where series are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from influxish.batch import Positions
from influxish.functions.interruption import look
from influxish.storage.pieces import Layer, Piece
from influxish.storage.reading import Selection
from influxish.types import Array, TimeRange, Times

_SERIES_PER_PORTION = 4
"""Below so many series a portion, cutting between series would make portions of unequal size."""

_TIME_STEPS = 512


def portion(layers: Sequence[Layer], selection: Selection, part: tuple[int, int]) -> Selection | None:
    """The i-th of n portions of a selection; None if it is empty. Depends on nothing but the arguments."""
    number, count = part
    if count == 1:
        return selection
    pieces = [piece for layer in layers for piece in layer.pieces if not selection.misses(piece)]
    kept = [(piece, mask) for piece in pieces if (mask := selection.runs(piece.runs)).any()]
    if not kept:
        return None
    series = np.concatenate([piece.runs.series[mask] for piece, mask in kept])
    rows = np.concatenate([piece.runs.take(mask) for piece, mask in kept])
    look()
    rows_of = np.bincount(series, weights=rows)
    if np.count_nonzero(rows_of) >= _SERIES_PER_PORTION * count:
        cuts = _series_cuts(rows_of, [piece for piece, _ in kept], count)
        bounded = replace(selection, series_start=int(cuts[number]), series_stop=int(cuts[number + 1]))
        return bounded if bounded.series_start < bounded.series_stop else None
    first = np.concatenate([piece.runs.first[mask] for piece, mask in kept])
    last = np.concatenate([piece.runs.last[mask] for piece, mask in kept])
    cuts = _time_cuts(first, last, rows, selection.time_range, count)
    bounded = replace(selection, time_range=TimeRange(int(cuts[number]), int(cuts[number + 1])))
    return None if bounded.time_range.is_empty else bounded


def _series_cuts(rows_of: Array, pieces: Sequence[Piece], count: int) -> Positions:
    """(count + 1,) series numbers between which about equally many of the rows lie that each series has.

    A cut is moved to where a piece begins if that is near, so that no piece is decoded for two portions.
    """
    before = np.concatenate([[0], np.cumsum(rows_of)])
    total = before[-1]
    begins = np.unique([piece.start[0] for piece in pieces])
    cuts = [0]
    for number in range(1, count):
        goal = total * number / count
        cut = int(np.searchsorted(before, goal))
        nearest = int(begins[np.argmin(np.abs(before[begins] - goal))])
        if abs(before[nearest] - goal) <= total / (4 * count):
            cut = nearest
        cuts.append(max(cut, cuts[-1]))
    return np.array([*cuts, 1 << 62], np.int64)


def _time_cuts(first: Times, last: Times, rows: Positions, wanted: TimeRange, count: int) -> Array:
    """(count + 1,) instants, from start to stop of `wanted`, between which about equally many rows lie.

    The rows of a run are taken to be spread evenly over its time.
    """
    start, stop = max(int(first.min()), wanted.start), min(int(last.max()) + 1, wanted.stop)
    steps = [start + (stop - start) * step // _TIME_STEPS for step in range(_TIME_STEPS + 1)]
    grid = np.array(steps, np.int64)
    spans = last.astype(np.float64) - first + 1
    before = np.zeros(len(grid))
    for begin, span, weight in zip(first.tolist(), spans.tolist(), rows.tolist(), strict=True):
        before += weight * np.clip((grid.astype(np.float64) - begin) / span, 0, 1)
    goals = before[0] + (before[-1] - before[0]) * np.arange(1, count) / count
    places = np.clip(np.searchsorted(before, goals), 0, _TIME_STEPS)
    return np.array([wanted.start, *grid[places].tolist(), wanted.stop], np.int64)
