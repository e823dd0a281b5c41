"""Arrays and lists as what points are made of: times, the values of tags, and typed columns of fields.

What stands for no value, what cannot be stored, and what type a list has is decided here, once for all ways in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from influxish.batch import Column, Mask, Positions, object_array
from influxish.errors import WriteError
from influxish.types import MAX_TIME, MIN_TIME, Array, DataType, Times


def time_array(times: Sequence[int] | Array) -> Array:
    """Times as an array (n,) of whatever dtype they are of.

    Raises:
        WriteError: not one dimension; or the array is masked, and hides a time.
    """
    try:
        array = np.asarray(times)
    except ValueError:  # sequences of several lengths
        raise WriteError("times must have one dimension") from None
    if array.ndim != 1:
        raise WriteError(f"times must have one dimension, not {array.ndim}")
    if (hidden := _hidden(times)) is not None:
        raise WriteError(f"time {_first(hidden)} is missing")
    return array


def nanoseconds(times: Sequence[int] | Array) -> Times:
    """(n,) int64 ns: times from n integers, UTC ns, or datetime64 of any unit.

    Raises:
        WriteError: as `time_array`; or they are something else, one is missing, or out of range.
    """
    array = time_array(times)
    if not len(array):  # of any dtype
        return np.zeros(0, np.int64)
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise WriteError(f"time {_first(np.isnat(array))} is missing")
        converted = array.astype("datetime64[ns]")
        # numpy wraps silently where a date does not fit 64 bits of nanoseconds
        overflowed = converted.astype(array.dtype) != array
        if overflowed.any():
            raise WriteError(f"time {_first(overflowed)} is outside range {MIN_TIME} - {MAX_TIME}")
        array = converted.astype(np.int64)
    elif array.dtype.kind not in "iu":
        raise WriteError(f"times must be integers (UTC nanoseconds) or datetime64, not {array.dtype}")
    outside = (array > MAX_TIME) | (array < MIN_TIME)
    if outside.any():
        raise WriteError(f"time {_first(outside)} is outside range {MIN_TIME} - {MAX_TIME}")
    return array.astype(np.int64)


def _first(mask: Mask) -> str:
    return f"in row {int(np.argmax(mask))}"


def field_column(name: str, values: Sequence[object] | Array, rows: int) -> Column:
    """The field `name` of `rows` points from (rows,) numbers, booleans or strings; what is missing has no value.

    Raises:
        WriteError: another shape, a type or a mix of types that no field can have, an infinity.
    """
    array = np.asarray(values) if isinstance(values, np.ndarray) else _as_array(values)
    if array.ndim != 1 or len(array) != rows:
        raise WriteError(f'field "{name}" has shape {array.shape}, but there are {rows} times')
    hidden = _hidden(values)
    return _column(name, array) if hidden is None else _partly_hidden(name, array, hidden)


def _hidden(values: object) -> Mask | None:
    """(n,) bool: what a masked array hides; None if that is nothing."""
    if not isinstance(values, np.ma.MaskedArray) or values.dtype.names is not None:
        return None
    mask: Mask = np.ma.getmaskarray(values)
    return mask if mask.any() else None


def _partly_hidden(name: str, array: Array, hidden: Mask) -> Column:
    """What is hidden may be anything, even what could not be stored: only the others are looked at."""
    if array.dtype.kind == "f":
        return _column(name, np.where(hidden, np.nan, array))
    present = ~hidden
    kept = _column(name, array[present])
    values, valid = np.zeros(len(array), kept.values.dtype), present.copy()
    values[present], valid[present] = kept.values, kept.mask
    return Column(kept.type, values, valid)


def _column(name: str, array: Array) -> Column:
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
            check_text(f'field "{name}"', texts.tolist())
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
        check_text(f'field "{name}"', typed.tolist())
    values = np.zeros(len(array), type_.dtype)
    values[valid] = typed
    return Column(type_, values, None if valid.all() else valid)


def check_text(what: str, texts: list[str]) -> None:
    """Refuse texts that have no bytes; `what` names where they stand.

    Raises:
        WriteError: half of a surrogate pair.
    """
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


def distinct_tags(key: str, values: str | Sequence[str | None] | Array, rows: int) -> tuple[list[str], Positions]:
    """The values of the tag `key` of `rows` points: the distinct texts, and (rows,) which of them each row has.

    Raises:
        WriteError: another number of values, or values that are no strings. Missing ones are "".
    """
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
    check_text(f'tag "{key}"', list(distinct))
    return list(distinct), merged[codes]


def _is_missing(value: object) -> bool:
    """Whether a value among objects stands for none: None, NaN, pandas' NA and NaT, or what a masked array hid.

    These cannot be compared, so they are known by the names of their types.
    """
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant")
