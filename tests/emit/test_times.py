"""Times as text and as integers, against Python's datetime and observed answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.emit.times import epoch_integers, rfc3339, time_texts
from influxish.types import MAX_TIME, MIN_TIME, PRECISIONS

ZONES = ["", "UTC", "America/New_York", "Asia/Kolkata", "Europe/London", "Pacific/Apia"]


@given(st.lists(st.integers(MIN_TIME, MAX_TIME), min_size=1), st.sampled_from(ZONES))
def test_rfc3339_is_what_datetime_says(moments: list[int], zone: str) -> None:
    expected = []
    for moment in moments:
        whole, fraction = divmod(moment, 1_000_000_000)
        utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=whole)
        local = utc.astimezone(ZoneInfo(zone or "UTC"))
        offset = local.utcoffset()
        assert offset is not None
        if offset.total_seconds() % 60 or local.year < 1901 or local.year > 2199:
            continue  # local mean times and far years have tests of their own
        decimals = f".{fraction:09}".rstrip("0").rstrip(".")
        suffix = local.strftime("%z")
        expected.append(
            local.strftime("%Y-%m-%dT%H:%M:%S") + decimals + (f"{suffix[:3]}:{suffix[3:]}" if offset else "Z")
        )
        moments_kept = rfc3339(np.array([moment]), zone)
        assert moments_kept == expected[-1:]
    if not zone:
        assert rfc3339(np.array(moments)) == expected or len(expected) < len(moments)


def test_the_ends_of_time_do_not_overflow() -> None:
    ends = np.array([MIN_TIME, MAX_TIME])
    assert rfc3339(ends) == ["1677-09-21T00:12:43.145224194Z", "2262-04-11T23:47:16.854775806Z"]
    assert rfc3339(ends, "Asia/Tokyo")[1] == "2262-04-12T08:47:16.854775806+09:00"


def test_clock_changes_show_in_the_offset() -> None:
    hours = np.array([1615701600, 1615705200]) * 1_000_000_000
    assert rfc3339(hours, "America/New_York") == ["2021-03-14T01:00:00-05:00", "2021-03-14T03:00:00-04:00"]


def test_local_mean_time_loses_its_seconds() -> None:
    assert rfc3339(np.array([0]), "Africa/Monrovia") == ["1969-12-31T23:15:30-00:44"]


def test_decimals_lose_only_their_trailing_zeros() -> None:
    assert rfc3339(np.array([0, 100, 120_000_000, 10_000_000_000])) == [
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.0000001Z",
        "1970-01-01T00:00:00.12Z",
        "1970-01-01T00:00:10Z",
    ]


def test_no_times() -> None:
    none = np.zeros(0, np.int64)
    assert rfc3339(none) == rfc3339(none, "Asia/Kolkata") == time_texts("")(none) == []


@given(st.lists(st.integers(MIN_TIME, MAX_TIME)), st.sampled_from(sorted(PRECISIONS)))
def test_epochs_divide_towards_zero(moments: list[int], epoch: str) -> None:
    expected = [abs(moment) // PRECISIONS[epoch] * (1 if moment >= 0 else -1) for moment in moments]
    assert epoch_integers(np.array(moments, np.int64), epoch).tolist() == expected


def test_an_unknown_epoch_counts_in_nanoseconds() -> None:
    assert epoch_integers(np.array([1_500]), "d").tolist() == [1_500]


@pytest.mark.parametrize(("epoch", "expected"), [("", ['"1970-01-01T00:00:00Z"']), ("s", ["0"])])
def test_the_same_column_twice_gives_fresh_lists(epoch: str, expected: list[str]) -> None:
    write = time_texts(epoch, quote='"')
    first = write(np.zeros(1, np.int64))
    first.append("spoiled")
    assert write(np.zeros(1, np.int64)) == expected
