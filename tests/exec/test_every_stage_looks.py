"""A cancel switch and a deadline reach every kind of statement in every stage, not only the scan of a SELECT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import influxish
from influxish.database import Database
from influxish.errors import LimitExceeded, QueryCancelled
from influxish.exec.context import CancelSwitch
from influxish.storage.points import PointBatch

SERIES = 60_000
SHOWS = [
    "SHOW DATABASES",
    "SHOW RETENTION POLICIES",
    "SHOW MEASUREMENTS",
    "SHOW MEASUREMENTS WHERE host =~ /9/",
    "SHOW TAG KEYS",
    "SHOW TAG VALUES WITH KEY = host",
    "SHOW FIELD KEYS",
    "SHOW SERIES",
]
SELECT = "SELECT mean(v) FROM cpu GROUP BY host"
STATEMENTS = [*SHOWS, SELECT, f"EXPLAIN {SELECT}", f"EXPLAIN ANALYZE {SELECT}"]


class CancelledAtLook(CancelSwitch):
    """Is set from the n-th look on, and counts the looks."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self.looks = number, 0

    @property
    def is_set(self) -> bool:
        self.looks += 1
        return self.looks >= self._number


@pytest.fixture(scope="module")
def many() -> Iterator[Database]:
    """60,000 series of one point."""
    with influxish.open(":memory:", workers=1) as db:
        db.create_database("demo")
        tags = {"host": [f"h{i * 7919 % SERIES:05}" for i in range(SERIES)]}
        points = PointBatch.from_columns("cpu", np.arange(SERIES), tags, {"v": np.ones(SERIES)})
        db.engine.write("demo", "", points)
        yield db


def by_query(db: Database, text: str, cancel: CancelSwitch | None) -> None:
    db.query(text, database="demo", cancel=cancel)


def by_run(db: Database, text: str, cancel: CancelSwitch | None) -> None:
    for answer in db.run(text, database="demo", cancel=cancel):
        for _ in answer.chunks:
            pass


WAYS: Any = pytest.mark.parametrize("ask", [by_query, by_run])
Ask = Callable[[Database, str, CancelSwitch | None], None]


@WAYS
@pytest.mark.parametrize("text", STATEMENTS)
def test_a_switch_stops_a_statement_at_each_of_its_looks(many: Database, ask: Ask, text: str) -> None:
    counter = CancelledAtLook(10**9)
    ask(many, text, counter)
    assert counter.looks >= 2  # when it begins and when it is carried out
    for number in range(1, min(counter.looks, 12) + 1):
        switch = CancelledAtLook(number)
        with pytest.raises(QueryCancelled):
            ask(many, text, switch)
        assert switch.looks == number


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_deadline_binds_every_statement(text: str) -> None:
    with influxish.open(":memory:", max_query_seconds=1e-9) as db:
        db.create_database("demo")
        db.write("cpu,host=a v=1 1", database="demo")
        for ask in (by_query, by_run):
            with pytest.raises(LimitExceeded, match="max_query_seconds"):
                ask(db, text, None)


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("SHOW SERIES", 5),
        ("SHOW MEASUREMENTS WHERE host =~ /9/", 2),
        ("SHOW TAG VALUES WITH KEY = host", 5),
        ("SHOW TAG KEYS WHERE host =~ /9/", 1),
    ],
)
def test_show_looks_while_it_lists_many_series(many: Database, text: str, least: int) -> None:
    looks = []
    with influxish.open(":memory:", workers=1) as few:
        few.create_database("demo")
        few.write("cpu,host=h9 v=1 1", database="demo")
        for db in (few, many):
            by_query(db, text, counter := CancelledAtLook(10**9))
            looks.append(counter.looks)
    assert looks[1] - looks[0] >= least


def test_tag_values_come_sorted_whatever_their_number(many: Database) -> None:
    (chunk,) = many.query("SHOW TAG VALUES WITH KEY = host LIMIT 50000 OFFSET 5", database="demo")
    assert list(chunk.rows) == [("host", f"h{i:05}") for i in range(5, 50_005)]


@pytest.mark.parametrize("analyze", [False, True])
def test_explain_takes_a_switch_and_looks_between_the_stages(many: Database, analyze: bool) -> None:
    counter = CancelledAtLook(10**9)
    many.explain(SELECT, database="demo", analyze=analyze, cancel=counter)
    assert counter.looks >= 4  # parse, compile, link, optimize
    for number in range(1, counter.looks + 1):
        with pytest.raises(QueryCancelled):
            many.explain(SELECT, database="demo", analyze=analyze, cancel=CancelledAtLook(number))


def test_explain_analyze_is_bound_by_the_deadline_while_it_runs(many: Database) -> None:
    counter = CancelledAtLook(10**9)
    many.explain(SELECT, database="demo", cancel=counter)
    running = CancelledAtLook(10**9)
    by_query(many, f"EXPLAIN ANALYZE {SELECT}", running)
    assert running.looks > counter.looks + 2


def test_series_come_sorted_whatever_their_number(many: Database) -> None:
    (chunk,) = many.query("SHOW SERIES", database="demo")
    keys = [row[0] for row in chunk.rows]
    assert keys == sorted(f"cpu,host=h{i:05}" for i in range(SERIES))
