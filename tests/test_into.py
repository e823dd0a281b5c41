"""SELECT … INTO beyond what case files can tell: batches, what is durable, what stops it, what EXPLAIN leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import influxish
from influxish.compiler.select import compile_select
from influxish.database import Database
from influxish.errors import CompileError, InfluxishError, LimitExceeded, PartialWrite, QueryCancelled
from influxish.exec.context import CancelSwitch
from influxish.influxql import ast, parse
from influxish.into import POINTS_OF_A_WRITE
from influxish.plan.target import Write
from influxish.storage.points import PointBatch
from influxish.types import DAY
from tests.exec.test_every_stage_looks import CancelledAtLook

ROWS = 25_000


@pytest.fixture
def many(db: Database) -> Database:
    """25,000 points of two hosts."""
    hosts = np.array(["a", "b"], object)[np.arange(ROWS) % 2]
    db.engine.write("demo", "", PointBatch.from_columns("m", np.arange(ROWS), {"host": hosts}, {"v": np.arange(ROWS)}))
    return db


def count(db: Database, measurement: str) -> int:
    return sum(row["count"] for row in db.query(f"SELECT count(v) FROM {measurement}", database="demo").rows)


def test_all_points_are_written_however_many_batches_they_make(many: Database) -> None:
    answer = many.query("SELECT v INTO t FROM m GROUP BY *", database="demo")
    assert [(s.name, s.columns, list(s.rows)) for s in answer] == [("result", ("time", "written"), [(0, ROWS)])]
    original = many.query("SELECT v FROM m GROUP BY *", database="demo")
    copied = many.query("SELECT v FROM t GROUP BY *", database="demo")
    assert [(s.tags, list(s.rows)) for s in copied] == [(s.tags, list(s.rows)) for s in original]


def test_points_are_written_ten_thousand_at_a_time(many: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write = many.engine.write

    def noting(database: str, policy: str, points: PointBatch) -> None:
        sizes.append(points.rows)
        write(database, policy, points)

    monkeypatch.setattr(many.engine, "write", noting)
    many.query("SELECT v INTO t FROM m GROUP BY *", database="demo")
    assert sizes == [POINTS_OF_A_WRITE, POINTS_OF_A_WRITE, ROWS - 2 * POINTS_OF_A_WRITE]


def test_what_was_written_before_an_error_stays(many: Database) -> None:
    many.write(f't v="text" {7 * DAY + ROWS}', database="demo")  # a shard of its own, where the field is a text
    many.write(f"m,host=a v=1i {7 * DAY + ROWS + 1}", database="demo")
    with pytest.raises(PartialWrite, match=r'^partial write: field type conflict: input field "v" .* dropped=1$'):
        many.query("SELECT v INTO t FROM m", database="demo")
    assert count(many, "t") == ROWS  # numbers: they are preferred to the text


def test_the_points_are_durable_when_it_answers(tmp_path: Path) -> None:
    with influxish.open(tmp_path) as db:
        db.create_database("demo")
        db.write(["m,host=a v=1 1", "m,host=b v=2 2"], database="demo")
        db.query("SELECT v INTO t FROM m GROUP BY *", database="demo")
    with influxish.open(tmp_path) as db:
        assert [(s.tags, list(s.rows)) for s in db.query("SELECT v FROM t GROUP BY *", database="demo")] == [
            ({"host": "a"}, [(1, 1.0)]),
            ({"host": "b"}, [(2, 2.0)]),
        ]


def test_it_can_be_stopped_between_two_batches(many: Database) -> None:
    many.query("SELECT v INTO t FROM m", database="demo")  # what is looked up the first time is looked up once
    counter = CancelledAtLook(10**9)
    many.query("SELECT v INTO t0 FROM m", database="demo", cancel=counter)
    written = set()
    for number in range(1, counter.looks + 1):
        with pytest.raises(QueryCancelled):
            many.query(f"SELECT v INTO t{number} FROM m", database="demo", cancel=CancelledAtLook(number))
        written.add(count(many, f"t{number}"))
    assert written == {0, POINTS_OF_A_WRITE, 2 * POINTS_OF_A_WRITE, ROWS}  # all: stopped on the way to the answer


def test_it_can_be_stopped_at_any_look_while_writes_set_off_flushes(tmp_path: Path) -> None:
    with influxish.open(tmp_path, memtable_bytes=1, merge_segments=2, workers=1) as db:
        db.create_database("demo")
        values = {"v": np.arange(ROWS), "s": np.array(["text"], object)[np.zeros(ROWS, int)]}
        db.engine.write("demo", "", PointBatch.from_columns("m", np.arange(ROWS), {}, values))
        counter = CancelledAtLook(10**9)
        db.query("SELECT v, s INTO t FROM m", database="demo", cancel=counter)
        found = {0: ROWS}
        for number in range(1, counter.looks, 5):
            with pytest.raises(QueryCancelled):
                db.query(f"SELECT v, s INTO t{number} FROM m", database="demo", cancel=CancelledAtLook(number))
            found[number] = count(db, f"t{number}")
        assert set(found.values()) <= {0, POINTS_OF_A_WRITE, 2 * POINTS_OF_A_WRITE, ROWS}
        assert db.damage == []
    with influxish.open(tmp_path) as db:
        assert db.damage == []
        assert {number: count(db, f"t{number or ''}") for number in found} == found


def test_a_set_switch_keeps_it_from_writing(many: Database) -> None:
    switch = CancelSwitch()
    switch.cancel()
    with pytest.raises(QueryCancelled):
        many.query("SELECT v INTO t FROM m", database="demo", cancel=switch)
    assert count(many, "t") == 0


def test_statements_of_a_run_see_what_those_before_have_written(many: Database) -> None:
    text = "SELECT v INTO t FROM m; SELECT count(v) FROM t; SELECT v INTO norp.t FROM m; SELECT v INTO u FROM m"
    answers = many.run(text, database="demo")
    for _ in range(2):
        assert [[column.values[0] for column in chunk.values] for chunk in next(answers).chunks] == [[0, ROWS]]
    with pytest.raises(InfluxishError, match=r"^retention policy not found: norp$"):
        next(answers)
    assert count(many, "u") == 0


def test_it_writes_in_a_run_whether_its_answer_is_read_or_not(many: Database) -> None:
    for _ in many.run("SELECT v INTO t FROM m", database="demo"):
        pass
    assert count(many, "t") == ROWS


def asked(db: Database) -> str:
    return db.explain("SELECT v INTO t FROM m", database="demo").text()


def analyzed(db: Database) -> str:
    return db.explain("SELECT v INTO t FROM m", database="demo", analyze=True).text()


def by_statement(db: Database) -> str:
    return "\n".join(
        str(row["QUERY PLAN"]) for row in db.query("EXPLAIN ANALYZE SELECT v INTO t FROM m", database="demo").rows
    )


@pytest.mark.parametrize("explain", [asked, analyzed, by_statement])
def test_explain_shows_where_it_would_write_and_writes_nothing(
    many: Database, explain: Callable[[Database], str]
) -> None:
    text = explain(many)
    assert "write into demo.autogen.t" in text
    assert many.measurements("demo") == ["m"]


def test_explain_analyze_counts_what_it_would_write(many: Database) -> None:
    explanation = many.explain("SELECT v INTO t FROM m GROUP BY *", database="demo", analyze=True)
    assert isinstance(explanation.after.root, Write)
    assert explanation.profile is not None
    assert explanation.profile.of(explanation.after.root.source).rows == ROWS


def test_a_subquery_cannot_write(db: Database) -> None:
    (inner,) = parse("SELECT v INTO t FROM m")
    assert isinstance(inner, ast.Select)
    (outer,) = parse("SELECT v FROM (SELECT v FROM m)")
    assert isinstance(outer, ast.Select)
    nested = replace(outer, sources=(ast.SubQuery(inner),))
    with pytest.raises(CompileError, match="a subquery cannot write INTO a measurement"):
        compile_select(nested, now=0)


def test_a_measurement_is_copied_in_less_memory_than_it_takes() -> None:
    rows = 400_000
    with influxish.open(":memory:", max_query_memory=16 << 20, workers=1) as db:
        db.create_database("demo")
        values = {f"f{i}": np.arange(rows, dtype=np.float64) for i in range(8)}
        hosts = np.array(["a", "b", "c"], object)[np.arange(rows) % 3]
        db.engine.write("demo", "", PointBatch.from_columns("m", np.arange(rows), {"host": hosts}, values))
        with pytest.raises(LimitExceeded, match="max_query_memory"):
            db.query("SELECT * FROM m GROUP BY *", database="demo")
        (answer,) = db.query("SELECT * INTO copy FROM m GROUP BY *", database="demo").rows
        assert answer["written"] == rows
        sums = "SELECT sum(f0), sum(f7), count(f3) FROM {} GROUP BY *"
        copied, original = (db.query(sums.format(name), database="demo") for name in ("copy", "m"))
        assert [(s.tags, list(s.rows)) for s in copied] == [(s.tags, list(s.rows)) for s in original]
