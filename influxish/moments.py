"""Texts that name one moment, read: dates and clock times of InfluxQL and of CSV files, with offsets and zones.

Columns of times are read elsewhere, in bulk; durations are `influxql/durations.py`.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from influxish.types import DAY, HOUR, MINUTE, SECOND

_STRICT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<offset>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_LENIENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_EPOCH = datetime(1970, 1, 1).toordinal()


def parse_moment(text: str, *, zone: str = "", lenient: bool = False) -> int | None:
    """UTC ns of a date, or of a date and a clock time with or without an offset; None if the text has no such form.

    Args:
        text: `2020-01-01`, `2020-01-01 12:30:00`, `2020-01-01T12:30:00.5+01:00` and the like.
        zone: IANA name of the zone whose clock a text without offset shows; "" is UTC.
        lenient: seconds may be missing, and offsets stand behind a blank or a date, and do without the colon.
    Raises:
        ValueError: there is no such date or time: 30 February.

    >>> parse_moment("1970-01-01T01:00:00.5+01:00"), parse_moment("1970-01-01", zone="Europe/Berlin")
    (500000000, -3600000000000)
    """
    found = (_LENIENT if lenient else _STRICT).fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[number] or 0) for number in range(1, 7))
    stamp = datetime(year, month, day, hour, minute, second)
    local = (stamp.toordinal() - _EPOCH) * DAY + hour * HOUR + minute * MINUTE + second * SECOND
    return local + int((found["fraction"] or "").ljust(9, "0")) - _offset(found["offset"] or "", stamp, zone)


def clock_shown(text: str, zone: str) -> int | ZoneInfo:
    """The clock that a text of a moment shows, as `parse_moment` reads it: how far ahead of UTC (ns), or a zone."""
    found = _STRICT.fullmatch(text)
    if found is not None and found["offset"]:
        return _offset(found["offset"], datetime.min, zone)
    return ZoneInfo(zone) if zone else 0


def _offset(text: str, stamp: datetime, zone: str) -> int:
    """How far local time is ahead of UTC, ns."""
    if text and text not in "Zz":
        digits = text[1:].replace(":", "")
        return (int(digits[:2]) * HOUR + int(digits[2:]) * MINUTE) * (-1 if text[0] == "-" else 1)
    ahead = stamp.replace(tzinfo=ZoneInfo(zone)).utcoffset() if zone and not text else None
    return 0 if ahead is None else (ahead.days * DAY + ahead.seconds * SECOND)
