"""What Python has to write: lines → one text of line protocol, which storage reads; columns and dataframes → points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from influxish.errors import WriteError
from influxish.storage.points import PointBatch
from influxish.types import Array, precision_unit

_ACCEPTED = "give line protocol (text, bytes, or an iterable of such lines), a mapping of columns or a dataframe"


def line_protocol(data: Any) -> bytes | None:
    """The text that `data` holds in whole or line by line; None if it is columns, or nothing that can be written.

    A character that UTF-8 has no bytes for becomes bytes that are no UTF-8, so that its line is refused, not all.

    Raises:
        WriteError: a line that is neither text nor bytes.
    """
    text = _encoded(data)
    if text is not None or isinstance(data, Mapping) or hasattr(data, "columns") or not isinstance(data, Iterable):
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
        data: a mapping of name → (n,) sequence, or a dataframe of pandas or Polars. A pandas frame whose index holds
            the times needs no time column.
        measurement, tags, time, precision: as in `Database.write`.
    Raises:
        WriteError: a column is missing, or cannot be a field, a tag or the time.
    """
    columns = _columns(data, time)
    if not measurement:
        raise WriteError("columns need a measurement: write(data, measurement=…)")
    for name in (time, *tags):
        if name not in columns:
            raise WriteError(f"there is no column {name!r}; the columns are {', '.join(map(repr, columns))}")
    times = _times(columns.pop(time), precision)
    keys = {name: columns.pop(name) for name in tags}
    return PointBatch.from_columns(measurement, times, keys, columns)


def _columns(data: Any, time: str) -> dict[str, Any]:
    if isinstance(data, Mapping):
        return {str(name): values for name, values in data.items()}
    if not hasattr(data, "columns"):
        raise WriteError(f"cannot write a {type(data).__name__}: {_ACCEPTED}")
    columns = {str(name): _plain(data[name]) for name in data.columns}
    if time not in columns and np.issubdtype(getattr(getattr(data, "index", None), "dtype", object), np.datetime64):
        columns[time] = data.index.to_numpy()
    elif time not in columns and hasattr(getattr(data, "index", None), "tz_convert"):
        columns[time] = data.index.tz_convert("UTC").tz_localize(None).to_numpy()
    return columns


def _plain(series: Any) -> Any:
    """A dataframe's column as numpy: zones taken to UTC, missing values of nullable types as None."""
    if getattr(getattr(series, "dt", None), "tz", None) is not None:
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if hasattr(series, "isna") and not isinstance(series.dtype, np.dtype):
        kind = getattr(series.dtype, "numpy_dtype", np.dtype(object))
        if series.isna().any() or kind.kind == "O":
            return series.astype(object).where(~series.isna(), None).to_numpy()
        return series.to_numpy(dtype=kind)
    if hasattr(series, "null_count") and series.null_count():
        return np.array(series.to_list(), object)
    return series.to_numpy()


def _times(values: Any, precision: str) -> Array:
    unit, array = precision_unit(precision), np.asarray(values)
    if array.dtype.kind == "M":
        return array
    if array.dtype.kind not in "iu":
        raise WriteError(f"the times must be integers or datetime64, not {array.dtype}")
    if len(array) and unit > 1:
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
