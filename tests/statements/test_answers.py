"""Durations as Go prints them."""

from __future__ import annotations

import pytest

from influxish.statements.answers import go_duration


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (31_000, "31µs"),
        (1_500_000, "1.5ms"),
        (1_000_000_007, "1.000000007s"),
        (60_000_000_000, "1m0s"),
        (90_500_000_000, "1m30.5s"),
        (10_000_000_000, "10s"),
        (3_600_000_000_000, "1h0m0s"),
        (604_800_000_000_000, "168h0m0s"),
    ],
)
def test_a_duration_is_spelled_as_go_spells_it(nanoseconds: int, text: str) -> None:
    assert go_duration(nanoseconds) == text
