"""What Python has to write: lines → one text of line protocol, which storage reads; columns and dataframes → points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

import numpy as np

from influxish.batch import object_array
from influxish.errors import WriteError
from influxish.storage.arrays import time_array
from influxish.storage.points import PointBatch
from influxish.types import Array, precision_unit

_ACCEPTED = (
    "give line protocol (text, bytes, or an iterable of such lines), "
    "a mapping of columns, a dataframe or an Arrow table"
)


def line_protocol(data: Any) -> bytes | None:
    """The text that `data` holds in whole or line by line; None if it is columns, or nothing that can be written.

    A character that UTF-8 has no bytes for becomes bytes that are no UTF-8, so that its line is refused, not all.

    Raises:
        WriteError: a line that is neither text nor bytes.
    """
    text = _encoded(data)
    if text is not None or isinstance(data, Mapping) or _is_table(data) or not isinstance(data, Iterable):
        return text
    lines = []
    for number, item in enumerate(data, 1):
        line = _encoded(item)
        if line is None:
            raise WriteError(f"line {number} is a {type(item).__name__}, not text or bytes: {_ACCEPTED}", line=number)
        lines.append(line.removesuffix(b"\n"))  # as lines of an open file end
    return b"\n".join(lines)


def _encoded(data: Any) -> bytes | None:
    if isinstance(data, str):
        return data.encode("utf-8", "surrogatepass")
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else None


def columns_to_points(data: Any, measurement: str, tags: Sequence[str], time: str, precision: str) -> PointBatch:
    """Points from columns.

    Args:
        data: a mapping of name → (n,) sequence, a dataframe of pandas or Polars, or an Arrow table. A pandas frame
            whose index holds the times needs no time column.
        measurement, tags, time, precision: as in `Database.write`.
    Raises:
        WriteError: a column is missing, or cannot be a field, a tag or the time; an argument is of another kind.
    """
    _check_names(measurement, tags, time)
    columns = _columns(data, time)
    if not measurement:
        raise WriteError("columns need a measurement: write(data, measurement=…)")
    for name in (time, *tags):
        if name not in columns:
            raise WriteError(f"there is no column {name!r}; the columns are {', '.join(map(repr, columns))}")
    for name, values in columns.items():
        # One text for all rows is enough of a tag.
        if not isinstance(values, Iterable) or (isinstance(values, str | bytes) and name not in tags):
            raise WriteError(f"column {name!r} is a {type(values).__name__}: give a sequence with a value for each row")
    times = _times(columns.pop(time), precision)
    keys = {name: columns.pop(name) for name in tags}
    return PointBatch.from_columns(measurement, times, keys, columns)


def _check_names(measurement: Any, tags: Any, time: Any) -> None:
    for what, name in (("measurement", measurement), ("time", time)):
        if not isinstance(name, str):
            raise WriteError(f"{what} must be a text, not {type(name).__name__}")
    if isinstance(tags, str | bytes) or not isinstance(tags, Collection):
        raise WriteError(f"tags must be a list of column names such as ['host'], not {type(tags).__name__}")
    for position, name in enumerate(names := list(tags)):
        if not isinstance(name, str):
            raise WriteError(f"tags must be names of columns, not {type(name).__name__}")
        if name in names[:position]:
            raise WriteError(f"tags names the column {name!r} more than once")
        if name == time:
            raise WriteError(f"the column {name!r} holds the times, so it cannot be a tag")


def _is_table(data: Any) -> bool:
    """Whether `data` has named columns. A class is asked, since a lazy frame works to find out its columns."""
    return hasattr(type(data), "columns") or hasattr(data, "columns")


def _columns(data: Any, time: str) -> dict[str, Any]:
    if isinstance(data, Mapping):
        return _named((name, _plain(values)) for name, values in data.items())
    if not _is_table(data):
        raise WriteError(f"cannot write a {type(data).__name__}: {_ACCEPTED}")
    if hasattr(data, "collect"):
        raise WriteError(f"a {type(data).__name__} has no rows until it is run: write its collect()")
    if hasattr(data, "column_names"):  # Arrow
        return _named((name, _plain(data.column(i))) for i, name in enumerate(data.column_names))
    names = list(data.columns)
    _named((name, None) for name in names)  # data[name] would be two columns
    columns = {str(name): _plain(data[name]) for name in names}
    index = getattr(data, "index", None)
    if time not in columns and hasattr(index, "tz_convert"):
        columns[time] = _plain(index)
    return columns


def _named(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in pairs:
        if str(name) in found:
            raise WriteError(f"more than one column is named {str(name)!r}")
        found[str(name)] = values
    return found


def _plain(column: Any) -> Any:
    """A column of a dataframe or a table as numpy: zones taken to UTC, missing values of nullable types as None.

    What is no such column stays as it is.
    """
    if not hasattr(column, "to_numpy"):
        return column
    zoned = getattr(column, "dt", column)  # a series has it, an index is it
    if isinstance(getattr(zoned, "tz", None), tzinfo):
        in_utc = zoned.tz_convert("UTC")
        return getattr(in_utc, "dt", in_utc).tz_localize(None).to_numpy()
    if hasattr(column, "isna") and not isinstance(column.dtype, np.dtype):
        kind = getattr(column.dtype, "numpy_dtype", np.dtype(object))
        if column.isna().any() or kind.kind == "O":
            return _with_none(column.astype(object).where(~column.isna(), None), kind.kind == "u")
        return column.to_numpy(dtype=kind)
    missing = getattr(column, "null_count", 0)  # of Arrow; Polars counts when it is called
    if missing() if callable(missing) else missing:
        values = column.to_list() if hasattr(column, "to_list") else column.to_pylist()
        return _with_none(values, str(getattr(column, "dtype", "") or column.type).lower().startswith("uint"))
    return np.asarray(column)


def _with_none(values: Iterable[Any], unsigned: bool) -> Array:
    """Objects with None among them, where only the type of each says that integers are unsigned."""
    return object_array(np.uint64(value) if unsigned and value is not None else value for value in values)


def _times(values: Any, precision: str) -> Array:
    unit = precision_unit(precision)
    array = time_array(values)
    if array.dtype.kind == "M" or not len(array):
        return array
    if array.dtype.kind not in "iu":
        raise WriteError(f"the times must be integers or datetime64, not {array.dtype}")
    if unit == 1:  # as they are: no unsigned one may turn into another here
        return array
    limit = np.iinfo(np.int64).max // unit
    if int(array.max()) > limit or int(array.min()) < -limit:
        raise WriteError(f"a time is outside the range of nanoseconds when read as {precision}")
    return array.astype(np.int64) * unit


def refusal(rejected: Sequence[tuple[int, str]], written: int) -> str:
    """One message for the points of a write that were refused: how many, and the first few with their lines."""
    shown = [f"line {line}: {reason}" if line else reason for line, reason in rejected[:3]]
    if len(rejected) > len(shown):
        shown.append(f"and {len(rejected) - len(shown):,} more")
    points = f"{len(rejected):,} point{'s' if len(rejected) != 1 else ''}"
    return f"partial write: {points} refused, {written:,} written\n" + "\n".join(shown)
