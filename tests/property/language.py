"""Queries as plain values that print themselves, and the points they are asked of: what the random tests draw.

Knows nothing of the engine's parser, plan or types, so that an error there cannot hide in the expectation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
FIELD_TYPES = {"v": float, "w": float, "i": int, "s": str, "b": bool}
TAG_KEYS = ("h", "r")

Value = float | int | str | bool


@dataclass(frozen=True)
class Point:
    """One point of measurement m. Tags sorted by key, without empty values."""

    tags: tuple[tuple[str, str], ...]
    time: int
    fields: tuple[tuple[str, Value], ...]

    def line(self) -> str:
        """The point in line protocol."""
        key = "".join(f",{name}={value}" for name, value in self.tags)
        return f"m{key} {','.join(f'{name}={_in_line(value)}' for name, value in self.fields)} {self.time}"


def _in_line(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    return f'"{value}"' if isinstance(value, str) else repr(value)


@dataclass(frozen=True)
class Literal:
    value: Value

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return f"'{self.value}'" if isinstance(self.value, str) else repr(self.value)


@dataclass(frozen=True)
class Reference:
    """A field, a tag, or a name that is neither."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Call:
    """A function of one field. `keys` and `numbers` are the further arguments, in this order."""

    function: str
    field: str
    numbers: tuple[float | int, ...] = ()
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.function == "count(distinct)":
            return f"count(distinct({self.field}))"
        return f"{self.function}({', '.join((self.field, *self.keys, *map(str, self.numbers)))})"


@dataclass(frozen=True)
class Binary:
    """Arithmetic: + - * / %."""

    operator: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"({self.left} {self.operator} {self.right})"


Expression = Literal | Reference | Call | Binary


@dataclass(frozen=True)
class Comparison:
    """= != < <= > >= between expressions."""

    operator: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class Match:
    """=~ or !~ of a field or tag and a pattern, which is written the same for Python and RE2."""

    name: str
    negated: bool
    pattern: str

    def __str__(self) -> str:
        return f"{self.name} {'!~' if self.negated else '=~'} /{self.pattern}/"


@dataclass(frozen=True)
class Junction:
    """AND or OR of two conditions."""

    operator: str
    left: Condition
    right: Condition

    def __str__(self) -> str:
        return f"({self.left} {self.operator} {self.right})"


Condition = Comparison | Match | Junction


@dataclass(frozen=True, kw_only=True)
class Query:
    """A SELECT from measurement m.

    Attributes:
        columns: raw columns, or calls and arithmetic over them, perhaps with plain columns beside one selector.
        start, stop: the half-open range of times in ns; None where WHERE does not say. `open_bounds` writes the start
            with > and the stop with <=.
        every, offset: GROUP BY time() in ns; 0 is none.
        dimensions: GROUP BY tags; ("*",) for all.
        fill: "null" (said or not), "none", "previous", "linear" or a number; `fill_said` tells whether it is written.
    """

    columns: tuple[Expression, ...]
    condition: Condition | None = None
    start: int | None = None
    stop: int | None = None
    open_bounds: bool = False
    every: int = 0
    offset: int = 0
    dimensions: tuple[str, ...] = ()
    fill: str | float = "null"
    fill_said: bool = False
    descending: bool = False
    limit: int = 0
    skip: int = 0
    series_limit: int = 0
    series_skip: int = 0

    @property
    def calls(self) -> tuple[Call, ...]:
        """The distinct calls, in order of appearance."""
        found: dict[Call, None] = {}
        for column in self.columns:
            for part in parts(column):
                if isinstance(part, Call):
                    found[part] = None
        return tuple(found)

    def __str__(self) -> str:
        return self.text("m", [f"c{place}" for place in range(len(self.columns))])

    def text(self, source: str, names: Sequence[str]) -> str:
        """The query of what stands in FROM as `source`, its columns called `names`."""
        columns = ", ".join(f"{column} AS {name}" for column, name in zip(self.columns, names, strict=True))
        where = [str(self.condition)] if self.condition is not None else []
        if self.start is not None:
            where.append(f"time > {_moment(self.start - 1)}" if self.open_bounds else f"time >= {_moment(self.start)}")
        if self.stop is not None:
            where.append(f"time <= {_moment(self.stop - 1)}" if self.open_bounds else f"time < {_moment(self.stop)}")
        groups = list(self.dimensions)
        if self.every:
            offset = f", {self.offset // SECOND}s" if self.offset else ""
            groups.append(f"time({self.every // SECOND}s{offset})")
        clauses = [f"SELECT {columns} FROM {source}"]
        clauses += [f"WHERE {' AND '.join(where)}"] if where else []
        clauses += [f"GROUP BY {', '.join(groups)}"] if groups else []
        clauses += [f"fill({self.fill})"] if self.fill_said else []
        clauses += ["ORDER BY time DESC"] if self.descending else []
        for word, number in (
            ("LIMIT", self.limit),
            ("OFFSET", self.skip),
            ("SLIMIT", self.series_limit),
            ("SOFFSET", self.series_skip),
        ):
            clauses += [f"{word} {number}"] if number else []
        return " ".join(clauses)


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression and all within it."""
    yield expression
    if isinstance(expression, Binary):
        yield from parts(expression.left)
        yield from parts(expression.right)


def _moment(nanoseconds: int) -> str:
    """A time literal: RFC 3339, as durations cannot be written below zero."""
    seconds, rest = divmod(nanoseconds, SECOND)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"'{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z'"
