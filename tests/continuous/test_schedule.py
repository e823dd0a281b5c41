"""When continuous queries are due: as a real server took its turns (turns.txt), and what the definition implies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.continuous.query import ContinuousQuery
from influxish.continuous.schedule import Schedule
from influxish.types import DAY, HOUR, MILLISECOND, MINUTE, SECOND, TimeRange


@dataclass(frozen=True)
class Observed:
    """A continuous query, the moments at which the server looked, and its turns: number of the moment, times."""

    text: str
    ticks: list[int]
    turns: list[tuple[int, TimeRange]]


def observed() -> Iterator[Observed]:
    origin, ticks, text = 0, list[int](), ""
    for line in (Path(__file__).parent / "turns.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "origin":
            origin = int(words[1]) * SECOND
        elif words[0] == "ticks":
            ticks = [origin + int(word) * MILLISECOND for word in words[1:]]
        elif "|" in words:
            resample, buckets, zone = (part.strip() for part in line.split("|"))
            select = f"SELECT mean(v) INTO x FROM m GROUP BY time({buckets}) {zone}"
            text = f"CREATE CONTINUOUS QUERY q ON demo {resample} BEGIN {select} END"
        else:
            turns = []
            for word in words:
                number, _, times = word.partition(":")
                start, _, stop = times.partition("..")
                turns.append((int(number), TimeRange(origin + int(start) * SECOND, origin + int(stop) * SECOND)))
            yield Observed(text, ticks, turns)


OBSERVED = list(observed())


def taken(schedule: Schedule, ticks: list[int]) -> list[tuple[int, TimeRange]]:
    """The turns that a query takes that is looked at at these moments."""
    last: int | None = None
    found = []
    for number, now in enumerate(ticks):
        turn = schedule.turn(now, last)
        if turn is not None:
            last = turn.time
            if turn.time_range is not None:
                found.append((number, turn.time_range))
    return found


@pytest.mark.parametrize("case", OBSERVED, ids=lambda case: f"{len(case.ticks)} looks, {case.text[29:]}")
def test_turns_are_those_that_the_server_took(case: Observed) -> None:
    query = ContinuousQuery.read(case.text, now=0)
    assert query.schedule is not None
    assert taken(query.schedule, case.ticks) == case.turns


def test_the_observations_are_read() -> None:
    assert len(OBSERVED) == 24
    assert sum(len(case.turns) for case in OBSERVED) == 213


@given(
    st.integers(1, 50), st.integers(-60, 60), st.lists(st.integers(1, 10), min_size=5, max_size=60), st.integers(0, 9)
)
def test_looked_at_often_enough_every_bucket_is_computed_once(
    interval: int, offset: int, steps: list[int], start: int
) -> None:
    """In seconds; no look is further from the next than a bucket is long."""
    schedule = Schedule.of(interval * SECOND, offset * SECOND, 0, 0)
    ticks = [start * SECOND]
    for step in steps:
        ticks.append(ticks[-1] + min(step, interval) * SECOND)
    ranges = [time_range for _, time_range in taken(schedule, ticks)]
    assert all(before.stop == after.start for before, after in itertools.pairwise(ranges))
    assert all((found.start - offset * SECOND) % (interval * SECOND) == 0 for found in ranges)
    if ranges:
        assert ticks[-1] - interval * SECOND < ranges[-1].stop <= ticks[-1]


def test_what_a_gap_between_two_looks_has_missed_is_computed_with_the_next_turn() -> None:
    schedule = Schedule.of(MINUTE, 0, 0, 0)
    last = schedule.turn(10 * MINUTE, None)
    assert last is not None
    late = schedule.turn(17 * MINUTE + 1, last.time)
    assert late is not None
    assert late.time_range == TimeRange(10 * MINUTE, 17 * MINUTE)


@pytest.mark.parametrize(
    ("first", "hours"),
    [(datetime(2023, 3, 25, tzinfo=UTC), [24, 23, 24]), (datetime(2023, 10, 28, tzinfo=UTC), [24, 25, 24])],
)
def test_days_of_a_zone_end_at_its_midnights_when_the_clock_is_changed(first: datetime, hours: list[int]) -> None:
    midnight = int(first.replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * SECOND
    schedule = Schedule.of(DAY, 0, 0, 0, "Europe/Berlin")
    ticks = [midnight + 30 * MINUTE + number * HOUR // 4 for number in range(4 * 74)]
    expected = []
    for length in hours:
        expected.append(TimeRange(midnight, midnight + length * HOUR))
        midnight += length * HOUR
    assert [time_range for _, time_range in taken(schedule, ticks)] == expected


def test_a_query_without_buckets_is_never_due() -> None:
    query = ContinuousQuery.read("CREATE CONTINUOUS QUERY q ON demo BEGIN SELECT v INTO x FROM m END", now=0)
    assert query.schedule is None
