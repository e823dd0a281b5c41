"""Continuous queries in a database: what they write, what closing leaves of them, and what a failure leaves be."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import influxish
from influxish.continuous.service import ContinuousQueryRun
from influxish.database import Database
from influxish.errors import InfluxishError, StorageError
from influxish.types import HOUR, MINUTE, SECOND, TimeRange

NOON = 1_577_880_000 * SECOND
MEAN = "SELECT mean(v) INTO means FROM m GROUP BY time(1m), host"


def create(db: Database, name: str, select: str = MEAN, resample: str = "", database: str = "demo") -> None:
    db.query(f"CREATE CONTINUOUS QUERY {name} ON {database} {resample} BEGIN {select} END", database=database)


def rows(db: Database, text: str, database: str = "demo") -> list[tuple[object, ...]]:
    return [(*series.tags.values(), *row) for series in db.query(text, database=database) for row in series.rows]


def write(db: Database, *points: tuple[str, float, int]) -> None:
    """Points of (host, value, seconds after noon)."""
    db.write([f"m,host={host} v={value} {NOON + second * SECOND}" for host, value, second in points], database="demo")


def test_each_turn_writes_the_buckets_that_have_ended(db: Database) -> None:
    create(db, "q")
    assert db.run_continuous_queries(NOON + 1) == []  # no bucket has ended since it began
    write(db, ("a", 1, 0), ("a", 3, 30), ("b", 5, 59), ("a", 7, 60))
    assert db.run_continuous_queries(NOON + 59 * SECOND) == []
    run = ContinuousQueryRun("demo", "q", TimeRange(NOON, NOON + MINUTE), written=2)
    assert db.run_continuous_queries(NOON + MINUTE) == [run]
    assert db.continuous_query_runs == [run]
    assert rows(db, "SELECT mean FROM means GROUP BY host") == [("a", NOON, 2.0), ("b", NOON, 5.0)]
    assert db.run_continuous_queries(NOON + MINUTE) == []
    (run,) = db.run_continuous_queries(NOON + 2 * MINUTE)
    assert (run.time_range, run.written) == (TimeRange(NOON + MINUTE, NOON + 2 * MINUTE), 1)


def test_resampling_computes_a_bucket_again_when_points_come_late(db: Database) -> None:
    create(db, "q", resample="RESAMPLE EVERY 30s FOR 2m")
    write(db, ("a", 1, 0))
    db.run_continuous_queries(NOON + 30 * SECOND)
    assert rows(db, "SELECT mean FROM means") == [(NOON, 1.0)]
    write(db, ("a", 3, 10))
    db.run_continuous_queries(NOON + 90 * SECOND)
    assert rows(db, "SELECT mean FROM means") == [(NOON, 2.0)]


def test_each_query_has_its_own_turns_and_its_database(db: Database) -> None:
    db.create_database("other")
    create(db, "q")
    create(
        db, "hours", "SELECT count(v) INTO demo.autogen.hours FROM demo.autogen.m GROUP BY time(1h)", database="other"
    )
    db.run_continuous_queries(NOON)
    write(db, ("a", 1, 0), ("a", 2, 61))
    names = [[run.name for run in db.run_continuous_queries(NOON + minute * MINUTE)] for minute in range(61)]
    assert names == [[], *[["q"]] * 59, ["q", "hours"]]
    assert rows(db, "SELECT count FROM hours") == [(NOON, 2)]


def test_one_that_fails_is_told_of_and_stops_no_other(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    create(db, "bad", "SELECT foo(v) INTO x FROM m GROUP BY time(1m)")
    create(db, "raw", "SELECT v INTO x FROM m GROUP BY time(1m)")
    create(db, "good")
    write(db, ("a", 1, 0))
    with caplog.at_level(logging.WARNING, "influxish.continuous"):
        for minute in range(4):
            runs = db.run_continuous_queries(NOON + minute * MINUTE)
    assert [(run.name, run.error.splitlines()[:1]) for run in runs] == [
        ("bad", ["undefined function foo()"]),
        ("raw", ["continuous queries must be aggregate queries"]),
        ("good", []),
    ]
    assert db.continuous_query_runs == runs
    assert rows(db, "SELECT mean FROM means") == [(NOON, 1.0)]
    assert [record.args[0] for record in caplog.records if record.args] == ["bad", "raw"]  # once, not at each turn


def test_a_fault_of_ours_is_logged_with_its_traceback_and_stops_no_other(
    db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(db, "first")
    create(db, "second", "SELECT max(v) INTO maxima FROM m GROUP BY time(1m)")
    result = Database._result

    def broken(self: Database, statement: object, *rest: object) -> object:
        if "mean(" in str(statement) or "'mean'" in repr(statement):
            raise ValueError("a bug")
        return result(self, statement, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "_result", broken)
    write(db, ("a", 1, 0))
    db.run_continuous_queries(NOON)
    first, second = db.run_continuous_queries(NOON + MINUTE)
    assert (first.error, second.error, second.written) == ("internal error: ValueError: a bug", "", 1)
    assert any(record.exc_info for record in caplog.records)


def test_a_turn_that_failed_is_not_repeated(db: Database) -> None:
    db.create_database("gone")
    create(db, "q", "SELECT mean(v) INTO gone.autogen.x FROM m GROUP BY time(1m)")
    write(db, ("a", 1, 0), ("a", 2, 60))
    db.run_continuous_queries(NOON)
    db.query("DROP DATABASE gone")
    (run,) = db.run_continuous_queries(NOON + MINUTE)
    assert (run.error, run.time_range) == ("database not found: gone", TimeRange(NOON, NOON + MINUTE))
    db.create_database("gone")
    assert db.run_continuous_queries(NOON + 61 * SECOND) == []
    (run,) = db.run_continuous_queries(NOON + 2 * MINUTE)
    assert (run.error, run.written) == ("", 1)
    assert rows(db, "SELECT mean FROM x", "gone") == [(NOON + MINUTE, 2.0)]


def test_they_are_there_after_the_database_is_opened_anew(tmp_path: Path) -> None:
    with influxish.open(tmp_path) as db:
        db.create_database("demo")
        create(db, "q")
        create(db, "dropped")
        db.query("DROP CONTINUOUS QUERY dropped ON demo")
        told = rows(db, "SHOW CONTINUOUS QUERIES")
    with influxish.open(tmp_path) as db:
        assert rows(db, "SHOW CONTINUOUS QUERIES") == told
        write(db, ("a", 1, 0))
        db.run_continuous_queries(NOON + 1)
        assert [run.written for run in db.run_continuous_queries(NOON + MINUTE)] == [1]
        db.query("DROP DATABASE demo")
        assert db.run_continuous_queries(NOON + 2 * MINUTE) == []
        db.create_database("demo")
        assert rows(db, "SHOW CONTINUOUS QUERIES") == []


def test_nothing_runs_by_itself_unless_it_is_asked_for(db: Database) -> None:
    before = threading.active_count()
    with influxish.open() as plain:
        assert threading.active_count() == before
        assert plain.upkeep.continuous_query_seconds == 0
    assert db.continuous_query_runs == []


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_thread_runs_them_when_the_setting_asks_for_it() -> None:
    with influxish.open(continuous_query_seconds=0.02) as db:
        db.create_database("demo")
        create(db, "q", "SELECT count(v) INTO counts FROM m GROUP BY time(100ms)")
        db.write(f"m v=1 {time.time_ns() + SECOND // 5}", database="demo")
        wait_for(lambda: rows(db, "SELECT sum(count) FROM counts"))
        assert rows(db, "SELECT sum(count) FROM counts") == [(0, 1)]
        names = [thread.name for thread in threading.enumerate()]
        assert "continuous queries" in names
    assert "continuous queries" not in [thread.name for thread in threading.enumerate()]


def test_closing_is_safe_while_they_run() -> None:
    for _ in range(5):
        db = influxish.open(continuous_query_seconds=0.001)
        db.create_database("demo")
        for number in range(5):
            create(db, f"q{number}", "SELECT count(v) INTO counts FROM m GROUP BY time(1ms)")
        db.write([f"m v=1 {time.time_ns()}"], database="demo")
        wait_for(lambda db=db: db.continuous_query_runs)  # type: ignore[misc]
        db.close()
        db.close()
        with pytest.raises(StorageError, match="closed"):
            db.run_continuous_queries()


def test_a_turn_stands_among_the_queries_that_run_and_can_be_killed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(db, "q")
    create(db, "after", "SELECT max(v) INTO maxima FROM m GROUP BY time(1m)")
    write(db, ("a", 1, 0))
    db.run_continuous_queries(NOON)
    write_points, seen = db.engine.write, list[tuple[object, ...]]()

    def killing(*points: object) -> None:
        if not seen:
            seen.extend(rows(db, "SHOW QUERIES"))
            db.query(f"KILL QUERY {seen[0][0]}")
        write_points(*points)  # type: ignore[arg-type]

    monkeypatch.setattr(db.engine, "write", killing)
    killed, other = db.run_continuous_queries(NOON + MINUTE)
    assert str(seen[0][1]).startswith("SELECT mean(v) INTO demo.autogen.means FROM demo.autogen.m WHERE time >= ")
    assert (killed.error, other.error, other.written) == ("query interrupted", "", 1)


@pytest.mark.parametrize("value", [-1, "1s", True, 1e10, float("inf")])
def test_a_setting_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(InfluxishError, match="continuous_query_seconds must be a number of seconds"):
        influxish.open(continuous_query_seconds=value)


def test_turns_that_were_missed_are_computed_by_one_query(db: Database) -> None:
    create(db, "q", "SELECT sum(v) INTO sums FROM m GROUP BY time(1h)")
    db.run_continuous_queries(NOON)
    write(db, *[("a", 1, 3600 * hour) for hour in range(720)])
    (run,) = db.run_continuous_queries(NOON + 720 * HOUR)
    assert (run.written, run.time_range) == (720, TimeRange(NOON, NOON + 720 * HOUR))
