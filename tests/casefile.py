"""Case files: data, statements and the rows they must answer, as text (tests/cases/*.iql).

A `write` block starts a fresh database with the points in it; their times are seconds after 2020-01-01T00:00:00Z, or
UTC nanoseconds with `ns` behind. A statement stands after `>`, with options in brackets: (epoch=s), (db=name),
(params={…}), (now=…). Its answer follows: one line a series, `error: …`, or `(no series)`. A point after `+` is written
where it stands; its answer is `written`, or `error: …`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from influxish.database import Database
from influxish.emit.times import time_texts
from influxish.errors import InfluxishError
from influxish.result import python_values
from influxish.types import DataType

ORIGIN = 1577836800
_OPTIONS = re.compile(r"   \(([a-z]+=.*)\)$")
_SERIES = re.compile(r"^(?P<name>\S*?) ?(?:\{(?P<tags>.*)\} )?\((?P<columns>.*?)\): (?P<rows>.*)$")


@dataclass
class Case:
    """One statement and its expected answer."""

    line: int
    text: str
    options: dict[str, str]
    expected: list[str] = field(default_factory=list)


@dataclass
class Section:
    """Points, and the statements that are asked of them."""

    points: list[str]
    cases: list[Case] = field(default_factory=list)


def read_sections(path: Path) -> list[Section]:
    """The sections of a case file."""
    sections: list[Section] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        if line == "write":
            sections.append(Section([]))
        elif line.startswith("> "):
            found = _OPTIONS.search(line)
            text = line[2 : found.start()] if found else line[2:]
            options = dict([found.group(1).split("=", 1)]) if found else {}
            sections[-1].cases.append(Case(number, text, options))
        elif line.startswith("+ "):
            sections[-1].cases.append(Case(number, _absolute(line[2:]), {"write": ""}))
        elif sections[-1].cases:
            sections[-1].cases[-1].expected.append(line.strip())
        else:
            sections[-1].points.append(_absolute(line.strip()))
    return sections


def _absolute(point: str) -> str:
    head, _, stamp = point.rpartition(" ")
    return f"{head} {stamp[:-2]}" if stamp.endswith("ns") else f"{head} {(ORIGIN + int(stamp)) * 10**9}"


def answer(db: Database, case: Case, disable: tuple[str, ...] = ()) -> list[str]:
    """What the database answers, in the words of a case file."""
    if "write" in case.options:
        return [_written(db, case.text)]
    params = json.loads(case.options.get("params", "{}"))
    try:
        result = db.query(case.text, database=case.options.get("db", "demo"), params=params, disable=disable)
    except InfluxishError as error:
        return [f"error: {getattr(error, 'message', str(error))}"]
    texts = time_texts(case.options.get("epoch", ""), result.statement.zone)
    lines = []
    for series in result:
        columns: list[list[Any]] = []
        for column in series.values:
            columns.append(texts(column.values) if column.type is DataType.TIME else python_values(column))
        if case.options.get("epoch"):
            columns[0] = [int(text) for text in columns[0]]
        tags = ", ".join(f"{key}={json.dumps(value)}" for key, value in series.tags.items())
        heading = f"{series.name}{f' {{{tags}}}' if tags else ''} ({', '.join(series.columns)})"
        rows = ", ".join(json.dumps(list(row), separators=(",", ":")) for row in zip(*columns, strict=True))
        lines.append(f"{heading}: {rows}".strip())
    return lines or ["(no series)"]


def _written(db: Database, point: str) -> str:
    try:
        db.write(point, database="demo")
    except InfluxishError as error:
        return f"error: {str(error).splitlines()[-1].removeprefix('line 1: ')}"
    return "written"


def agree(expected: list[str], found: list[str]) -> bool:
    """Whether two answers are the same: numbers by value (1 is 1.0; floats to 1e-9), everything else as text."""
    return len(expected) == len(found) and all(_same(a, b) for a, b in zip(expected, found, strict=True))


def _same(expected: str, found: str) -> bool:
    a, b = _SERIES.match(expected), _SERIES.match(found)
    if a is None or b is None:
        return expected == found
    if a.group("name", "tags", "columns") != b.group("name", "tags", "columns"):
        return False
    left, right = json.loads(f"[{a['rows']}]"), json.loads(f"[{b['rows']}]")
    return len(left) == len(right) and all(_same_row(x, y) for x, y in zip(left, right, strict=True))


def _same_row(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(_same_value(a, b) for a, b in zip(left, right, strict=True))


def _same_value(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return type(a) is type(b) and a == b
    return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def all_cases(folder: Path) -> Iterator[tuple[Path, list[Section]]]:
    """Every case file, in order of name."""
    for path in sorted(folder.glob("*.iql")):
        yield path, read_sections(path)
