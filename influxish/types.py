"""Small frozen values that every stage shares: data types, time ranges, windows, spans of text.

Nothing here knows a query language, a plan or a file. Times are UTC nanoseconds in int64 everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from influxish.errors import NOWHERE as NOWHERE
from influxish.errors import Span as Span
from influxish.errors import WriteError

Array = NDArray[Any]
Times = NDArray[np.int64]

# The range of time stamps InfluxDB 1.x accepts; one beyond MAX_TIME still fits int64, so ranges can be half-open.
MIN_TIME = -9223372036854775806
MAX_TIME = 9223372036854775806

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

PRECISIONS: Mapping[str, int] = MappingProxyType(
    {
        "ns": NANOSECOND,
        "n": NANOSECOND,
        "us": MICROSECOND,
        "u": MICROSECOND,
        "µ": MICROSECOND,
        "ms": MILLISECOND,
        "s": SECOND,
        "m": MINUTE,
        "h": HOUR,
    }
)
"""Nanoseconds in one unit of each precision that times are written in and asked for."""


def precision_unit(precision: str) -> int:
    """Nanoseconds in one unit of the precision that times to be written have.

    Raises:
        WriteError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise WriteError(f'there is no precision "{precision}": use ns, us, ms, s, m or h')
    return PRECISIONS[precision]


class DataType(Enum):
    """The type of a field, a tag, an expression or a column. The value is the word InfluxQL uses for it."""

    FLOAT = "float"
    INTEGER = "integer"
    UNSIGNED = "unsigned"
    STRING = "string"
    BOOLEAN = "boolean"
    TIME = "time"
    DURATION = "duration"
    TAG = "tag"
    ANY_FIELD = "field"
    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return f"DataType.{self.name}"

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic works on it."""
        return self in NUMERIC

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of a column of this type (tags and strings are object arrays of `str`)."""
        return _DTYPES[self]


NUMERIC = frozenset({DataType.FLOAT, DataType.INTEGER, DataType.UNSIGNED})
FIELD_TYPES = frozenset({*NUMERIC, DataType.STRING, DataType.BOOLEAN})

# Where shards disagree about a field, the first of these that occurs is the type of the whole.
TYPE_PREFERENCE = (
    DataType.FLOAT,
    DataType.INTEGER,
    DataType.UNSIGNED,
    DataType.STRING,
    DataType.BOOLEAN,
    DataType.TAG,
)

_DTYPES = {
    DataType.FLOAT: np.dtype(np.float64),
    DataType.INTEGER: np.dtype(np.int64),
    DataType.UNSIGNED: np.dtype(np.uint64),
    DataType.STRING: np.dtype(object),
    DataType.BOOLEAN: np.dtype(np.bool_),
    DataType.TIME: np.dtype(np.int64),
    DataType.DURATION: np.dtype(np.int64),
    DataType.TAG: np.dtype(object),
}


@dataclass(frozen=True, slots=True)
class SeriesLimit:
    """Some of the groups that the series of one measurement in one shard fall into, counted from the first.

    Attributes:
        dimensions: the tag keys that make the groups, sorted.
        limit: how many.
        offset: how many before these are left out.
    """

    dimensions: tuple[str, ...]
    limit: int
    offset: int = 0

    def __str__(self) -> str:
        by = f" by {', '.join(self.dimensions)}" if self.dimensions else ""
        return f"slimit {self.limit}{f' soffset {self.offset}' if self.offset else ''}{by}"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Half-open range of time [start, stop), UTC ns. The default is all of time."""

    start: int = MIN_TIME
    stop: int = MAX_TIME + 1

    @property
    def is_empty(self) -> bool:
        """Whether no time is in it."""
        return self.start >= self.stop

    @property
    def has_start(self) -> bool:
        """Whether a lower bound was given."""
        return self.start > MIN_TIME

    @property
    def has_stop(self) -> bool:
        """Whether an upper bound was given."""
        return self.stop <= MAX_TIME

    def intersect(self, other: TimeRange) -> TimeRange:
        """The times that are in both; possibly none."""
        return TimeRange(max(self.start, other.start), min(self.stop, other.stop))

    def overlaps(self, other: TimeRange) -> bool:
        """Whether some time is in both."""
        return self.start < other.stop and other.start < self.stop


ALL_TIME = TimeRange()


def format_time(time: int) -> str:
    """One moment (UTC ns) in RFC 3339, decimals only where there are any.

    >>> format_time(1_500_000_000)
    '1970-01-01T00:00:01.5Z'
    """
    whole, _, fraction = str(np.datetime64(time, "ns")).partition(".")
    return f"{whole}.{fraction}".rstrip("0").rstrip(".") + "Z"


@dataclass(frozen=True, slots=True)
class Window:
    """A grid of time buckets, in the general form that both languages need.

    InfluxQL's buckets tumble: `width` equals `every`, the grid has no end (`count` 0), and a zone shifts it to local
    clock time. PromQL's overlap: at each of `count` steps a range `width` long ends.

    Attributes:
        every: ns from one bucket to the next, > 0.
        first: ns; one of the bucket edges, the phase of the grid.
        width: ns that a bucket is long.
        count: how many buckets there are from `first` on; 0: endless in both directions.
        zone: IANA name of the time zone whose clock the edges follow; "" is UTC.
    """

    every: int
    first: int
    width: int
    count: int = 0
    zone: str = ""

    @staticmethod
    def tumbling(every: int, offset: int = 0, zone: str = "") -> Window:
        """InfluxQL's `GROUP BY time(every, offset)`."""
        return Window(every=every, first=offset % every, width=every, zone=zone)


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """One field to read.

    Attributes:
        label: the name its column has in the batch.
        name: the field's name in storage.
        type: the type the column shall have. Numbers convert (float → integer truncates towards zero); a shard in
            which the field has any other type answers as if it had no value anywhere.
    """

    label: str
    name: str
    type: DataType
