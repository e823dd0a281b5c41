"""Statements that take data away, as far as a case file cannot say it: other databases, policies, shards, files."""

from __future__ import annotations

from pathlib import Path

import pytest

import influxish
from influxish.errors import InfluxishError, NotFound
from influxish.types import WEEK

BASE = "m,h=a v=1 1\nm,h=a v=2 2\nm,h=b v=3 1\nn,h=c w=4 2"


@pytest.fixture
def db() -> influxish.Database:
    database = influxish.open()
    database.create_database("demo")
    database.write(BASE, database="demo")
    return database


def keys(db: influxish.Database) -> list[str]:
    return [str(row["key"]) for row in db.query("SHOW SERIES", database="demo").rows]


@pytest.mark.parametrize("database", ["", "nope"])
@pytest.mark.parametrize(
    "text",
    ["DELETE FROM m", "DELETE WHERE time < 1", "DELETE FROM m WHERE v > 1", "DROP SERIES FROM m", "DROP MEASUREMENT m"],
)
def test_without_a_database_nothing_is_deleted(db: influxish.Database, text: str, database: str) -> None:
    with pytest.raises(NotFound, match=f"^database not found: {database}$"):
        db.query(text, database=database)
    assert len(keys(db)) == 3


def test_a_shard_is_dropped_whatever_database_is_meant(db: influxish.Database) -> None:
    db.write(f"m,h=a v=9 {WEEK}", database="demo")
    db.query("DROP SHARD 1", database="nope")
    assert keys(db) == ["m,h=a"]
    assert [row["v"] for row in db.query("SELECT v FROM m", database="demo").rows] == [9.0]
    db.query("DROP SHARD 18446744073709551615")


def test_an_order_of_texts_deletes_nothing(db: influxish.Database) -> None:
    for text in ("DELETE FROM m WHERE h > 'a'", "DROP SERIES WHERE h < 'z'", "DELETE FROM m WHERE _name = 'm'"):
        db.query(text, database="demo")
    assert len(keys(db)) == 3


def test_tags_that_are_missing_are_not_alike(db: influxish.Database) -> None:
    db.query("DELETE FROM m WHERE r = q", database="demo")
    assert len(keys(db)) == 3
    db.query("DELETE FROM m WHERE h = h", database="demo")
    assert keys(db) == ["n,h=c"]


def test_an_error_points_at_the_time_and_nothing_is_deleted(db: influxish.Database) -> None:
    with pytest.raises(InfluxishError, match=r"DROP SERIES doesn't support time in WHERE clause") as caught:
        db.query("DROP SERIES FROM m WHERE h = 'a' AND time > 1", database="demo")
    assert "^^^^" in str(caught.value)
    assert len(keys(db)) == 3


def test_a_deletion_is_seen_by_queries_that_begin_after_it(db: influxish.Database) -> None:
    before = db.run("SELECT v FROM m", database="demo", chunk_rows=1)
    chunks = iter(next(before).chunks)
    first = next(chunks)
    db.query("DELETE FROM m", database="demo")
    assert len(first.values[0]) + sum(len(chunk.values[0]) for chunk in chunks) == 3
    assert not list(db.query("SELECT v FROM m", database="demo").rows)


def test_what_is_deleted_stays_so(tmp_path: Path) -> None:
    with influxish.open(tmp_path) as db:
        db.create_database("demo")
        db.write(BASE, database="demo")
    for text, left in (("DELETE WHERE time = 1", ["m,h=a", "n,h=c"]), ("DROP MEASUREMENT m", ["n,h=c"])):
        with influxish.open(tmp_path) as db:
            db.query(text, database="demo")
            assert keys(db) == left
        with influxish.open(tmp_path) as db:
            assert keys(db) == left
            assert db.damage == []
