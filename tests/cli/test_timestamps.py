"""Times in CSV files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.cli.timestamps import parse_time, parse_times
from influxish.emit.times import rfc3339
from influxish.types import MAX_TIME, MILLISECOND, MIN_TIME, SECOND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-01T00:00:00Z", 1577836800 * SECOND),
        ("2020-01-01t00:00:00z", 1577836800 * SECOND),
        ("2020-01-01 00:00:00", 1577836800 * SECOND),
        ("2020-01-01", 1577836800 * SECOND),
        ("2020-01-01 01:00", 1577840400 * SECOND),
        ("2020-01-01T01:00:00+01:00", 1577836800 * SECOND),
        ("2019-12-31T18:30:00.5-0530", 1577836800 * SECOND + SECOND // 2),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1500", 1500 * MILLISECOND),
        ("-1", -MILLISECOND),
    ],
)
def test_forms(text: str, expected: int) -> None:
    assert parse_time(text, MILLISECOND) == expected
    times, bad = parse_times([text], MILLISECOND)
    assert (times.tolist(), bad) == ([expected], {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "'yesterday' is no time: use RFC 3339"),
        ("2020-13-01", "is no time: month must be in 1..12"),
        ("2020-02-30 00:00:00", "is no time: day"),
        ("", "'' is no time"),
        ("1.5", "'1.5' is no time"),
        ("9223372036854775807", "time outside range"),
        ("99999999999999999999999999999999999", "time outside range"),
        ("1600-01-01T00:00:00Z", "time outside range"),
        ("2300-01-01T00:00:00Z", "time outside range"),
    ],
)
def test_what_is_no_time_is_named_and_the_others_are_read(text: str, reason: str) -> None:
    times, bad = parse_times(["2020-01-01", text, "1970-01-01"], 1)
    assert times.tolist()[::2] == [1577836800 * SECOND, 0]
    assert list(bad) == [1]
    assert reason in bad[1]


@given(st.lists(st.integers(MIN_TIME, MAX_TIME), min_size=1))
def test_rfc3339_reads_back(moments: list[int]) -> None:
    import numpy as np

    texts = rfc3339(np.array(moments))
    times, bad = parse_times(texts, 1)
    assert (times.tolist(), bad) == (moments, {})
    times, bad = parse_times([text.replace("T", " ").removesuffix("Z") for text in texts], 1)
    assert (times.tolist(), bad) == (moments, {})


@given(st.lists(st.integers(-(2**66), 2**66), min_size=1))
def test_integers_outside_the_range_never_wrap(numbers: list[int]) -> None:
    times, bad = parse_times([str(number) for number in numbers], 1000)
    for position, number in enumerate(numbers):
        if MIN_TIME <= number * 1000 <= MAX_TIME:
            assert times[position] == number * 1000
        else:
            assert "time outside range" in bad[position]
