"""Which bucket a time falls in, and where the buckets of a range begin: arithmetic on whole arrays.

Knows `Window` and the rules of time zones; knows nothing of rows, groups or functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from influxish.types import DAY, MAX_TIME, MIN_TIME, SECOND, TimeRange, Times, Window


def bucket_starts(window: Window, times: Times) -> Times:
    """Start of the bucket that each time falls in.

    In a zone, buckets follow the local clock. One that would begin in an hour the clock skips begins when the clock is
    set forward; one that is open when the clock is set back by less than its width is so much longer.

    Args:
        window: a tumbling window.
        times: (n,) ns, any order.
    Returns:
        (n,) int64 ns, `out <= time`, and ascending if the times are; without a zone also `time < out + every`. A
        bucket that would begin before MIN_TIME begins there.

    Source: influxdata/influxdb 1.8, query/iterator.go, IteratorOptions.Window. That one tears a bucket in two where its
    width and the change of the clock have no common measure (7 minutes, say), and with an offset looks at the clock of
    another hour; here buckets always follow each other.

    >>> bucket_starts(Window.tumbling(10), np.array([-1, 0, 9, 10])).tolist()
    [-10, 0, 0, 10]
    """
    if not len(times):
        return times
    if not window.zone:
        return _floor(times, window.every, window.first % window.every)
    clock = _clock_of(window, int(times.min()), int(times.max()))
    change = np.searchsorted(clock.edges, times, "right") - 1
    starts = _floor(times, window.every, clock.phases[change])
    result: Times = np.where(starts <= clock.edges[change], clock.opened[change], starts)
    return result


def bucket_stops(window: Window, starts: Times) -> Times:
    """Where the buckets that begin at `starts` (n,) ns end: the start of the following one, (n,) int64 ns.

    The last bucket of all ends at MAX_TIME. What it takes follows from n and from the changes of the clock within a
    bucket, however many buckets there are in between.
    """
    if not len(starts):
        return starts
    if not window.zone:
        return _next_edges(starts, window.every, window.first % window.every)
    clock = _clock_of(window, int(starts.min()), int(starts.max()) + 2 * window.every + DAY)
    change = np.searchsorted(clock.edges, starts, "right") - 1
    stops = _next_edges(starts, window.every, clock.phases[change])
    following = np.append(clock.edges[1:], MAX_TIME)  # no time has a bucket that begins there or later
    pending = np.flatnonzero(stops >= following[change])
    while len(pending := pending[change[pending] + 1 < len(clock.edges)]):
        change[pending] += 1
        now = change[pending]
        edges = clock.edges[now]
        goes_on = clock.opened[now] != edges
        stops[pending] = np.where(goes_on, _next_edges(edges, window.every, clock.phases[now]), edges)
        pending = pending[goes_on & (stops[pending] >= following[now])]
    return stops


def bucket_grid(window: Window, time_range: TimeRange) -> Times:
    """Starts of all buckets that touch `time_range`, ascending, (b,) int64 ns. The range must be bounded and not empty.

    >>> bucket_grid(Window.tumbling(10), TimeRange(5, 21)).tolist()
    [0, 10, 20]
    """
    first, last = bucket_starts(window, np.array([time_range.start, time_range.stop - 1], np.int64)).tolist()
    if not window.zone:
        return _steps(window, first, last + 1, window.first)
    clock = _clock_of(window, first, last)
    edges, parts = clock.edges.tolist(), [np.array([first], np.int64), clock.edges[clock.opened == clock.edges]]
    spans = zip(edges, [*edges[1:], last + 1], clock.phases.tolist(), clock.opened.tolist(), strict=True)
    for edge, following, phase, opened in spans:
        low, high = max(edge if opened == edge else edge + 1, first), min(following, last + 1)
        if low < high:
            parts.append(_steps(window, low, high, phase))
    starts: Times = np.unique(np.concatenate(parts))
    inside: Times = starts[(starts >= first) & (starts <= last)]
    return inside


def into_buckets(times: Times, every: int, phase: int | Times) -> Times:
    """How far each time is behind the last edge before it, (n,) ns from 0 to every - 1; no step leaves int64.

    Args:
        times: (n,) ns, at least one.
        phase: an edge of the grid, or (n,) one for each time; from 0 to every - 1.
    """
    if int(times.min()) - every >= MIN_TIME:  # one division instead of two, wherever it cannot overflow
        near: Times = (times - phase) % every
        return near
    result: Times = (times % every - phase) % every
    return result


def _floor(times: Times, every: int, phase: int | Times) -> Times:
    inside = into_buckets(times, every, phase)
    if int(times.min()) - every >= MIN_TIME:
        return times - inside
    result: Times = np.where(times < MIN_TIME + inside, MIN_TIME, times - inside)
    return result


def _next_edges(times: Times, every: int, phase: int | Times) -> Times:
    """The first edge after each of `times`, (n,) ns; at most MAX_TIME."""
    ahead = every - into_buckets(times, every, phase)
    result: Times = times + np.minimum(ahead, MAX_TIME - np.maximum(times, 0))
    return result


def _steps(window: Window, low: int, high: int, phase: int) -> Times:
    """The edges in [low, high), and `low` itself where that is the beginning of time."""
    start = low + (phase - low) % window.every
    count = max(0, -((start - high) // window.every))
    # The products may wrap around int64; the sums, which fit, wrap back.
    steps: Times = np.arange(count, dtype=np.int64) * window.every + min(start, high)
    return np.concatenate([np.array([low], np.int64), steps]) if low == MIN_TIME < start else steps


def count_buckets(window: Window, time_range: TimeRange) -> int:
    """About how many buckets touch a range, without making them; may be off by a few around clock changes."""
    return 0 if time_range.is_empty else (time_range.stop - time_range.start) // window.every + 1


def elapsed(since: Times, times: Times) -> NDArray[np.uint64]:
    """Nanoseconds from each of `since` (n,) to each of `times` (n,), which is not earlier: up to 2**64 - 1."""
    return np.subtract(times, since).view(np.uint64)


def bucket_numbers(window: Window, first: Times, times: Times) -> NDArray[np.uint64]:
    """How many buckets after `first`, the start of one, each time is, (n,); in a zone about how many.

    Args:
        window: a tumbling window.
        first: (n,) ns, starts of buckets.
        times: (n,) ns, at or after `first`.
    """
    if not len(times):
        return times.view(np.uint64)
    # A first bucket that begins with time may be short: count from the edge of the grid before, which wraps around.
    edges = first if window.zone else first - into_buckets(first, window.every, window.first % window.every)
    return elapsed(edges, times) // np.uint64(window.every)


def zone_offsets(zone: str, times: Times) -> Times:
    """How far local time is ahead of UTC, (n,) ns, at each of `times` (n,) ns."""
    if not len(times):
        return times
    edges, offsets = _transitions(zone, _year(int(times.min())), _year(int(times.max())) + 1)
    result: Times = offsets[np.searchsorted(edges, times, "right") - 1]
    return result


@dataclass(frozen=True, eq=False)
class _Clock:
    """A zone's changes of the clock, and what they do to the buckets of a window.

    Attributes:
        edges: (k,) ns, times from which an offset holds; the first is the beginning of time.
        phases: (k,) ns, from 0 to the width of a bucket: an edge of the grid that follows the clock of that time.
        opened: (k,) ns, start of the bucket that goes on when the clock changes, or the edge itself where none does.
    """

    edges: Times
    phases: Times
    opened: Times


def _clock_of(window: Window, first: int, last: int) -> _Clock:
    """The changes that matter for buckets that touch [first, last] ns."""
    # A bucket may have begun long before its times: look that far back, and a year more.
    return _clock(window, _year(first - 2 * window.every) - 1, _year(last) + 1)


@lru_cache(maxsize=64)
def _clock(window: Window, first_year: int, last_year: int) -> _Clock:
    edges, offsets = _transitions(window.zone, first_year, last_year)
    opened = [MIN_TIME]
    changes = zip(pairwise(edges.tolist()), pairwise(offsets.tolist()), strict=True)
    for (previous, edge), (before, after) in changes:
        began = edge - 1 - (edge - 1 - window.first + before) % window.every
        if began < previous:
            began = opened[-1]
        if after < before:
            goes_on = before - after < window.every
        else:  # the last moment of the old clock and the first of the new are in one bucket
            numbers = {(time - window.first) // window.every for time in (edge - 1 + before, edge + after)}
            goes_on = len(numbers) == 1
        opened.append(began if goes_on else edge)
    phases = [(window.first - offset) % window.every for offset in offsets.tolist()]
    return _Clock(edges, np.array(phases, np.int64), np.array(opened, np.int64))


def _year(time: int) -> int:
    # Beyond these years datetime ends, or zones repeat their rules: the offset of the border year serves.
    return min(max(1970 + time // (365 * DAY + DAY // 4), 1900), 2262)


@lru_cache(maxsize=64)
def _transitions(zone: str, first_year: int, last_year: int) -> tuple[Times, Times]:
    """Times from which an offset holds, (k,) ns, and the offsets, (k,) ns; the first holds from the beginning of time.

    zoneinfo does not tell its transitions, so they are found by bisection between days with different offsets.
    """
    info = ZoneInfo(zone)

    def offset(second: int) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
        delta = moment.astimezone(info).utcoffset()
        assert delta is not None
        return int(delta.total_seconds())

    start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - 86_400
    stop = min(int(datetime(last_year, 12, 31, tzinfo=UTC).timestamp()) + 86_400, MAX_TIME // SECOND)
    edges, offsets = [MIN_TIME], [offset(start) * SECOND]
    before, known = start, offset(start)
    for day in range(start + 7 * 86_400, stop, 7 * 86_400):
        if (now := offset(day)) != known:
            low, high = before, day
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == known else (low, middle)
            edges.append(high * SECOND)
            offsets.append(now * SECOND)
            known = now
        before = day
    return np.array(edges, np.int64), np.array(offsets, np.int64)
