"""Durations as InfluxQL writes them, `1h30m`, to and from nanoseconds."""

from __future__ import annotations

import re
from typing import Final

from influxish.types import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, NANOSECOND, SECOND, WEEK

_UNITS: Final = {
    "ns": NANOSECOND,
    "u": MICROSECOND,
    "µ": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": WEEK,
}
_PART = re.compile(r"([0-9]+)(ns|ms|[uµsmhdw])")
_PRINTED: Final = (
    (WEEK, "w"),
    (DAY, "d"),
    (HOUR, "h"),
    (MINUTE, "m"),
    (SECOND, "s"),
    (MILLISECOND, "ms"),
    (MICROSECOND, "u"),
    (NANOSECOND, "ns"),
)


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as `90m`, `1h30m`, `-2s` or `5µ`.

    Raises:
        ValueError: with InfluxDB's words, for what is no duration or exceeds int64.

    >>> parse_duration("1h30m")
    5400000000000
    """
    body = text.removeprefix("-")
    total = position = 0
    while part := _PART.match(body, position):
        digits, unit = part.groups()
        if len(digits.lstrip("0")) > 19 or int(digits) >= 2**63:
            raise ValueError("invalid duration")
        total += int(digits) * _UNITS[unit]
        position = part.end()
        if total >= 2**63:
            raise ValueError(f"overflowed duration {int(digits)}{unit}: choose a smaller duration or INF")
    if position == 0 or position < len(body):
        raise ValueError("invalid duration")
    return -total if text.startswith("-") else total


def format_duration(nanoseconds: int) -> str:
    """The duration in the largest unit that divides it, as InfluxDB prints it.

    Source: influxdata/influxql, FormatDuration.

    >>> format_duration(5_400_000_000_000)
    '90m'
    """
    if nanoseconds == 0:
        return "0s"
    return next(f"{nanoseconds // size}{unit}" for size, unit in _PRINTED if nanoseconds % size == 0)
