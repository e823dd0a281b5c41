"""Segments, their reductions, and cutting runs at bucket edges, against loops over single rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.functions import segments as segments_module
from influxish.functions.segments import Segments, split_runs
from influxish.functions.windows import bucket_starts
from influxish.types import HOUR, MINUTE, SECOND, Window

ROWS = 20


@st.composite
def any_segments(draw: st.DrawFn) -> Segments:
    """Segments over ROWS rows that leave gaps, overlap, or end at the last row, as chance has it."""
    pair = st.tuples(st.integers(0, ROWS - 1), st.integers(1, ROWS)).filter(lambda pair: pair[0] < pair[1])
    pairs = sorted(draw(st.lists(pair, max_size=8)), key=lambda pair: pair[0])
    return Segments(np.array([a for a, _ in pairs], np.int64), np.array([b for _, b in pairs], np.int64))


@st.composite
def tiling_segments(draw: st.DrawFn) -> Segments:
    """Segments that tile some stretch of ROWS rows, which need be neither the first nor the last of them."""
    edges = sorted(draw(st.sets(st.integers(0, ROWS), min_size=2)))
    return Segments(np.array(edges[:-1], np.int64), np.array(edges[1:], np.int64))


@settings(deadline=None)
@given(any_segments() | tiling_segments(), st.lists(st.integers(-99, 99), min_size=ROWS, max_size=ROWS))
def test_reduce_equals_a_loop_over_each_segment(segments: Segments, values: list[int]) -> None:
    array = np.array(values)
    pairs = list(zip(segments.starts.tolist(), segments.stops.tolist(), strict=True))
    assert segments.reduce(np.add, array).tolist() == [sum(values[a:b]) for a, b in pairs]
    assert segments.reduce(np.minimum, array).tolist() == [min(values[a:b]) for a, b in pairs]
    assert segments.reduce(np.maximum, array.astype(float)).tolist() == [max(values[a:b]) for a, b in pairs]


@settings(deadline=None)
@given(any_segments() | tiling_segments())
def test_rows_ids_and_lengths_name_every_row_of_every_segment(segments: Segments) -> None:
    pairs = list(zip(segments.starts.tolist(), segments.stops.tolist(), strict=True))
    assert segments.rows.tolist() == [row for a, b in pairs for row in range(a, b)]
    assert segments.ids.tolist() == [i for i, (a, b) in enumerate(pairs) for _ in range(a, b)]
    assert segments.lengths.tolist() == [b - a for a, b in pairs]


@settings(deadline=None)
@given(any_segments() | tiling_segments(), st.lists(st.booleans(), min_size=ROWS, max_size=ROWS))
def test_where_keeps_the_same_rows_in_the_same_segments(segments: Segments, mask: list[bool]) -> None:
    kept, which = segments.where(np.array(mask))
    rows = np.flatnonzero(mask)
    expected = [
        [row for row in range(a, b) if mask[row]]
        for a, b in zip(segments.starts.tolist(), segments.stops.tolist(), strict=True)
    ]
    found = [rows[a:b].tolist() for a, b in zip(kept.starts, kept.stops, strict=True)]
    assert found == [own for own in expected if own]
    assert which.tolist() == [i for i, own in enumerate(expected) if own]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_stretches_of_equal_keys(keys: list[tuple[int, int]]) -> None:
    left, right = (np.array(column) for column in zip(*keys, strict=True))
    segments = Segments.of_keys([left, right])
    changes = [0, *(i for i in range(1, len(keys)) if keys[i] != keys[i - 1])]
    assert segments.starts.tolist() == changes
    assert segments.stops.tolist() == [*changes[1:], len(keys)]


WINDOWS = [
    Window.tumbling(1),
    Window.tumbling(7),
    Window.tumbling(MINUTE, offset=-7 * SECOND),
    Window.tumbling(HOUR, zone="America/New_York"),
    Window.tumbling(24 * HOUR, zone="America/New_York"),
    Window.tumbling(24 * HOUR, zone="Asia/Kolkata"),
]


@st.composite
def run_layouts(draw: st.DrawFn) -> tuple[list[list[int]], Window]:
    window = draw(st.sampled_from(WINDOWS))
    # Around the clock changes of 2021 in New York, and around the epoch; near together, and far apart.
    origin = draw(st.sampled_from([0, 1615705200 * SECOND, 1636264800 * SECOND]))
    step = draw(st.sampled_from([1, window.every // 3 + 1, window.every * 3]))
    times = st.lists(st.integers(-8, 8).map(lambda k: origin + k * step), min_size=1, max_size=30)
    descending = draw(st.booleans())
    runs = draw(st.lists(times, min_size=1, max_size=4))
    return [sorted(run, reverse=descending) for run in runs], window


def naive_split(runs: list[list[int]], window: Window) -> list[tuple[int, int, int, int]]:
    """(start, stop, run, bucket) row by row."""
    found: list[tuple[int, int, int, int]] = []
    row = 0
    for number, run in enumerate(runs):
        for time in run:
            bucket = int(bucket_starts(window, np.array([time]))[0])
            if found and found[-1][2:] == (number, bucket):
                found[-1] = (found[-1][0], row + 1, number, bucket)
            else:
                found.append((row, row + 1, number, bucket))
            row += 1
    return found


def split(runs: list[list[int]], window: Window | None) -> list[tuple[Any, ...]]:
    offsets = np.cumsum([0, *map(len, runs)]).astype(np.int64)
    cut = split_runs(np.array([time for run in runs for time in run], np.int64), offsets, window)
    columns = (cut.segments.starts, cut.segments.stops, cut.runs, cut.buckets)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("long_run", [1, 512])  # from 1 row on the edges are searched; below 512 each time is divided
@settings(deadline=None)
@given(layout=run_layouts())
def test_runs_are_cut_where_the_bucket_changes(long_run: int, layout: tuple[list[list[int]], Window]) -> None:
    runs, window = layout
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments_module, "LONG_RUN", long_run)
        assert split(runs, window) == naive_split(runs, window)


@pytest.mark.parametrize("descending", [False, True])
def test_long_runs_are_cut_like_short_ones(descending: bool) -> None:
    generator = np.random.default_rng(5)
    runs = [sorted(generator.integers(0, 10**6, 2000).tolist(), reverse=descending) for _ in range(2)]
    for window in (Window.tumbling(1), Window.tumbling(900, offset=17), Window.tumbling(10**7)):
        assert split(runs, window) == naive_split(runs, window)


def test_without_a_window_each_run_is_a_segment_in_bucket_zero() -> None:
    assert split([[5, 6], [1]], None) == [(0, 2, 0, 0), (2, 3, 1, 0)]


def test_no_rows_make_no_segments() -> None:
    none = np.zeros(0, np.int64)
    for window in (None, Window.tumbling(10)):
        cut = split_runs(none, np.zeros(1, np.int64), window)
        assert len(cut.segments) == len(cut.runs) == len(cut.buckets) == 0
    assert len(Segments(none, none).reduce(np.add, none)) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [3, 4])
def test_a_sum_beyond_all_floats_is_infinite_without_a_warning(rows: int) -> None:
    values = np.array([1.7e308, 1.7e308, 1.7e308, 1.0])
    for starts, stops in (([0], [rows]), ([0, 1], [rows, rows])):
        segments = Segments(np.array(starts, np.int64), np.array(stops, np.int64))
        assert np.isposinf(segments.reduce(np.add, values)).all()
