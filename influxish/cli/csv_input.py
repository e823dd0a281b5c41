"""CSV files → columns to write: which column is the time, which are tags, what type each field has.

Rows that make no sense are named by line and reason and left out; the others go on in blocks.
"""

from __future__ import annotations

import csv
import io
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from influxish.batch import object_array
from influxish.cli.input import LONGEST_LINE, BrokenInput, ByteStream, Source
from influxish.cli.timestamps import parse_times
from influxish.errors import InfluxishError
from influxish.types import Array, DataType

BLOCK_ROWS = 20_000
"""Rows converted and written at once; the first block decides the types that were not declared."""

REJECTED_LINE, REJECTED_REASON = "rejected_line", "rejected_reason"
"""Columns that a file of rejected rows has in addition; they are no fields when such a file is imported again."""

_TRUTH = {"true": True, "t": True, "false": False, "f": False}
_NO_VALUE = frozenset({"", "nan"})


class BadHeader(InfluxishError):
    """The columns of a file and those that were asked for do not go together."""

    code = "bad-input"


@dataclass(frozen=True, slots=True)
class CsvShape:
    """What the columns of a file mean.

    Attributes:
        time: the column of the times; "" for the first of `time`, `timestamp`, `date`, `datetime` that exists.
        tags: columns that become tags.
        fields: column → type, or None to infer it; empty: every other column, inferred.
        unit: ns of an integer time's unit.
        delimiter: the character between cells.
    """

    time: str = ""
    tags: tuple[str, ...] = ()
    fields: Mapping[str, DataType | None] = field(default_factory=dict)
    unit: int = 1
    delimiter: str = ","


@dataclass(frozen=True, slots=True, eq=False)
class CsvBlock:
    """Rows ready to write, and those that are not.

    Attributes:
        header: the file's.
        columns: name → (n,) values; times as int64 ns under the name of the time column.
        lines: line number of each of the n rows, and `rows` their cells.
        rejected: (line number, reason, cells) of rows left out.
    """

    header: list[str]
    columns: dict[str, Any]
    lines: list[int]
    rows: list[list[str]]
    rejected: list[tuple[int, str, list[str]]]


@dataclass(slots=True)
class _Rows:
    """Rows that have as many cells as the header."""

    lines: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)


class CsvReader:
    """Reads one file.

    Attributes:
        time, tags, fields: the columns found; fields with their types, once the first block was read.

    Raises:
        BadHeader: the file is empty, its header cannot be read, or a column that was asked for is not there.
        BrokenInput: as the source.
    """

    def __init__(self, source: Source, shape: CsvShape) -> None:
        csv.field_size_limit(LONGEST_LINE)
        stream = io.BufferedReader(ByteStream(source), 1 << 20)
        # Bytes that are no UTF-8 survive as lone surrogates, so that their row can be named.
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        self._name, self._shape = source.name, shape
        self._records = _Records(text, shape.delimiter)
        _, self.header, wrong = next(self._records, (1, [], ""))
        if wrong:
            raise BadHeader(f"{self._name}: the header line cannot be read: {wrong}")
        self.time, self.tags, self.fields = self._meaning()

    def blocks(self) -> Iterator[CsvBlock]:
        """The rows, block by block; blank lines are skipped. Those before a break of the source come before its error.

        Raises:
            BrokenInput: as the source.
        """
        checked, broken, more = self._checked_rows(), None, True
        while more and broken is None:
            rows, rejected, more = _Rows(), [], False
            try:
                for line, cells, reason in islice(checked, BLOCK_ROWS):
                    more = True
                    if reason:
                        rejected.append((line, reason, cells))
                    else:
                        rows.lines.append(line)
                        rows.cells.append(cells)
            except BrokenInput as error:
                broken = error
            if more:
                yield self._block(rows, rejected)
        if broken is not None:
            raise broken

    def _meaning(self) -> tuple[str, tuple[str, ...], dict[str, DataType | None]]:
        header, shape = self.header, self._shape
        if not any(header):
            raise BadHeader(f"{self._name}: there is no header line that names the columns")
        repeated = {name for name in header if header.count(name) > 1}
        if repeated:
            raise BadHeader(f"{self._name}: more than one column is named {min(repeated)!r}")
        time = shape.time or next((name for name in header if name.lower() in _TIME_NAMES), "")
        if not time:
            raise BadHeader(
                f"{self._name}: no column looks like the time; say which with --time. {self._columns_text()}"
            )
        for name in (time, *shape.tags, *shape.fields):
            if name not in header:
                raise BadHeader(f"{self._name}: there is no column {name!r}. {self._columns_text()}")
        taken = {time, *shape.tags, REJECTED_LINE, REJECTED_REASON}
        fields = dict(shape.fields) or {name: None for name in header if name not in taken}
        if not fields:
            raise BadHeader(f"{self._name}: no column is left to be a field. {self._columns_text()}")
        return time, shape.tags, fields

    def _columns_text(self) -> str:
        return f"The columns are {', '.join(self.header)}"

    def _checked_rows(self) -> Iterator[tuple[int, list[str], str]]:
        """Line number, cells, and what is wrong with them, for each row that is not blank."""
        for line, cells, wrong in self._records:
            if not wrong and len(cells) != len(self.header):
                wrong = f"{len(cells)} cells under {len(self.header)} columns" if cells else ""
            if cells:
                yield line, cells, wrong

    def _block(self, rows: _Rows, rejected: list[tuple[int, str, list[str]]]) -> CsvBlock:
        bad: dict[int, str] = {}
        texts = dict(zip(self.header, zip(*rows.cells, strict=True), strict=True)) if rows.cells else {}
        columns: dict[str, Any] = {}
        if texts:
            for name in (*self.tags, *self.fields):
                bad |= _not_utf8(name, texts[name])
            columns[self.time], wrong = parse_times(texts[self.time], self._shape.unit)
            bad |= wrong
            columns |= {name: object_array(texts[name]) for name in self.tags}
            for name, declared in self.fields.items():
                type = self.fields[name] = declared or _inferred(texts[name])
                columns[name], wrong = _field(name, texts[name], type)
                bad |= wrong
        if not bad:
            return CsvBlock(self.header, columns, rows.lines, rows.cells, rejected)
        kept = np.ones(len(rows.lines), np.bool_)
        kept[list(bad)] = False
        rejected = sorted([*rejected, *((rows.lines[at], why, rows.cells[at]) for at, why in bad.items())])
        positions = np.flatnonzero(kept).tolist()
        return CsvBlock(
            self.header,
            {name: values[kept] for name, values in columns.items()},
            [rows.lines[at] for at in positions],
            [rows.cells[at] for at in positions],
            rejected,
        )


class _Records:
    """Iterates over (line number, cells, what is wrong) of the records of a text.

    A record that cannot be read costs the line it began on: that line is its one cell, and reading goes on behind it.
    So a quote without its partner takes no other line along, however many had to be read to find that out.

    Raises:
        BrokenInput: as the source, after the lines that came before the break.
    """

    def __init__(self, text: Iterable[str], delimiter: str) -> None:
        self._lines, self._line = _Lines(text), 1
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        return self

    def __next__(self) -> tuple[int, list[str], str]:
        first, taken = self._line, self._lines.taken
        taken.clear()
        try:
            cells = next(self._reader, None)
        except csv.Error as error:
            several = len(taken) > 1
            self._line += 1
            self._lines.give_back_but_first()
            return first, [taken[0].rstrip("\r\n")], _reason(error, several_lines=several)
        if cells is None:
            raise self._lines.broken or StopIteration
        self._line += len(taken)
        return first, cells, ""


class _Lines:
    """The lines of a text, for a reader that takes too many of them to give back.

    Attributes:
        taken: the lines that were read since whoever owns the reader cleared this.
        broken: what the source broke off with; the lines before it come first, and then the end.
    """

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.broken: BrokenInput | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._again:
            line = self._again.popleft()
        elif self.broken is not None:
            raise StopIteration
        else:
            try:
                line = next(self._text)
            except BrokenInput as error:
                self.broken = error
                raise StopIteration from None
        self.taken.append(line)
        return line

    def give_back_but_first(self) -> None:
        """All that was taken after the first line is to be read again."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _reason(error: csv.Error, *, several_lines: bool) -> str:
    return f"a quote that opens on this line is not closed well: {error}" if several_lines else str(error)


_TIME_NAMES = ("time", "timestamp", "date", "datetime")


def _inferred(texts: Sequence[str]) -> DataType:
    """Float if all are numbers, boolean if all are true or false, else string. Integers must be declared, because
    a later row with decimals could not be written beside them."""
    present = [text.strip().lower() for text in texts]
    present = [text for text in present if text not in _NO_VALUE]
    if present and all(text in _TRUTH for text in present):
        return DataType.BOOLEAN
    return DataType.FLOAT if all(map(_is_number, present)) else DataType.STRING


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _field(name: str, texts: Sequence[str], type: DataType) -> tuple[Array, dict[int, str]]:
    """The values as `Database.write` takes them (None or NaN for an empty cell), and position → what is wrong."""
    if type is DataType.STRING:
        return object_array(text if text else None for text in texts), {}
    if type is DataType.FLOAT and "" not in texts:
        try:
            numbers = np.array(texts, np.str_).astype(np.float64)
        except ValueError:
            pass  # found below, one by one
        else:
            if not np.isinf(numbers).any():
                return numbers, {}
    values: list[Any] = []
    bad: dict[int, str] = {}
    for position, text in enumerate(texts):
        value: Any = None
        try:
            value = None if text.strip().lower() in _NO_VALUE else _value(text.strip(), type)
        except ValueError as error:
            bad[position] = f"column {name!r}: {error}"
        values.append(value)
    if type is DataType.FLOAT:
        return np.array([math.nan if value is None else value for value in values], np.float64), bad
    if type is DataType.UNSIGNED:  # the dtype tells unsigned integers from others
        values = [None if value is None else np.uint64(value) for value in values]
    return object_array(values), bad


def _value(text: str, type: DataType) -> Any:
    shown = repr(text if len(text) <= 40 else f"{text[:40]}…")
    if type is DataType.BOOLEAN:
        if (truth := _TRUTH.get(text.lower())) is None:
            raise ValueError(f"{shown} is neither true nor false")
        return truth
    if not _is_number(text):
        raise ValueError(f"{shown} is no number")
    if type is DataType.FLOAT:
        if not math.isfinite(number := float(text)):
            raise ValueError(f"{shown} is no finite number")
        return number
    lowest, highest = (0, 2**64 - 1) if type is DataType.UNSIGNED else (-(2**63), 2**63 - 1)
    try:
        whole = int(text)
    except ValueError:
        raise ValueError(f"{shown} is no whole number") from None
    if not lowest <= whole <= highest:
        raise ValueError(f"{shown} does not fit in 64 bits")
    return whole


def _not_utf8(name: str, texts: Sequence[str]) -> dict[int, str]:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return {
            position: f"column {name!r} is not UTF-8"
            for position, text in enumerate(texts)
            if any("\ud800" <= character <= "\udfff" for character in text)
        }
    return {}
