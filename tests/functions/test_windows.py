"""Buckets of time, with and without a zone whose clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.functions.windows import bucket_grid, bucket_starts, bucket_stops, count_buckets, zone_offsets
from influxish.types import DAY, HOUR, MAX_TIME, MIN_TIME, MINUTE, SECOND, WEEK, TimeRange, Times, Window

NEW_YORK = "America/New_York"


def at(text: str) -> int:
    """ns of a time in RFC 3339."""
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def hourly() -> Times:
    """The points of the observed answers: one an hour for three days across the start of summer time."""
    return at("2021-03-13T00:00:00+00:00") + HOUR * np.arange(72, dtype=np.int64)


def counted(window: Window, start: str, stop: str, times: Times) -> list[tuple[str, int]]:
    """(local start, points) of every bucket of a range, as a query would answer."""
    chosen = times[(times >= at(start)) & (times < at(stop))]
    grid = bucket_grid(window, TimeRange(at(start), at(stop)))
    found = bucket_starts(window, chosen)
    assert set(found.tolist()) <= set(grid.tolist())
    zone = ZoneInfo(window.zone)
    local = [datetime.fromtimestamp(edge // SECOND, zone).isoformat() for edge in grid.tolist()]
    return list(zip(local, [int((found == edge).sum()) for edge in grid], strict=True))


def test_days_follow_the_local_clock() -> None:
    window = Window.tumbling(DAY, zone=NEW_YORK)
    assert counted(window, "2021-03-13T00:00:00-05:00", "2021-03-16T00:00:00-04:00", hourly()) == [
        ("2021-03-13T00:00:00-05:00", 24),
        ("2021-03-14T00:00:00-05:00", 23),
        ("2021-03-15T00:00:00-04:00", 20),
    ]
    window = Window.tumbling(DAY, zone="Asia/Kolkata")
    assert counted(window, "2021-03-14T00:00:00+05:30", "2021-03-16T00:00:00+05:30", hourly()) == [
        ("2021-03-14T00:00:00+05:30", 24),
        ("2021-03-15T00:00:00+05:30", 24),
    ]


def test_six_hours_follow_the_local_clock_over_the_missing_hour() -> None:
    window = Window.tumbling(6 * HOUR, zone=NEW_YORK)
    assert counted(window, "2021-03-14T00:00:00-05:00", "2021-03-15T00:00:00-04:00", hourly()) == [
        ("2021-03-14T00:00:00-05:00", 5),
        ("2021-03-14T06:00:00-04:00", 6),
        ("2021-03-14T12:00:00-04:00", 6),
        ("2021-03-14T18:00:00-04:00", 6),
    ]


def test_a_bucket_that_begins_in_the_missing_hour_begins_after_it() -> None:
    window = Window.tumbling(2 * HOUR, zone=NEW_YORK)
    assert counted(window, "2021-03-14T05:00:00+00:00", "2021-03-14T12:00:00+00:00", hourly()) == [
        ("2021-03-14T00:00:00-05:00", 2),
        ("2021-03-14T03:00:00-04:00", 1),
        ("2021-03-14T04:00:00-04:00", 2),
        ("2021-03-14T06:00:00-04:00", 2),
    ]


def test_the_day_with_a_repeated_hour_has_25() -> None:
    window = Window.tumbling(DAY, zone=NEW_YORK)
    times = at("2021-11-06T00:00:00+00:00") + HOUR * np.arange(96, dtype=np.int64)
    assert counted(window, "2021-11-06T00:00:00-04:00", "2021-11-09T00:00:00-05:00", times) == [
        ("2021-11-06T00:00:00-04:00", 24),
        ("2021-11-07T00:00:00-04:00", 25),
        ("2021-11-08T00:00:00-05:00", 24),
    ]


@pytest.mark.parametrize("width", [DAY, 12 * HOUR, WEEK])
@pytest.mark.parametrize("zone", [NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"])
@settings(max_examples=40, deadline=None)
@given(second=st.integers(at("2015-01-01T00:00:00+00:00") // SECOND, at("2025-01-01T00:00:00+00:00") // SECOND))
def test_long_buckets_begin_at_midnight_or_noon_and_hold_their_times(width: int, zone: str, second: int) -> None:
    window = Window.tumbling(width, zone=zone)
    start = int(bucket_starts(window, np.array([second * SECOND]))[0])
    local = datetime.fromtimestamp(start // SECOND, ZoneInfo(zone))
    assert (local.hour, local.minute) in ([(0, 0), (12, 0)] if width < DAY else [(0, 0)])
    naive = local.replace(tzinfo=None)
    assert naive <= datetime.fromtimestamp(second, ZoneInfo(zone)).replace(tzinfo=None)
    assert datetime.fromtimestamp(second, ZoneInfo(zone)).replace(tzinfo=None) < naive + timedelta(
        seconds=width / SECOND
    )


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4), st.integers(-(10**5), 10**5))
def test_buckets_without_a_zone_are_floored(time: int, every: int, offset: int) -> None:
    start = int(bucket_starts(Window.tumbling(every, offset), np.array([time]))[0])
    assert start <= time < start + every
    assert (start - offset) % every == 0


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**5), st.integers(1, 10**4), st.integers(-(10**5), 10**5))
def test_the_grid_holds_each_bucket_that_the_range_touches_once(
    start: int, length: int, every: int, offset: int
) -> None:
    window, touched = Window.tumbling(every, offset), TimeRange(start, start + length)
    grid = bucket_grid(window, touched)
    assert grid[0] <= start < grid[0] + every
    assert grid[-1] < touched.stop <= grid[-1] + every
    assert set(np.diff(grid).tolist()) <= {every}
    assert abs(count_buckets(window, touched) - len(grid)) <= 1


@pytest.mark.parametrize("zone", [NEW_YORK, "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("every", [7 * MINUTE, 45 * MINUTE, HOUR, 90 * MINUTE, 2 * HOUR, 5 * HOUR, DAY, WEEK])
@pytest.mark.parametrize("offset", [0, 3 * MINUTE, 90 * MINUTE, 13 * HOUR])
def test_the_grid_of_a_zone_is_where_its_times_fall(zone: str, every: int, offset: int) -> None:
    window = Window.tumbling(every, offset, zone)
    for day in ("2021-03-14", "2021-11-07", "2021-04-04", "2021-10-03"):
        start = at(f"{day}T00:00:00+00:00") - 2 * DAY
        times = np.arange(start, start + 4 * DAY, MINUTE, dtype=np.int64)
        starts = bucket_starts(window, times)
        assert (starts <= times).all()
        assert (np.diff(starts) >= 0).all()
        grid = bucket_grid(window, TimeRange(int(times[0]), int(times[-1]) + 1))
        assert grid.tolist() == np.unique(starts).tolist()


@pytest.mark.parametrize("zone", [NEW_YORK, "Europe/London", "Asia/Kolkata", "Pacific/Apia", "UTC"])
@given(second=st.integers(-(2**31), 2**32))
@settings(max_examples=60, deadline=None)
def test_offsets_are_those_of_the_zone(zone: str, second: int) -> None:
    expected = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(ZoneInfo(zone)).utcoffset()
    assert expected is not None
    assert zone_offsets(zone, np.array([second * SECOND])).tolist() == [expected.total_seconds() * SECOND]


MOMENTS = st.one_of(
    st.integers(MIN_TIME, MAX_TIME),
    st.integers(MIN_TIME, MIN_TIME + 2 * WEEK),
    st.integers(MAX_TIME - 2 * WEEK, MAX_TIME),
)
WIDTHS = st.one_of(st.integers(1, WEEK), st.integers(1, MAX_TIME), st.sampled_from([HOUR, DAY, 3650 * DAY, MAX_TIME]))
ZONES = st.sampled_from(["", "", NEW_YORK, "Australia/Lord_Howe", "Asia/Kolkata"])


@given(st.lists(MOMENTS, min_size=1, max_size=20), WIDTHS, st.integers(MIN_TIME, MAX_TIME), ZONES)
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("error")
def test_buckets_hold_their_times_from_one_end_of_time_to_the_other(
    moments: list[int], every: int, offset: int, zone: str
) -> None:
    window, times = Window.tumbling(every, offset, zone), np.array(sorted(moments), np.int64)
    starts = bucket_starts(window, times)
    assert (starts <= times).all()
    assert (starts >= MIN_TIME).all()
    assert (starts[1:] >= starts[:-1]).all()
    if not zone:  # where the clock changes a bucket may be longer
        for start, time in zip(starts.tolist(), times.tolist(), strict=True):
            assert time < start + every
            assert (start - offset) % every == 0 or start == MIN_TIME
    assert bucket_starts(window, starts).tolist() == starts.tolist()


@given(MOMENTS, MOMENTS, st.integers(1, 200), st.integers(MIN_TIME, MAX_TIME), ZONES)
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("error")
def test_the_grid_reaches_from_one_end_of_time_to_the_other(
    one: int, other: int, parts: int, offset: int, zone: str
) -> None:
    touched = TimeRange(min(one, other), max(one, other) + 1)
    every = min(MAX_TIME, max(1, (touched.stop - touched.start) // parts))
    window = Window.tumbling(every, offset, zone)
    grid = bucket_grid(window, touched)
    ends = bucket_starts(window, np.array([touched.start, touched.stop - 1]))
    assert [int(grid[0]), int(grid[-1])] == ends.tolist()
    assert (np.diff(grid.astype(object)) > 0).all()
    assert bucket_starts(window, grid).tolist() == grid.tolist()
    if not zone:
        steps = np.diff(grid.astype(object)).tolist()
        assert set(steps[1:]) <= {every}
        assert all(0 < step <= every for step in steps[:1])
        assert abs(count_buckets(window, touched) - len(grid)) <= 1


def test_the_first_bucket_of_all_begins_with_time() -> None:
    times = np.array([MIN_TIME, MIN_TIME + 1, MAX_TIME])
    assert bucket_starts(Window.tumbling(DAY), times).tolist() == [MIN_TIME, MIN_TIME, MAX_TIME - MAX_TIME % DAY]
    assert bucket_grid(Window.tumbling(DAY), TimeRange(MIN_TIME, MIN_TIME + DAY))[0] == MIN_TIME


def test_the_ends_of_time_have_buckets_and_offsets() -> None:
    ends = np.array([MIN_TIME + DAY, MAX_TIME - DAY])
    for window in (Window.tumbling(HOUR), Window.tumbling(HOUR, zone=NEW_YORK)):
        starts = bucket_starts(window, ends)
        assert ((starts <= ends) & (ends - starts < 2 * HOUR)).all()


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.integers(1, 2 * WEEK), st.integers(MIN_TIME, MAX_TIME), ZONES)
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("error")
def test_a_bucket_stops_where_the_next_one_starts(moments: list[int], every: int, offset: int, zone: str) -> None:
    window = Window.tumbling(every, offset, zone)
    starts = bucket_starts(window, np.array(moments, np.int64))
    stops = bucket_stops(window, starts)
    assert (stops[starts < MAX_TIME] > starts[starts < MAX_TIME]).all()
    inside = stops < MAX_TIME
    assert bucket_starts(window, stops[inside]).tolist() == stops[inside].tolist()
    assert bucket_starts(window, stops - (stops > starts)).tolist() == starts.tolist()


@pytest.mark.parametrize("zone", ["", NEW_YORK, "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("every", [7 * MINUTE, 45 * MINUTE, HOUR, 90 * MINUTE, 5 * HOUR, DAY, 700 * DAY])
def test_buckets_stop_where_the_grid_goes_on_around_changes_of_the_clock(zone: str, every: int) -> None:
    window = Window.tumbling(every, 13 * MINUTE, zone)
    for day in ("2021-03-14", "2021-11-07", "2021-04-04", "1950-10-03"):
        start = at(f"{day}T00:00:00+00:00") - 2 * DAY
        grid = bucket_grid(window, TimeRange(start, start + 4 * DAY + 3 * every))
        assert bucket_stops(window, grid[:-1]).tolist() == grid[1:].tolist()


def test_where_the_smallest_of_buckets_stop_is_found_without_those_of_a_day() -> None:
    starts = np.array([0, 5, at("2021-03-14T07:00:00+00:00") - 1, MAX_TIME - 1])
    for zone in ("", NEW_YORK):
        assert bucket_stops(Window.tumbling(1, zone=zone), starts).tolist() == (starts + 1).tolist()


def test_buckets_before_1970_stop_too() -> None:
    assert bucket_stops(Window.tumbling(10), np.array([-20, -10, 0])).tolist() == [-10, 0, 10]
