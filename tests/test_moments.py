"""Dates and clock times are read the same way for queries and for files; only how strictly differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.moments import parse_moment
from influxish.types import DAY, HOUR, MILLISECOND, MINUTE, SECOND


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-02", DAY),
        ("1970-01-01 00:00:01", SECOND),
        ("1970-01-01T00:00:00.001Z", MILLISECOND),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00+01:30", -(HOUR + 30 * MINUTE)),
        ("1969-12-31T23:00:00-01:00", 0),
        ("0001-01-01T00:00:00+23:00", -719_162 * DAY - 23 * HOUR),
    ],
)
def test_forms_that_queries_and_files_share(text: str, time: int) -> None:
    assert parse_moment(text) == parse_moment(text, lenient=True) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01 00:01", MINUTE),
        ("1970-01-01T00:00:00z", 0),
        ("1970-01-01 00:00:00 +0100", -HOUR),
        ("1970-01-01+01:00", -HOUR),
    ],
)
def test_forms_of_files_alone(text: str, time: int) -> None:
    assert parse_moment(text) is None
    assert parse_moment(text, lenient=True) == time


@pytest.mark.parametrize("text", ["", "now", "1970", "1970-1-1", "1970-01-01T", "1970-01-01T00:00:00.0000000001Z"])
def test_what_has_no_form_of_a_time(text: str) -> None:
    assert parse_moment(text) is None
    assert parse_moment(text, lenient=True) is None


@pytest.mark.parametrize("text", ["1970-02-30", "1970-13-01", "1970-01-01T24:00:00Z", "0000-01-01"])
def test_dates_and_times_that_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be in|out of range"):
        parse_moment(text)


def test_a_zone_is_for_texts_without_offset() -> None:
    assert parse_moment("2020-07-01 12:00:00", zone="Europe/Berlin") == parse_moment("2020-07-01T10:00:00Z")
    assert parse_moment("2020-01-01", zone="Europe/Berlin") == parse_moment("2019-12-31T23:00:00Z")
    assert parse_moment("2020-07-01T12:00:00Z", zone="Europe/Berlin") == parse_moment("2020-07-01T12:00:00Z")


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_any_moment_reads_back(stamp: datetime, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    local = stamp.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (local - timedelta(minutes=minutes)) // timedelta(microseconds=1) * 1000
    assert parse_moment(f"{stamp.isoformat(timespec='microseconds')}{sign}{hours:02}:{rest:02}") == expected
