"""Which bucket a time falls in, and where the buckets of a range begin: arithmetic on whole arrays.

Knows `Window` and the rules of time zones; knows nothing of rows, groups or functions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from influxish.types import DAY, MIN_TIME, SECOND, TimeRange, Times, Window


def bucket_starts(window: Window, times: Times) -> Times:
    """Start of the bucket that each time falls in.

    Args:
        window: a tumbling window.
        times: (n,) ns, any order.
    Returns:
        (n,) int64 ns. Without a zone `out <= time < out + every`.

    Source: influxdata/influxdb 1.8, query/iterator.go, IteratorOptions.Window.

    >>> bucket_starts(Window.tumbling(10), np.array([-1, 0, 9, 10])).tolist()
    [-10, 0, 0, 10]
    """
    if not window.zone:
        starts: Times = times - (times - window.first) % window.every
        return starts
    shifted = times - window.first
    zone = zone_offsets(window.zone, shifted)
    starts = shifted - (shifted + zone) % window.every + window.first
    # The bucket may begin before a clock change that the time itself lies after: look the offset up again there.
    change = zone - zone_offsets(window.zone, starts)
    result: Times = np.where(np.abs(change) < window.every, starts + change, starts)
    return result


def bucket_grid(window: Window, time_range: TimeRange) -> Times:
    """Starts of all buckets that touch `time_range`, ascending, (b,) int64 ns. The range must be bounded and not empty.

    >>> bucket_grid(Window.tumbling(10), TimeRange(5, 21)).tolist()
    [0, 10, 20]
    """
    first, last = bucket_starts(window, np.array([time_range.start, time_range.stop - 1], np.int64)).tolist()
    if not window.zone:
        grid: Times = np.arange(first, last + 1, window.every, dtype=np.int64)
        return grid
    # Clock changes move edges by at most a day: take every candidate of a wider plain grid and see where it falls.
    margin = DAY + window.every
    step = min(window.every, 900 * SECOND)
    candidates = np.arange(first - margin, last + margin, step, dtype=np.int64)
    starts: Times = np.unique(bucket_starts(window, candidates))
    inside: Times = starts[(starts >= first) & (starts <= last)]
    return inside


def count_buckets(window: Window, time_range: TimeRange) -> int:
    """About how many buckets touch a range, without making them; may be off by a few around clock changes."""
    return 0 if time_range.is_empty else (time_range.stop - time_range.start) // window.every + 1


def zone_offsets(zone: str, times: Times) -> Times:
    """How far local time is ahead of UTC, (n,) ns, at each of `times` (n,) ns."""
    if not len(times):
        return times
    edges, offsets = _transitions(zone, _year(int(times.min())), _year(int(times.max())) + 1)
    result: Times = offsets[np.searchsorted(edges, times, "right") - 1]
    return result


def _year(time: int) -> int:
    # Beyond these years datetime ends, or zones repeat their rules: the offset of the border year serves.
    return min(max(1970 + time // (365 * DAY + DAY // 4), 1900), 2200)


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
    stop = int(datetime(last_year, 12, 31, tzinfo=UTC).timestamp()) + 86_400
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
