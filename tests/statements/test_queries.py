"""SHOW QUERIES tells what runs, from its first stage to its last row; KILL QUERY stops it."""

from __future__ import annotations

import pytest

from influxish.database import Database
from influxish.errors import ExecutionError, NotFound, QueryCancelled

LINES = [f"m,h={number % 3} v={number} {number}" for number in range(40_000)]


def shown(db: Database) -> list[dict[str, object]]:
    return list(db.query("show   queries", database="demo").rows)


def test_a_query_that_asks_is_told_itself(db: Database) -> None:
    (first,) = shown(db)
    assert list(first) == ["qid", "query", "database", "duration", "status"]
    assert (first["query"], first["database"], first["status"]) == ("SHOW QUERIES", "demo", "running")
    assert str(first["duration"]).endswith(("µs", "ms"))
    (second,) = db.query("SHOW QUERIES").rows
    assert (second["qid"], second["database"]) == (first["qid"] + 1, "")


def test_the_statements_of_a_text_are_one_query(db: Database) -> None:
    for answer in db.run("SHOW QUERIES; show queries", database="demo"):
        (chunk,) = answer.chunks
        assert chunk.values[1].values.tolist() == ["SHOW QUERIES;\nSHOW QUERIES"]
    assert len(shown(db)) == 1


def test_a_stream_is_told_until_its_last_row_is_read(db: Database) -> None:
    db.write(LINES, database="demo")
    stream = db.run("SELECT v FROM m", database="demo", chunk_rows=100)
    next(iter(next(stream).chunks))
    assert [row["query"] for row in shown(db)] == ["SELECT v FROM m", "SHOW QUERIES"]
    stream.close()
    assert [row["query"] for row in shown(db)] == ["SHOW QUERIES"]


def test_a_query_that_fails_is_told_no_more(db: Database) -> None:
    with pytest.raises(NotFound):
        db.query("SELECT v FROM nodb..m")
    assert len(shown(db)) == 1


def test_a_killed_query_is_interrupted_and_no_other_one(db: Database) -> None:
    db.write(LINES, database="demo")
    streams = [db.run("SELECT v FROM m; SELECT v FROM m", database="demo", chunk_rows=100) for _ in range(2)]
    chunks = [iter(next(stream).chunks) for stream in streams]
    for chunk in chunks:
        next(chunk)
    killed, spared, _ = (row["qid"] for row in shown(db))
    assert list(db.query(f"KILL QUERY {killed}")) == []
    assert [row["status"] for row in shown(db)] == ["killed", "running", "running"]
    with pytest.raises(ExecutionError, match="already killed"):
        db.query(f"KILL QUERY {killed}")
    with pytest.raises(QueryCancelled, match="query interrupted"):
        list(chunks[0])
    with pytest.raises(QueryCancelled, match="query interrupted"):
        next(streams[0])
    assert sum(chunk.rows for chunk in chunks[1]) == len(LINES) - 100
    assert len(list(streams[1])) == 1
    with pytest.raises(NotFound, match=f"no such query id: {spared}"):
        db.query(f"KILL QUERY {spared}")
