"""Points on their way in: one batch of columnar tables, made from line protocol or from arrays.

A batch knows nothing of databases or files; types across batches are checked when it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Column, Mask, Positions
from influxish.errors import WriteError
from influxish.storage.arrays import check_text, distinct_tags, field_column, nanoseconds
from influxish.types import Array, Times

Tags = tuple[tuple[str, str], ...]
"""The tags of one series, sorted by key; no value is empty."""

MAX_KEY_BYTES = 65_535
"""Bytes that a measurement with its tags may take, as the server limits it."""


@dataclass(frozen=True, eq=False)
class PointTable:
    """Points of one measurement whose fields have one type each.

    Attributes:
        measurement: its name.
        series: the distinct series among the points.
        rows: (n,) int64 index into `series` of each point.
        times: (n,) int64 ns, any order.
        fields: name → (n,) column. Every point has a value in at least one of them.
        lines: (n,) int64 line of the input each point came from, from 1; 0 where there are no lines.
    """

    measurement: str
    series: tuple[Tags, ...]
    rows: Positions
    times: Times
    fields: Mapping[str, Column]
    lines: Positions

    def __len__(self) -> int:
        return len(self.times)

    @property
    def values(self) -> int:
        """How many values the points hold."""
        return sum(len(self) if column.valid is None else int(column.valid.sum()) for column in self.fields.values())

    def where(self, keep: Mask) -> PointTable:
        """Only the points for which `keep` (n,) is True."""
        if keep.all():
            return self
        fields = {name: column.take(keep) for name, column in self.fields.items()}
        return PointTable(self.measurement, self.series, self.rows[keep], self.times[keep], fields, self.lines[keep])

    def without_fields(self, names: set[str]) -> PointTable:
        """The points that still have a value once the fields `names` are gone."""
        fields = {name: column for name, column in self.fields.items() if name not in names}
        rest = PointTable(self.measurement, self.series, self.rows, self.times, fields, self.lines)
        return rest.where(any_valid(fields.values(), len(self)))


@dataclass(frozen=True, eq=False)
class PointBatch:
    """Points to be written together. A measurement has several tables where one field came with several types."""

    tables: tuple[PointTable, ...]

    @property
    def rows(self) -> int:
        """How many points there are."""
        return sum(len(table) for table in self.tables)

    @property
    def values(self) -> int:
        """How many field values there are."""
        return sum(table.values for table in self.tables)

    @staticmethod
    def from_columns(
        measurement: str,
        times: Sequence[int] | Array,
        tags: Mapping[str, str | Sequence[str | None] | Array] | None = None,
        fields: Mapping[str, Sequence[object] | Array] | None = None,
    ) -> PointBatch:
        """A batch from arrays of equal length.

        Args:
            measurement: its name.
            times: (n,) integers, UTC ns, or datetime64 of any unit.
            tags: key → one value for all rows, or (n,) strings; "" and None mean that the row has no such tag.
            fields: name → (n,) numbers, booleans or strings. NaN and None mean no value. Signed integers become
                integer fields, unsigned ones unsigned, floats float.

        What a masked array hides is no value, or no tag; a hidden time is refused. Without rows there are no tables.

        Raises:
            WriteError: lengths that differ, a type that no field can have, an infinity, a time missing or out of range.
        """
        if not measurement:
            raise WriteError("a measurement needs a name")
        if not fields:
            raise WriteError(f'measurement "{measurement}": at least one field is needed')
        instants = nanoseconds(times)
        rows = len(instants)
        columns = {_name("field", name): field_column(name, values, rows) for name, values in fields.items()}
        series, numbers = _series(tags or {}, rows)
        check_text(f'measurement "{measurement!a}"', [measurement, *columns, *(tags or {})])
        if not rows:
            return PointBatch(())
        for key in series:
            check_key_length(measurement, key)
        table = PointTable(measurement, series, numbers, instants, columns, np.zeros(rows, np.int64))
        return PointBatch((table.where(any_valid(columns.values(), rows)),))


def any_valid(columns: Iterable[Column], rows: int) -> Mask:
    """(rows,) bool: where at least one of `columns` has a value."""
    found = np.zeros(rows, np.bool_)
    for column in columns:
        if column.valid is None:
            return np.ones(rows, np.bool_)
        found |= column.valid
    return found


def check_key_length(measurement: str, tags: Tags) -> None:
    """Refuse a series whose name is longer than any that the server takes.

    Raises:
        WriteError: more than `MAX_KEY_BYTES`.
    """
    characters = len(measurement) + sum(len(key) + len(value) + 2 for key, value in tags)
    if characters * 4 <= MAX_KEY_BYTES:
        return
    size = len(measurement.encode()) + sum(len(key.encode()) + len(value.encode()) + 2 for key, value in tags)
    if size > MAX_KEY_BYTES:
        raise WriteError(f"max key length exceeded: {size} > {MAX_KEY_BYTES}")


def _name(kind: str, name: object) -> str:
    if not isinstance(name, str) or not name:
        raise WriteError(f"a {kind} needs a name, not {name!r}")
    return name


def _series(tags: Mapping[str, str | Sequence[str | None] | Array], rows: int) -> tuple[tuple[Tags, ...], Positions]:
    keys = sorted(_name("tag", key) for key in tags)
    ids, coded = np.zeros(rows, np.int64), []
    for key in keys:
        distinct, codes = distinct_tags(key, tags[key], rows)
        coded.append((key, distinct, codes))
        ids = np.unique(ids * len(distinct) + codes, return_inverse=True)[1].reshape(-1)
    first = np.unique(ids, return_index=True)[1].tolist()
    pairs = [[(key, distinct[code]) for code in codes[first].tolist()] for key, distinct, codes in coded]
    found = [tuple(pair for pair in series if pair[1]) for series in zip(*pairs, strict=True)] if pairs else [()]
    return tuple(found), ids.astype(np.int64)
