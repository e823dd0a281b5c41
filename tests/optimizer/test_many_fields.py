"""The work of planning grows with the number of fields in a SELECT, not with its square."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType

import pytest

import influxish
from influxish.database import Database

STEP = 100
"""Fields by which a select list grows."""


def fields(each: str, count: int) -> str:
    """A select list: `each`, with 0, 1, 2 … in the place of #."""
    return ", ".join(each.replace("#", str(number)) for number in range(count))


def steps(work: Callable[[], object]) -> int:
    """How many lines of Python a call runs through; a loop on one line counts one each time around."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., object]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.fixture(scope="module")
def db() -> Iterator[Database]:
    """One measurement of many fields, in two shards."""
    with influxish.open(":memory:", workers=2) as db:
        db.create_database("demo")
        columns = fields("f#=#", 3 * STEP).replace(" ", "")
        db.write([f"m,host=a {columns} 0", f"m,host=a {columns} {10 * 86_400}"], database="demo", precision="s")
        yield db


@pytest.mark.parametrize(
    ("each", "rest"),
    [
        ("mean(f#)", "FROM m"),
        ("mean(f0) + #", "FROM m"),
        ("mean(f#) + max(f#)", "FROM m GROUP BY host SLIMIT 1"),
        ("percentile(f0, 0.#)", "FROM m"),
        ("mean(f#)", "FROM m WHERE time >= 0 AND time < 20d GROUP BY time(1d)"),
        ("f#", "FROM m"),
        ("f0 + #", "FROM m WHERE f0 > 1 LIMIT 1"),
        ("max(f#) + 1", "FROM (SELECT inner FROM m)"),
    ],
)
def test_the_last_fields_take_no_more_work_than_those_before(db: Database, each: str, rest: str) -> None:
    def plan(count: int) -> None:
        text = rest.replace("inner", fields("mean(f#) + 1 AS f#", count))
        db.explain(f"SELECT {fields(each, count)} {text}", database="demo").text()

    plan(STEP)  # what is made once has been made
    few, more, most = (steps(partial(plan, count)) for count in (STEP, 2 * STEP, 3 * STEP))
    assert most - more < 1.05 * (more - few)
