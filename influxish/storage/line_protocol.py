"""InfluxDB's line protocol to columnar points, in bulk.

Lines of one form (the same fields with the same types) match one regular expression, made from the first of them by
the careful parser; their values are converted column by column. Whatever does not match takes the careful way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Column, object_array
from influxish.storage.line_syntax import (
    FALSE_WORDS,
    OUT_OF_RANGE,
    TRUE_WORDS,
    UNBALANCED,
    BadLine,
    ParsedLine,
    parse_key,
    parse_line,
    shortened,
)
from influxish.storage.line_tables import Gathered, Part
from influxish.storage.points import PointBatch
from influxish.types import (
    MAX_TIME,
    MIN_TIME,
    Array,
    DataType,
    Times,
    precision_unit,
)

_FORMS_PER_MEASUREMENT = 8
_JOINED_CHARACTERS = 1 << 20

_VALUE_PATTERNS = {
    DataType.FLOAT: r"(-?[0-9.][0-9.eE+-]*)",
    DataType.INTEGER: r"(-?[0-9]{1,18})i",  # so many digits always fit; longer ones go the careful way
    DataType.UNSIGNED: r"([0-9]{1,18})u",
    DataType.STRING: r'"([^"\\\n]*)"',
    DataType.BOOLEAN: f"({'|'.join((*TRUE_WORDS, *FALSE_WORDS))})",
}
_NAME = re.compile(r"[^, ]*")

Signature = tuple[tuple[str, DataType], ...]
"""Names and types of the fields of a line, in its order."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no point: its number from 1, its text (cut when long), and the server's error text."""

    line: int
    text: str
    reason: str


def parse_lines(
    data: bytes, precision: str = "ns", default_time: int | None = None
) -> tuple[PointBatch, list[Rejected]]:
    """The points of a text, and the lines that are none.

    Args:
        data: UTF-8; lines end with \\n or \\r\\n; blank lines and those that begin with # are skipped.
        precision: unit of the times: ns (n), us (u, µ), ms, s, m or h.
        default_time: ns, for lines without a time; None is now.
    Raises:
        WriteError: the precision is unknown.
    """
    parser = _Parser(precision_unit(precision), time.time_ns() if default_time is None else default_time)
    parser.parse(_decoded(data, parser.rejected))
    return parser.batch(), sorted(parser.rejected, key=lambda item: item.line)


def _decoded(data: bytes, rejected: list[Rejected]) -> str:
    """The text; lines that are not UTF-8 are rejected and left empty."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        lines = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                lines[number - 1] = b""
                rejected.append(_rejection(number, line.decode(errors="replace"), "invalid UTF-8"))
        text = b"\n".join(lines).decode()
    return text.replace("\r\n", "\n") if "\r" in text else text


def _rejection(number: int, line: str, reason: str) -> Rejected:
    excerpt = shortened(line)
    return Rejected(number, excerpt, f"unable to parse '{excerpt}': {reason}")


class _Form:
    """Lines with the same fields in the same order: their regular expression, and what it found."""

    def __init__(self, signature: Signature, timed: bool) -> None:
        self.signature, self.timed = signature, timed
        fields = ",".join(f"{re.escape(name)}={_VALUE_PATTERNS[type_]}" for name, type_ in signature)
        self.pattern = re.compile(
            rf"^([^#\s\\,][^ \\\n]*) {fields}{' (-?[0-9]{1,19})' if timed else ''}$", re.MULTILINE
        )
        self.numbers: list[int] = []
        self.found: list[tuple[str, ...]] = []


class _Parser:
    def __init__(self, unit: int, default_time: int) -> None:
        self.rejected: list[Rejected] = []
        self._unit, self._default_time = unit, default_time
        self._least, self._greatest = -(-MIN_TIME // unit), MAX_TIME // unit
        self._gathered = Gathered()
        self._forms: dict[str, list[_Form]] = {}
        self._odd: dict[tuple[str, Signature], list[tuple[int, int, int, list[object]]]] = {}
        self._lines: list[str] = []

    def parse(self, text: str) -> None:
        self._lines = text.split("\n")
        if not self._uniform(text):
            self._each()
        for form in [form for forms in self._forms.values() for form in forms]:
            self._convert(form)

    def batch(self) -> PointBatch:
        """All points; those of a measurement in the order of their lines."""
        for (measurement, signature), rows in self._odd.items():
            lines, series, times, values = zip(*rows, strict=True)
            columns = {
                name: Column(type_, _typed(type_, column))
                for (name, type_), column in zip(signature, zip(*values, strict=True), strict=True)
            }
            arrays = (np.array(lines, np.int64), np.array(series, np.int64), np.array(times, np.int64))
            self._gathered.measurement(measurement).parts.append(Part(*arrays, columns))
        return self._gathered.batch()

    def _uniform(self, text: str) -> bool:
        """Read all lines at once if they have the form of the first."""
        first = self._lines[0]
        form = self._form_of(first, "") if first and not first.startswith("#") else None
        if form is None:
            return False
        found = form.pattern.findall(text)
        if len(found) != len(self._lines) - (not self._lines[-1]):
            return False
        form.found, form.numbers = found, list(range(1, len(found) + 1))
        return True

    def _each(self) -> None:
        """Line by line: try the form of the line before, then those known for the measurement, then look closely."""
        form: _Form | None = None
        lines, number = self._lines, 0
        while number < len(lines):
            line = lines[number]
            number += 1
            match = form.pattern.fullmatch(line) if form is not None else None
            if match is None or form is None:
                if not line.strip() or line.lstrip(" \t\0").startswith("#"):
                    continue
                form, match = self._known_form(line)
                if form is None or match is None:
                    number += self._careful(number)
                    continue
            form.found.append(match.groups())
            form.numbers.append(number)

    def _known_form(self, line: str) -> tuple[_Form | None, re.Match[str] | None]:
        name = _NAME.match(line)
        measurement = name.group() if name else ""
        forms = self._forms.get(measurement, [])
        for form in forms:
            match = form.pattern.fullmatch(line)
            if match is not None:
                return form, match
        if len(forms) >= _FORMS_PER_MEASUREMENT:
            return None, None
        fresh = self._form_of(line, measurement)
        return fresh, fresh.pattern.fullmatch(line) if fresh is not None else None

    def _form_of(self, line: str, measurement: str) -> _Form | None:
        """A new form from a line; None if the line is bad or too odd to stand for others."""
        try:
            parsed = parse_line(line)
        except BadLine:
            return None
        form = _Form(_signature(parsed), parsed.time is not None)
        if form.pattern.fullmatch(line) is None:
            return None
        self._forms.setdefault(measurement, []).append(form)
        return form

    def _careful(self, number: int) -> int:
        """Read line `number` closely: how many lines after it belong to it, because a string goes on there."""
        line = self._lines[number - 1]
        try:
            self._add(number, parse_line(line))
            return 0
        except BadLine as error:
            if str(error) == UNBALANCED:
                for more, joined in self._continued(number):
                    try:
                        self._add(number, parse_line(joined))
                        return more
                    except BadLine as other:
                        if str(other) != UNBALANCED:
                            break
            self.rejected.append(_rejection(number, line, str(error)))
            return 0

    def _continued(self, number: int) -> list[tuple[int, str]]:
        """Line `number` with lines after it, up to each that has a quote; as many as a long string may take."""
        found: list[tuple[int, str]] = []
        joined = self._lines[number - 1]
        for more, line in enumerate(self._lines[number:], 1):
            joined += "\n" + line
            if len(joined) > _JOINED_CHARACTERS or len(found) > 100:
                break
            if '"' in line:
                found.append((more, joined))
        return found

    def _add(self, number: int, parsed: ParsedLine) -> None:
        instant = self._default_time if parsed.time is None else parsed.time * self._unit
        if not MIN_TIME <= instant <= MAX_TIME:
            raise BadLine(OUT_OF_RANGE)
        series = self._gathered.measurement(parsed.measurement).number(parsed.tags)
        values: list[object] = [value for _, value in parsed.fields.values()]
        rows = self._odd.setdefault((parsed.measurement, _signature(parsed)), [])
        rows.append((number, series, instant, values))

    def _convert(self, form: _Form) -> None:
        """Turn what a form has matched into parts; if anything is wrong with it, go through its lines closely."""
        if not form.found:
            return
        keys, *texts = zip(*form.found, strict=True)
        try:
            places = {key: parse_key(key) for key in dict.fromkeys(keys)}
            columns = {
                name: Column(type_, _from_text(type_, column))
                for (name, type_), column in zip(form.signature, texts, strict=False)
            }
            instants = self._times(texts[-1], len(keys)) if form.timed else np.full(len(keys), self._default_time)
        except (BadLine, ValueError, OverflowError):
            for number in form.numbers:
                self._careful(number)
            return
        names = {measurement: place for place, (measurement, _) in enumerate(places.values())}
        numbers = {key: self._gathered.measurement(name).number(tags) for key, (name, tags) in places.items()}
        lines = np.array(form.numbers, np.int64)
        series = np.fromiter(map(numbers.__getitem__, keys), np.int64, len(keys))
        if len(names) == 1:
            self._gathered.measurement(next(iter(names))).parts.append(Part(lines, series, instants, columns))
            return
        owners = {key: names[name] for key, (name, _) in places.items()}
        owner = np.fromiter(map(owners.__getitem__, keys), np.int64, len(keys))
        for name, place in names.items():
            mine = np.flatnonzero(owner == place)
            taken = {label: column.take(mine) for label, column in columns.items()}
            self._gathered.measurement(name).parts.append(Part(lines[mine], series[mine], instants[mine], taken))

    def _times(self, texts: Sequence[str], rows: int) -> Times:
        times = np.fromiter(map(int, texts), np.int64, rows)
        if int(times.min()) < self._least or int(times.max()) > self._greatest:
            raise OverflowError(OUT_OF_RANGE)
        return times * self._unit


def _signature(parsed: ParsedLine) -> Signature:
    return tuple((name, type_) for name, (type_, _) in parsed.fields.items())


def _from_text(type_: DataType, texts: Sequence[str]) -> Array:
    """(n,) values of texts that match the type's pattern.

    Raises:
        ValueError: one of them is no number after all, or none that is finite.
    """
    match type_:
        case DataType.FLOAT:
            values = np.fromiter(map(float, texts), np.float64, len(texts))
            if not np.isfinite(values).all():
                raise ValueError("not finite")
            return values
        case DataType.STRING:
            return object_array(texts)
        case DataType.BOOLEAN:
            return np.fromiter((text in TRUE_WORDS for text in texts), np.bool_, len(texts))
    return np.fromiter(map(int, texts), type_.dtype, len(texts))


def _typed(type_: DataType, values: Sequence[object]) -> Array:
    array = np.empty(len(values), type_.dtype)
    array[:] = values
    return array
