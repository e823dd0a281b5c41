"""Continuous queries by the clock of a zone: what they have written is what the same SELECT answers afterwards."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.continuous.schedule import Schedule
from influxish.database import Database
from influxish.functions.windows import bucket_grid, bucket_starts
from influxish.types import DAY, HOUR, MINUTE, SECOND, TimeRange, Window

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
# Two days before a change of the clock, UTC.
CHANGES = [
    (BERLIN, "2024-03-29"),
    (BERLIN, "2024-10-25"),
    (NEW_YORK, "2024-03-08"),
    (NEW_YORK, "2024-11-01"),
    (LORD_HOWE, "2024-04-04"),
]
# RESAMPLE, and GROUP BY time; where EVERY is no multiple of the buckets, a server leaves some of them out.
QUERIES = [
    ("", "1h"),
    ("", "2h"),
    ("", "2h, 30m"),
    ("", "3h"),
    ("", "1d, 6h"),
    ("RESAMPLE EVERY 30m", "1h, 10m"),
    ("RESAMPLE EVERY 1h", "2h, 30m"),
    ("RESAMPLE FOR 1d", "2h, 30m"),
    ("RESAMPLE EVERY 2h FOR 2d", "1d, 6h"),
    ("RESAMPLE EVERY 3h", "1h"),
    ("RESAMPLE EVERY 3h", "1h, 10m"),
    ("RESAMPLE EVERY 12h", "6h"),
]


def start_of(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * SECOND


def answer(db: Database, text: str) -> dict[object, object]:
    return {time: count for series in db.query(text, database="demo") for time, count in series.rows}


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_what_is_written_around_a_change_of_the_clock_is_what_the_select_answers(
    db: Database, zone: str, day: str
) -> None:
    start, stop = start_of(day), start_of(day) + 4 * DAY
    db.write([f"m v=1 {time}" for time in range(start, stop, 10 * MINUTE)], database="demo")
    for number, (resample, buckets) in enumerate(QUERIES):
        select = f"SELECT count(v) INTO q{number} FROM m GROUP BY time({buckets}) tz('{zone}')"
        db.query(f"CREATE CONTINUOUS QUERY q{number} ON demo {resample} BEGIN {select} END", database="demo")
    for now in range(start, stop + 1, 30 * MINUTE):
        assert not [run.error for run in db.run_continuous_queries(now + 5) if run.error]
    for number, (resample, buckets) in enumerate(QUERIES):
        times = f"time >= {start} AND time < {stop}"
        expected = answer(db, f"SELECT count(v) FROM m WHERE {times} GROUP BY time({buckets}) tz('{zone}')")
        inner = {time for time in expected if start + DAY <= time < stop - DAY - 6 * HOUR}
        assert inner
        written = answer(db, f"SELECT count FROM q{number}")
        assert {time: written.get(time) for time in inner} == {time: expected[time] for time in inner}, (
            resample,
            buckets,
        )


@settings(max_examples=200, deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    width=st.sampled_from([10, 30, 45, 60, 90, 120, 180, 360, 720, 1440]),
    times=st.sampled_from([1, 2, 3, 4]),
    is_shorter=st.booleans(),
    offset=st.sampled_from([0, 10, 30, -30, 90, 360]),
    resample_for=st.sampled_from([0, 1, 2, 5]),
    steps=st.lists(st.integers(1, 60), min_size=120, max_size=140),
)
def test_a_turn_computes_whole_buckets_and_none_is_left_half_done(
    change: tuple[str, str],
    width: int,
    times: int,
    is_shorter: bool,
    offset: int,
    resample_for: int,
    steps: list[int],
) -> None:
    """Widths in minutes; EVERY is a part or a multiple of the bucket, and looks come at any moment."""
    zone, day = change
    interval = width * MINUTE
    every = interval // times if is_shorter else interval * times
    schedule = Schedule.of(interval, offset * MINUTE, every, resample_for * max(interval, every), zone)
    window = Window.tumbling(interval, offset * MINUTE, zone)
    looks = [start_of(day) + minute * MINUTE for minute in itertools.accumulate(steps)]
    computed, last = dict[int, int](), None
    first = looks[0] + 2 * max(interval, every) + 2 * HOUR
    for now in looks:
        turn = schedule.turn(now, last)
        if turn is None:
            continue
        assert turn.time <= now
        last = turn.time
        if turn.time_range is None:
            continue
        edges = np.array([turn.time_range.start, turn.time_range.stop])
        assert bucket_starts(window, edges).tolist() == edges.tolist()
        computed.update(dict.fromkeys(bucket_grid(window, turn.time_range).tolist(), now))
    assert last is not None
    if first < last:
        grid = bucket_grid(window, TimeRange(first, last + 2)).tolist()
        ended = [(start, stop) for start, stop in itertools.pairwise(grid) if stop <= last]
        assert [start for start, stop in ended if computed.get(start, 0) < stop] == []
