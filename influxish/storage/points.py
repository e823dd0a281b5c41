"""Points on their way in: one batch of columnar tables, made from line protocol or from arrays.

A batch knows nothing of databases or files; types across batches are checked when it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Column, Mask, Positions, object_array
from influxish.errors import WriteError
from influxish.types import MAX_TIME, MIN_TIME, Array, DataType, Times

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
        Raises:
            WriteError: no rows, lengths that differ, a type that no field can have, an infinity, a time out of range.
        """
        if not measurement:
            raise WriteError("a measurement needs a name")
        if not fields:
            raise WriteError(f'measurement "{measurement}": at least one field is needed')
        instants = _times(times)
        rows = len(instants)
        if not rows:
            raise WriteError(f'measurement "{measurement}": there are no rows to write')
        columns = {_name("field", name): _field(name, values, rows) for name, values in fields.items()}
        series, numbers = _series(tags or {}, rows)
        _check_text(f'measurement "{measurement!a}"', [measurement, *columns, *(tags or {})])
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


def _times(times: Sequence[int] | Array) -> Times:
    array = np.asarray(times)
    if array.ndim != 1:
        raise WriteError(f"times must have one dimension, not {array.ndim}")
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise WriteError(f"time {_first(np.isnat(array))} is missing")
        converted = array.astype("datetime64[ns]")
        # numpy wraps silently where a date does not fit 64 bits of nanoseconds
        overflowed = converted.astype(array.dtype) != array
        if overflowed.any():
            raise WriteError(f"time {_first(overflowed)} is outside range {MIN_TIME} - {MAX_TIME}")
        array = converted.astype(np.int64)
    elif array.dtype.kind not in "iu" and len(array):
        raise WriteError(f"times must be integers (UTC nanoseconds) or datetime64, not {array.dtype}")
    outside = (array > MAX_TIME) | (array < MIN_TIME)
    if outside.any():
        raise WriteError(f"time {_first(outside)} is outside range {MIN_TIME} - {MAX_TIME}")
    return array.astype(np.int64)


def _first(mask: Mask) -> str:
    return f"in row {int(np.argmax(mask))}"


def _field(name: str, values: Sequence[object] | Array, rows: int) -> Column:
    array = values if isinstance(values, np.ndarray) else _as_array(values)
    if array.ndim != 1 or len(array) != rows:
        raise WriteError(f'field "{name}" has shape {array.shape}, but there are {rows} times')
    if array.dtype == object:
        return _object_field(name, array)
    match array.dtype.kind:
        case "b":
            return Column(DataType.BOOLEAN, array.copy())
        case "i":
            return Column(DataType.INTEGER, array.astype(np.int64))
        case "u":
            return Column(DataType.UNSIGNED, array.astype(np.uint64))
        case "f":
            return _floats(name, array.astype(np.float64))
        case "U":
            texts = array.astype(object)
            _check_text(f'field "{name}"', texts.tolist())
            return Column(DataType.STRING, texts)
    raise WriteError(f'field "{name}" has dtype {array.dtype}; floats, integers, booleans and strings can be stored')


def _as_array(values: Sequence[object]) -> Array:
    """A list as numpy would type it, unless that would turn one type of value into another."""
    items = list(values)
    kinds = {type(item) for item in items}
    if kinds == {float} or kinds == {bool}:
        return np.asarray(items)
    return object_array(items)


def _floats(name: str, values: Array) -> Column:
    if np.isinf(values).any():
        raise WriteError(f'field "{name}" is infinite {_first(np.isinf(values))}; only finite numbers can be stored')
    missing = np.isnan(values)
    return Column(DataType.FLOAT, values, ~missing if missing.any() else None)


def _object_field(name: str, array: Array) -> Column:
    valid = np.fromiter((not _is_missing(value) for value in array), np.bool_, len(array))
    present = array[valid]
    kinds = {type(value) for value in present}
    type_ = _common_type(name, kinds)
    try:
        typed = present.astype(type_.dtype)
    except OverflowError:
        raise WriteError(f'field "{name}" holds an integer that does not fit 64 bits') from None
    if type_ is DataType.FLOAT and np.isinf(typed).any():
        raise WriteError(f'field "{name}" is infinite; only finite numbers can be stored')
    if type_ is DataType.STRING:
        _check_text(f'field "{name}"', typed.tolist())
    values = np.zeros(len(array), type_.dtype)
    values[valid] = typed
    return Column(type_, values, None if valid.all() else valid)


def _check_text(what: str, texts: list[str]) -> None:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise WriteError(f"{what} holds a character that cannot be written as UTF-8 ({error.reason})") from None


def _common_type(name: str, kinds: set[type]) -> DataType:
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return DataType.BOOLEAN if kinds else DataType.FLOAT
    if all(issubclass(kind, str) for kind in kinds):
        return DataType.STRING
    if not any(issubclass(kind, bool | np.bool_) for kind in kinds):
        if all(issubclass(kind, np.unsignedinteger) for kind in kinds):
            return DataType.UNSIGNED
        if all(issubclass(kind, int | np.integer) for kind in kinds):
            return DataType.INTEGER
        if all(issubclass(kind, int | float | np.integer | np.floating) for kind in kinds):
            return DataType.FLOAT
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise WriteError(
        f'field "{name}" holds values of types {found}; a field has one type: numbers, booleans or strings'
    )


def _series(tags: Mapping[str, str | Sequence[str | None] | Array], rows: int) -> tuple[tuple[Tags, ...], Positions]:
    keys = sorted(_name("tag", key) for key in tags)
    ids, coded = np.zeros(rows, np.int64), []
    for key in keys:
        distinct, codes = _distinct_tags(key, tags[key], rows)
        coded.append((key, distinct, codes))
        ids = np.unique(ids * len(distinct) + codes, return_inverse=True)[1].reshape(-1)
    first = np.unique(ids, return_index=True)[1].tolist()
    pairs = [[(key, distinct[code]) for code in codes[first].tolist()] for key, distinct, codes in coded]
    found = [tuple(pair for pair in series if pair[1]) for series in zip(*pairs, strict=True)] if pairs else [()]
    return tuple(found), ids.astype(np.int64)


def _distinct_tags(key: str, values: str | Sequence[str | None] | Array, rows: int) -> tuple[list[str], Positions]:
    if isinstance(values, str):
        return [values], np.zeros(rows, np.int64)
    items = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(items) != rows:
        raise WriteError(f'tag "{key}" has {len(items)} values, but there are {rows} times')
    known: dict[object, int] = {}
    try:
        codes = np.fromiter((known.setdefault(item, len(known)) for item in items), np.int64, rows)
    except TypeError:  # lists, for instance, cannot be looked up
        found = next(item for item in items if not isinstance(item, str | None))
        raise WriteError(f'tag "{key}" holds {found!r}; tag values are strings') from None
    distinct: dict[str, int] = {}
    merged = np.zeros(len(known), np.int64)
    for item, code in known.items():
        text = "" if _is_missing(item) else item
        if not isinstance(text, str):
            raise WriteError(f'tag "{key}" holds {text!r}; tag values are strings')
        merged[code] = distinct.setdefault(text, len(distinct))
    _check_text(f'tag "{key}"', list(distinct))
    return list(distinct), merged[codes]


def _is_missing(value: object) -> bool:
    """Whether a value among objects stands for none: None, NaN, or pandas' NA and NaT.

    These two cannot be compared, so they are known by the names of their types.
    """
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ in ("NAType", "NaTType")
