"""Points that are older than their retention policy keeps them: refused, hidden, dropped with their shard."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import influxish
from influxish.errors import StorageError
from influxish.storage.engine import Engine
from influxish.storage.files import Files
from influxish.storage.interface import RetentionPolicy
from influxish.storage.options import StorageOptions
from influxish.types import DAY, HOUR, SECOND, WEEK
from tests.storage.helpers import Model, contents, rejected, write

WIDE = RetentionPolicy("p", 300 * DAY, 100 * DAY)
"""Its shards are so wide that no edge of them is passed while a test runs."""


def shorten(engine: Engine, duration: int, database: str = "d") -> None:
    engine.change_policy(database, "", lambda policy: replace(policy, duration=duration))


def test_old_points_are_refused_unless_young_ones_go_into_their_shard_with_them() -> None:
    """As a real server does it, which makes the shards that young points need, and then looks for one for each."""
    with Engine.open(None) as engine:
        engine.create_database("d", WIDE)
        oldest = time.time_ns() - WIDE.duration
        old, young = oldest - SECOND, oldest + HOUR
        alone = rejected(engine, f"m,h=a v=1 {old}\nm,h=b v=2 {old - 200 * DAY}")
        assert alone.rejected == [(1, "points beyond retention policy"), (2, "points beyond retention policy")]
        assert contents(engine) == {}
        together = rejected(engine, f"m,h=a v=1 {old}\nother v=1 {young}\nm,h=b v=2 {old - 200 * DAY}")
        assert (together.rejected, together.written) == ([(3, "points beyond retention policy")], 2)
        assert contents(engine) == {("a", old): {"v": 1.0}}
        assert rejected(engine, f"m,h=a v=3 {old}").written == 0


def test_a_shard_is_hidden_and_dropped_once_its_last_moment_is_too_old(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d", RetentionPolicy("p", 0, HOUR))
        now = time.time_ns()
        write(engine, f"m,h=old v=1 0\nm,h=new v=1 {now}\ngone v=1 {HOUR}")
        engine.flush()
        write(engine, f"m,h=old v=2 5\nm,h=both v=1 7\nm,h=both v=2 {now}")
        everything = contents(engine)
        assert engine.drop_expired(now + 1000 * DAY) == []  # it is kept for ever
        shorten(engine, HOUR)
        kept: Model = {("new", now): {"v": 1.0}, ("both", now): {"v": 2.0}}
        assert contents(engine) == kept
        shorten(engine, 0)
        assert contents(engine) == everything  # hidden, but there
        shorten(engine, HOUR)
        assert engine.drop_expired(now) == [1, 3]
        assert engine.drop_expired(now) == []
        assert contents(engine) == kept
        assert engine.measurements("d") == ["m"]
        assert engine.tag_values("d", "m", "h") == ["both", "new"]
        assert [id for id, *_ in engine.shard_ranges("d")] == [2]
        engine.flush()
        assert [path.name for path in (tmp_path / "data" / "1").iterdir() if path.is_dir()] == ["2"]
    with Engine.open(tmp_path) as engine:
        assert contents(engine) == kept
        assert engine.damage == []
        assert engine.drop_expired(now + HOUR) == []  # the last moment of the shard, not of its points
        assert engine.drop_expired(now + 3 * HOUR) == [2]
        assert engine.measurements("d") == []


def test_each_policy_has_its_own_time() -> None:
    with Engine.open(None) as engine:
        engine.create_database("d", RetentionPolicy("p", 0, HOUR))
        engine.create_policy("d", RetentionPolicy("q", 2 * WEEK, DAY))
        now = time.time_ns()
        write(engine, f"m,h=a v=1 {now}")
        write(engine, f"m,h=a v=2 {now}", policy="q")
        assert engine.drop_expired(now + 2 * WEEK) == []
        assert engine.drop_expired(now + 2 * WEEK + DAY + 1) == [2]
        assert contents(engine) == {("a", now): {"v": 1.0}}


def test_a_query_that_runs_keeps_what_is_dropped(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d", RetentionPolicy("p", WEEK, DAY))
        now = time.time_ns()
        write(engine, f"m,h=a v=1 {now}")
        engine.flush()
        (snapshot,) = engine.shards("d")
        assert engine.drop_expired(now + 2 * WEEK) == [1]
        assert snapshot.present("m").tolist() == [True]
        assert list(tmp_path.rglob("*.seg"))
        del snapshot
        assert not list(tmp_path.rglob("*.seg"))


def test_a_policy_that_is_extended_meanwhile_keeps_its_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine.open(None) as engine:
        engine.create_database("d", RetentionPolicy("p", WEEK, DAY))
        now = time.time_ns()
        write(engine, f"m,h=a v=1 {now}")
        drop = engine._deleter.drop_shard

        def late(id: int, *, expired_at: int | None = None) -> bool:
            shorten(engine, 0)
            return drop(id, expired_at=expired_at)

        monkeypatch.setattr(engine._deleter, "drop_shard", late)
        assert engine.drop_expired(now + 2 * WEEK) == []
        assert contents(engine) == {("a", now): {"v": 1.0}}


def test_a_crash_at_any_moment_leaves_a_shard_whole_or_takes_it_whole(tmp_path: Path) -> None:
    copies: list[Path] = []

    class Copying(Files):
        armed = False

        def before(self, operation: str, path: Path) -> None:
            if self.armed and operation in ("write", "fsync", "rename", "remove", "open"):
                copies.append(tmp_path / f"copy{len(copies)}")
                shutil.copytree(tmp_path / "store", copies[-1])

    files = Copying()
    with Engine.open(tmp_path / "store", StorageOptions(files=files)) as engine:
        engine.create_database("d", RetentionPolicy("p", WEEK, DAY))
        now = time.time_ns()
        days = [now - 3 * DAY, now - 2 * DAY, now]
        write(engine, "\n".join(f"m,h=h{number} v=1 {day}" for number, day in enumerate(days)))
        engine.flush()
        write(engine, f"m,h=h9 v=1 {days[0]}")
        everything = contents(engine)
        files.armed = True
        dropped = engine.drop_expired(days[1] + WEEK + DAY + 1)
        engine.flush()
        files.armed = False
        left = contents(engine)
    assert len(dropped) == 2
    assert len(left) == 1
    assert len(copies) > 5
    middle = {key: row for key, row in everything.items() if key[1] != days[0]}
    found = []
    for copy in copies:
        for _ in range(2):
            with Engine.open(copy) as engine:
                found.append(contents(engine))
                assert found[-1] in (everything, middle, left), copy
                assert engine.damage == []
                assert engine.measurements("d") == ["m"]
                assert len(engine.series_keys("d", "m")) == len({key for key, _ in found[-1]})
        with Engine.open(copy) as engine:
            engine.drop_expired(days[1] + WEEK + DAY + 1)
            assert contents(engine) == left
    assert left in found


def test_what_cannot_be_dropped_is_told_and_dropped_the_next_time(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d", RetentionPolicy("p", WEEK, DAY))
        now = time.time_ns()
        write(engine, f"m,h=a v=1 {now}\nm,h=b v=1 {now - 2 * DAY}")
        engine._deleter._catalog._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(StorageError, match=r"catalog\.sqlite"):
            engine.drop_expired(now + 2 * WEEK)
        assert len(contents(engine)) == 2
        engine._deleter._catalog._connection.execute("PRAGMA query_only = OFF")
        assert engine.drop_expired(now + 2 * WEEK) == [1, 2]


def test_writers_and_readers_go_on_while_shards_are_dropped() -> None:
    with influxish.open(retention_seconds=0.001) as db:
        db.engine.create_database("d", RetentionPolicy("p", 4 * HOUR, HOUR))
        stop, problems = threading.Event(), list[BaseException]()

        def again(action: Callable[[], object]) -> Callable[[], None]:
            def work() -> None:
                try:
                    while not stop.is_set():
                        action()
                except BaseException as error:
                    problems.append(error)

            return work

        def drop() -> None:
            db.drop_expired(time.time_ns() + 100 * HOUR)

        def add() -> None:
            db.write([f"m,h=h{hour} v=1 {time.time_ns() - hour * HOUR}" for hour in range(4)], database="d")

        def ask() -> None:
            for row in db.query("SELECT count(v) FROM m GROUP BY h", database="d").rows:
                assert row["count"] > 0

        threads = [threading.Thread(target=again(action)) for action in (drop, add, add, ask)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        stop.set()
        for thread in threads:
            thread.join()
        assert not problems
        db.drop_expired(time.time_ns() + 100 * HOUR)
        assert db.measurements("d") == []


def test_a_thread_drops_what_is_expired_when_the_setting_asks_for_it(tmp_path: Path) -> None:
    with influxish.open(tmp_path, retention_seconds=0.01) as db:
        db.create_database("d")
        db.write("m v=1 1", database="d")
        db.query('ALTER RETENTION POLICY "autogen" ON d DURATION 1h SHARD DURATION 1h')
        deadline = time.monotonic() + 20
        while db.measurements("d"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with influxish.open(tmp_path) as db:
        assert db.measurements("d") == []


def test_nothing_is_dropped_by_itself_in_a_library() -> None:
    with influxish.open() as db:
        db.create_database("d")
        db.write("m v=1 1", database="d")
        db.query('ALTER RETENTION POLICY "autogen" ON d DURATION 1h SHARD DURATION 1h')
        time.sleep(0.05)
        assert db.measurements("d") == ["m"]
        assert list(db.query("SELECT v FROM m", database="d")) == []
        assert db.drop_expired() == [1]
        assert db.measurements("d") == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE WHERE v > 1",
        "DELETE FROM m WHERE time < now()",
        "DROP SERIES WHERE v > 1",
        "SELECT * INTO copy FROM m",
        "SHOW SERIES",
        "SHOW SERIES EXACT CARDINALITY",
        "SHOW TAG VALUES WITH KEY = h",
        "SHOW FIELD KEYS",
        "SHOW SHARDS",
        "SHOW STATS",
        "DROP MEASUREMENT m",
    ],
)
def test_statements_answer_while_all_points_are_hidden(statement: str) -> None:
    with influxish.open() as db:
        db.create_database("d")
        db.write("m,h=a v=1 1", database="d")
        db.query('ALTER RETENTION POLICY "autogen" ON d DURATION 1h SHARD DURATION 1h')
        db.query(statement, database="d")
        assert list(db.query("SELECT v FROM m", database="d")) == []


def test_a_failure_of_the_thread_is_logged_and_does_not_end_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def failing(self: Engine, now: int) -> list[int]:
        calls.append(now)
        raise StorageError("the disk is gone")

    monkeypatch.setattr(Engine, "drop_expired", failing)
    with influxish.open(tmp_path, retention_seconds=0.005):
        deadline = time.monotonic() + 20
        while len(calls) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    assert any("retention: the disk is gone" in record.getMessage() for record in caplog.records)
