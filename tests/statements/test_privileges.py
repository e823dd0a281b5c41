"""Which privileges a statement needs: as observed on a server that asks for them (InfluxDB 1.6.7, auth-enabled)."""

# ruff: noqa: E501  a table is read along the line

from __future__ import annotations

import pytest

from influxish import influxql
from influxish.statements.privileges import Requirement, refusal, required_privileges
from influxish.statements.registry import EXECUTORS
from influxish.storage.accounts import Privilege, User
from tests.influxql.cases import read_pairs

READ, WRITE = Privilege.READ, Privilege.WRITE


def needed(text: str) -> list[str]:
    """In words: `READ on db`; the database meant is "*"."""
    (statement,) = influxql.parse(text)
    found = required_privileges(statement)
    return ["admin" if each.admin else f"{each.privilege} on {each.database or '*'}" for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT v FROM m", ["READ on *"]),
        ("SELECT v FROM m, n, db..m, rp.m", ["READ on *", "READ on db"]),
        ("SELECT m FROM (SELECT max(v) AS m FROM db..m), (SELECT v AS m FROM (SELECT v FROM x))", ["READ on db", "READ on *"]),
        ("SELECT v INTO t FROM m", ["READ on *", "WRITE on *"]),
        ("SELECT v INTO db.rp.t FROM m", ["READ on *", "WRITE on db"]),
        ("SELECT v INTO db..:MEASUREMENT FROM /.*/", ["READ on *", "WRITE on db"]),
        ("EXPLAIN ANALYZE SELECT v FROM db..m", ["READ on db"]),
        ("SHOW DATABASES", []),
        ("SHOW DIAGNOSTICS", ["admin"]),
        ("SHOW FIELD KEYS", ["READ on *"]),
        ("SHOW SERIES ON db FROM m", ["READ on db"]),
        ("SHOW SERIES ON db FROM e..m", ["READ on db", "READ on e"]),
        ("SHOW RETENTION POLICIES ON db", ["READ on db"]),
        ("SHOW QUERIES", ["READ on *"]),
        ("SHOW CONTINUOUS QUERIES", ["READ on *"]),
        ("SHOW TAG VALUES EXACT CARDINALITY WITH KEY = h", ["READ on *"]),
        ("SHOW SHARDS", ["admin"]),
        ("CREATE DATABASE db", ["admin"]),
        ("DROP MEASUREMENT m", ["admin"]),
        ("DROP RETENTION POLICY rp ON db", ["WRITE on db"]),
        ("DROP CONTINUOUS QUERY cq ON db", ["WRITE on db"]),
        ("CREATE CONTINUOUS QUERY cq ON db BEGIN SELECT mean(v) INTO t FROM m GROUP BY time(1h) END", ["READ on db", "WRITE on db"]),
        ("DELETE FROM m", ["WRITE on *"]),
        ("DROP SERIES FROM m", ["WRITE on *"]),
        ("SET PASSWORD FOR jdoe = 'x'", ["admin"]),
        ("KILL QUERY 1", ["admin"]),
    ],
)  # fmt: skip
def test_a_statement_needs(text: str, expected: list[str]) -> None:
    assert needed(text) == expected


def test_of_every_statement_it_is_known_what_it_needs() -> None:
    asked = set()
    for text, _ in read_pairs("statements.txt"):
        (statement,) = influxql.parse(text)
        asked.add(type(statement))
        assert all(isinstance(each, Requirement) for each in required_privileges(statement))
    assert set(EXECUTORS) <= asked


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT v FROM m", ""),
        ("SHOW DATABASES", ""),
        ("SELECT v FROM m; DELETE FROM m", "statement 'DELETE FROM m', requires WRITE on demo"),
        ("select v from other..m", "statement 'SELECT v FROM other..m', requires READ on other"),
        ("SHOW USERS", "statement 'SHOW USERS', requires admin privilege"),
        (
            "CREATE USER x WITH PASSWORD 'secret'",
            "statement 'CREATE USER x WITH PASSWORD [REDACTED]', requires admin privilege",
        ),
    ],
)
def test_a_refusal_says_what_is_missing(text: str, told: str) -> None:
    statements = influxql.parse(text)
    expected = f"jdoe not authorized to execute {told}" if told else ""
    assert refusal(User("jdoe", False, "", {"demo": READ}), statements, "demo") == expected
    assert refusal(User("root", True, "", {}), statements, "demo") == ""
