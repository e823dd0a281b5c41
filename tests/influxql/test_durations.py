"""Durations in text and in nanoseconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.influxql.durations import format_duration, parse_duration

HOUR = 3600 * 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0s", 0), ("1ns", 1), ("1u", 10**3), ("1µ", 10**3), ("1ms", 10**6), ("1m", 60 * 10**9), ("1h", HOUR),
     ("1d", 24 * HOUR), ("1w", 168 * HOUR), ("1h30m", HOUR * 3 // 2), ("1m1ms", 60 * 10**9 + 10**6),
     ("-2s", -2 * 10**9)],
)  # fmt: skip
def test_units(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1n", "1h30", "h1", "1 h", "1.5h", "--1s", "1us", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid duration$"):
        parse_duration(text)


def test_overflow_names_the_part_that_was_too_much() -> None:
    with pytest.raises(ValueError, match=r"^overflowed duration 15251w: choose a smaller duration or INF$"):
        parse_duration("15251w")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (90 * 60 * 10**9, "90m"), (48 * HOUR, "2d"), (10**9 + 1, "1000000001ns"), (1500, "1500ns"),
     (2000, "2u"), (-HOUR, "-1h"), (336 * HOUR, "2w")],
)  # fmt: skip
def test_largest_unit_that_divides_is_printed(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_print_and_parse_are_inverse(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds
