"""Random statements of every kind: each is answered or refused with an error of ours, the same with rules and without.

The grammar draws what a person might type, sense or none; what the answers must be, other tests say.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

import influxish
from influxish.errors import InfluxishError, LimitExceeded
from influxish.result import python_values
from tests.property.test_random_queries import same_cell

STATEMENTS, SECONDS = 60, 5
"""Statements that one seed draws, and how long one may take."""

LINES = "\n".join(
    f'{name},{tags} v={n * 0.5},i={n * n - 7}i,u={n}u,s="{"pq"[n % 2]}",b={n % 3 == 0} {moment}'
    for name in ("m", "n")
    for tags in ("h=a,r=x", "h=b")
    for n, moment in enumerate(range(1_577_836_800, 1_580_000_000, 400_000))
)

NUMBERS = ["v", "i", "u", "v", "i", "u", "v::float", "i::float", "v::integer", "u::integer", "i::integer", '"v"']
NAMES = [
    *NUMBERS,
    "s",
    "b",
    "h",
    "r",
    "time",
    "nosuch",
    "m.v",
    "s::string",
    "b::boolean",
    "h::tag",
    "v::tag",
    "s::float",
]
WILD = ["*", "*::field", "*::tag", "/v|i/", "/./", "/^$/"]
LITERALS = ["0", "1", "-1", "2", "2.5", "1e3", "9223372036854775807", "9223372036854775808", "18446744073709551615"]
LITERALS += ["'x'", "''", "true", "1h", "'2020-01-01'", "'2020-01-10T00:00:00Z'", "$p", "now()", "1577900000s"]
REDUCING = ["count", "sum", "mean", "spread", "stddev", "median", "mode", "min", "max", "first", "last"]
ODD_CALLS = ["distinct", "percentile", "top", "derivative", "moving_average", "integral", "holt_winters", "nosuch"]
MATHS = ["abs", "sqrt", "round", "ln", "floor", "cos", "exp", "pow", "log", "atan2"]
MOMENTS = [
    "'2020-01-01'",
    "'2020-01-03'",
    "1577836800s + 3d",
    "'2020-01-20T12:00:00.5Z'",
    "1577900000000000000",
    "1578000000s",
    "'nonsense'",
    "1.5",
    "v",
]
FILLS = ["null", "none", "previous", "linear", "0", "-2.5", "7", "-1", "99999999999999999999.5", "'x'"]
SOURCES = ["m", "m", "n", "m, n", "/./", "/^[mn]$/", "d..m", "d.autogen.n", '"m"', "nosuch", "nodb..m", "m, nosuch"]
DIMENSIONS = ["h", "r", "h", "r", "*", "/h|r/", "nosuch", "time(1d)", "time(3d, 7h)", "time(1w)", "time(0s)", "v"]
SHOWN = ["DATABASES", "MEASUREMENTS", "MEASUREMENTS WITH MEASUREMENT =~ /m/", "FIELD KEYS", "TAG KEYS", "TAG VALUES"]
SHOWN += ["SERIES", "SERIES CARDINALITY", "SERIES EXACT CARDINALITY", "MEASUREMENT CARDINALITY", "RETENTION POLICIES"]
SHOWN += [
    "MEASUREMENTS",
    "TAG KEYS",
    "TAG VALUES",
    "FIELD KEYS",
    "SERIES",
    "TAG VALUES CARDINALITY",
    "SHARDS",
    "QUERIES",
]
KEYS = ["WITH KEY = h", "WITH KEY IN (h, r, nosuch)", "WITH KEY =~ /./", "WITH KEY != h", "WITH KEY !~ /r/", ""]
MANAGING = ["CREATE DATABASE e", "DROP DATABASE e", "DROP MEASUREMENT nosuch", "DELETE FROM nosuch WHERE time < 1", ";"]
MANAGING += [
    "CREATE RETENTION POLICY x ON e DURATION 1w REPLICATION 1",
    "DROP RETENTION POLICY x ON e",
    "KILL QUERY 1",
    "",
]
MANAGING += ["CREATE USER u WITH PASSWORD 'p'", "GRANT ALL TO u", "DROP SERIES FROM nosuch", "REVOKE ALL FROM u"]
"""What changes nothing that is asked for: of other databases, or refused."""


class Writer:
    """Draws the text of statements. `depth` is how much may still stand inside of what is drawn."""

    def __init__(self, random: Random) -> None:
        self._random, self._any, self._chance = random, random.choice, random.random

    def statement(self) -> str:
        kinds = (self.select, self._explain, self._show, lambda: self._any(MANAGING))
        text = self._random.choices(kinds, (14, 1, 5, 1))[0]()
        if self._chance() < 0.05:  # a word is lost, or comes twice
            words = text.split(" ")
            place = self._random.randrange(len(words))
            words[place : place + 1] = [words[place]] * self._any([0, 2])
            text = " ".join(words)
        return text

    def select(self, depth: int = 2) -> str:
        column = self._any([self._rows, self._calls, self._calls, self.expression])
        columns = [column(depth) + self._any(["", "", "", " AS x", ' AS "v"', " AS time"]) for _ in range(self._few())]
        text = f"SELECT {', '.join(columns)} FROM {self._source(depth)}"
        text += f" WHERE {self._condition(2)}" if self._chance() < 0.4 else ""
        if self._chance() < 0.4:
            text += f" GROUP BY {', '.join(self._any(DIMENSIONS) for _ in range(self._few()))}"
        text += f" fill({self._any(FILLS)})" if self._chance() < 0.15 else ""
        text += (
            self._any([" ORDER BY time DESC"] * 4 + [" ORDER BY time", " ORDER BY v"]) if self._chance() < 0.2 else ""
        )
        for word in ("LIMIT", "OFFSET", "SLIMIT", "SOFFSET"):
            text += f" {word} {self._any([0, 1, 2, 5])}" if self._chance() < 0.1 else ""
        return text + (f" tz('{self._any(['Europe/Berlin', 'UTC', 'nosuch'])}')" if self._chance() < 0.05 else "")

    def _few(self) -> int:
        return self._any([1, 1, 1, 2, 3])

    def _rows(self, depth: int) -> str:
        """What makes sense beside columns of raw rows."""
        return (
            self._any([*NUMBERS, *NAMES, *WILD]) if self._chance() < 0.4 else self._maths(depth, self._rows_of_numbers)
        )

    def _rows_of_numbers(self, depth: int) -> str:
        return (
            self._any([*NUMBERS, *NUMBERS, "*", "2", "2.5"]) if depth < 1 else self._maths(depth, self._rows_of_numbers)
        )

    def _calls(self, depth: int) -> str:
        """What makes sense beside calls that reduce."""
        return self._call(0) if depth < 1 or self._chance() < 0.6 else self._maths(depth, self._calls)

    def _maths(self, depth: int, leaf: Callable[[int], str]) -> str:
        match self._random.randrange(5):
            case 0:
                return f"{self._any(MATHS[:-3])}({leaf(depth - 1)})"
            case 1:
                return f"{self._any(MATHS[-3:])}({', '.join(self._random.sample([leaf(depth - 1), '2'], 2))})"
            case 2:
                return f"({leaf(depth - 1)})"
            case 3:
                return f"-{leaf(depth - 1)}"
        return f"{leaf(depth - 1)} {self._any('+-*/%&|^')} {leaf(depth - 1)}"

    def _call(self, depth: int) -> str:
        match self._random.randrange(8):
            case 0 | 1 | 2:
                return f"{self._any(REDUCING)}({self._any([*NUMBERS, *NUMBERS, *NAMES, *WILD])})"
            case 3:
                inner = ["", "DISTINCT v", "distinct(i)", "v, 2", self.expression(depth)]
                return f"{self._any(REDUCING)}({self._any(inner)})"
            case 4:
                keys = "".join(f", {self._any(['h', 'r', *NAMES])}" for _ in range(self._any([0, 0, 1, 2])))
                number = self._any(["1", "3", "1000000000", *LITERALS])
                return f"{self._any(['top', 'bottom'])}({self._any([*NUMBERS, *NAMES, *WILD])}{keys}, {number})"
            case 5:
                last = self._any(["", ", 50", ", 3", ", 1h", f", {self.expression(0)}"])
                return f"{self._any(ODD_CALLS)}({self.expression(depth)}{last})"
        return f"{self._any(REDUCING)}({self._any(NUMBERS)})"

    def expression(self, depth: int) -> str:
        """Anything, whether it makes sense or not."""
        if depth < 1 or self._chance() < 0.3:
            return self._any(self._any([NAMES, NAMES, WILD, LITERALS]))
        return self._call(depth - 1) if self._chance() < 0.5 else self._maths(depth, self.expression)

    def _source(self, depth: int) -> str:
        if depth > 0 and self._chance() < 0.25:
            return f"({self.select(depth - 1)})" + self._any(["", "", ", m"])
        return self._any(["m", "m", "m", *SOURCES])

    def _condition(self, depth: int) -> str:
        compare = self._any(["=", "!=", "<>", "<", "<=", ">", ">="])
        match self._random.randrange(8 if depth else 6):
            case 0 | 1:
                moment = self._any(MOMENTS)
                compare = self._any(["<", "<=", ">", ">=", ">=", compare])
                return f"time {compare} {moment}" if self._chance() < 0.8 else f"{moment} {compare} time"
            case 2:
                pattern = self._any(["/a/", "/^$/", "/p|q/", "/[^b]/", "/./", "/(/"])
                return f"{self._any(NAMES)} {self._any(['=~', '!~'])} {pattern}"
            case 3:
                return f"{self._any(['h', 'r', 's', 'nosuch', 'h::tag', 'v'])} {compare} {self._any(LITERALS)}"
            case 4 | 5:
                return f"{self._any([self._rows_of_numbers, self.expression])(2)} {compare} {self.expression(0)}"
        return f"({self._condition(depth - 1)} {self._any(['AND', 'OR'])} {self._condition(depth - 1)})"

    def _show(self) -> str:
        text = f"SHOW {self._any(SHOWN)}{self._any(['', '', '', ' ON d', ' ON nodb'])}"
        text += f" FROM {self._source(0)}" if self._chance() < 0.4 else ""
        text += f" {self._any(KEYS)}" if "VALUES" in text else ""
        text += f" WHERE {self._condition(2)}" if self._chance() < 0.5 else ""
        return text + (f" LIMIT {self._any([0, 1, 2])} OFFSET {self._any([0, 1, 9])}" if self._chance() < 0.2 else "")

    def _explain(self) -> str:
        return f"EXPLAIN {self._any(['', 'ANALYZE '])}{self.select()}"


@pytest.fixture(scope="module")
def db() -> Iterator[influxish.Database]:
    with influxish.open(workers=2, max_query_seconds=SECONDS, max_buckets=5_000) as db:
        db.create_database("d")
        db.write(LINES, database="d", precision="s")
        yield db


Answer = list[tuple[str, dict[str, str], tuple[str, ...], list[Any]]] | str


def answer(db: influxish.Database, text: str, disable: tuple[str, ...]) -> Answer:
    """The series of all statements, or the message of the error. Of a limit only its name: the rest may vary."""
    try:
        results = [
            (
                chunk.name,
                dict(chunk.tags or {}),
                chunk.columns,
                list(zip(*map(python_values, chunk.values), strict=True)),
            )
            for result in db.run(text, database="d", params={"p": 1}, disable=disable)
            for chunk in result.chunks
        ]
    except LimitExceeded as error:
        return error.limit
    except InfluxishError as error:
        return str(error)
    return results


def same_answer(one: Answer, other: Answer) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if [(*series[:3], len(series[3])) for series in one] != [(*series[:3], len(series[3])) for series in other]:
        return False
    rows = (pair for a, b in zip(one, other, strict=True) for pair in zip(a[3], b[3], strict=True))
    return all(all(map(same_cell, *pair)) for pair in rows)


def wrong_with(db: influxish.Database, text: str) -> tuple[str, bool]:
    """What is wrong with the answer to a statement, "" if nothing; and whether there were rows."""
    started = time.monotonic()
    try:
        found, plain = answer(db, text, ()), answer(db, text, ("all",))
    except Exception as error:
        *_, place = traceback.extract_tb(error.__traceback__)
        return f"{type(error).__name__} in {place.name}, {place.filename}:{place.lineno}: {error}", False
    if found == "max_query_seconds" or time.monotonic() - started > 2 * SECONDS:
        return "it takes too long", False
    if COMPARED.match(text) and not same_answer(found, plain):
        return f"with rules    {found!s:.2000}\nwithout rules {plain!s:.2000}", False
    return "", not isinstance(found, str) and any(series[3] for series in found)


COMPARED = re.compile(r"SELECT|SHOW (?!SHARDS|QUERIES)")
"""The others answer differently every time, or change what there is."""


def check(db: influxish.Database, seed: int) -> None:
    writer, with_rows, wrong = Writer(Random(seed)), 0, []
    for _ in range(STATEMENTS):
        text = writer.statement()
        problem, has_rows = wrong_with(db, text)
        with_rows += has_rows
        if problem:
            wrong.append(f"{text}\n{problem}")
    assert not wrong, "\n\n".join(wrong)
    assert with_rows, "no statement was answered with rows"


@pytest.mark.parametrize("seed", range(10))
def test_every_statement_is_answered_or_refused(db: influxish.Database, seed: int) -> None:
    check(db, seed)


@pytest.mark.parametrize("text", ["SELECT abs(*) FROM m", "SELECT (*) FROM m", "SELECT pow(2, *) FROM m"])
def test_mathematics_on_wildcards_is_answered_or_refused(db: influxish.Database, text: str) -> None:
    assert wrong_with(db, text)[0] == ""


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3000, 3200))
def test_every_statement_is_answered_or_refused_at_length(db: influxish.Database, seed: int) -> None:
    check(db, seed)
