"""The SELECT of one turn: its own bounds on time give way to those of the turn."""

from __future__ import annotations

import pytest

from influxish.continuous.query import ContinuousQuery
from influxish.errors import CompileError, ExecutionError
from influxish.influxql import format_node
from influxish.types import TimeRange


def turn(select: str) -> str:
    text = f"CREATE CONTINUOUS QUERY q ON demo BEGIN {select} END"
    return format_node(ContinuousQuery.read(text, now=0).turn(TimeRange(10, 20)))


def select(condition: str) -> str:
    where = f" WHERE {condition}" if condition else ""
    return f"SELECT mean(v) INTO x FROM m{where} GROUP BY time(1m)"


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("", "time >= 10 AND time < 20"),
        ("host = 'a'", "(host = 'a') AND time >= 10 AND time < 20"),
        ("host = 'a' OR v > 3", "(host = 'a' OR v > 3) AND time >= 10 AND time < 20"),
        ("time > now() - 1h", "(true) AND time >= 10 AND time < 20"),
        ("(host = 'a' AND time > 0)", "((host = 'a' AND true)) AND time >= 10 AND time < 20"),
        ("time > 0 AND v + 1 > 3", "(true AND v + 1 > 3) AND time >= 10 AND time < 20"),
    ],
)
def test_bounds_on_time_are_replaced(written: str, run: str) -> None:
    assert turn(select(written)) == select(run)


def test_a_long_condition_is_no_trouble() -> None:
    assert turn(select(" OR ".join(f"v = {number}" for number in range(20_000)))).count(" OR ") == 19_999


def test_a_query_that_calls_nothing_is_refused_when_its_turn_comes() -> None:
    with pytest.raises(ExecutionError, match="continuous queries must be aggregate queries"):
        turn("SELECT v INTO x FROM m GROUP BY time(1m)")


def test_a_bad_offset_is_told_with_its_place() -> None:
    with pytest.raises(CompileError):
        turn("SELECT mean(v) INTO x FROM m GROUP BY time(1m, 'noon')")
