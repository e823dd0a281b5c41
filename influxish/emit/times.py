"""Times as text or as integers of an epoch, a whole column at once.

Knows time zones only through their offsets; parsing of times lives with those who read them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from influxish.functions.windows import zone_offsets
from influxish.types import NANOSECOND, PRECISIONS, SECOND, Times


def rfc3339(times: Times, zone: str = "") -> list[str]:
    """RFC 3339 text of each time: up to nine decimals, trailing zeros dropped, `Z` where the offset is zero.

    Args:
        times: (n,) ns.
        zone: IANA name of the time zone whose clock is shown; "" is UTC.
    Returns:
        n strings.

    >>> rfc3339(np.array([0, -1_500_000_000]))
    ['1970-01-01T00:00:00Z', '1969-12-31T23:59:58.5Z']
    >>> rfc3339(np.array([0]), "Asia/Kolkata")
    ['1970-01-01T05:30:00+05:30']
    """
    if not len(times):
        return []
    seconds, fractions = np.divmod(times, SECOND)
    suffixes = None
    if zone and zone != "UTC":
        # Adding whole seconds, not ns, cannot overflow at the ends of time.
        offsets = zone_offsets(zone, times) // SECOND
        seconds = seconds + offsets
        distinct, codes = np.unique(offsets, return_inverse=True)
        suffixes = np.array([_offset_text(offset) for offset in distinct.tolist()])[codes.reshape(-1)]
    clock = np.datetime_as_string(seconds.astype("datetime64[s]"), unit="s")
    if fractions.any():
        clock = np.char.add(clock, _fraction_texts(fractions))
    texts: list[str] = np.char.add(clock, "Z" if suffixes is None else suffixes).tolist()
    return texts


def epoch_integers(times: Times, epoch: str) -> Times:
    """Times as integers since 1970, divided towards zero, also before 1970; an unknown `epoch` counts in ns.

    Source: InfluxDB 1.6.7, observed.

    >>> epoch_integers(np.array([-1_500_000_000, -1, 1_500_000_000]), "s").tolist()
    [-1, 0, 1]
    """
    unit = PRECISIONS.get(epoch, NANOSECOND)
    if unit == NANOSECOND:
        return times
    quotient, remainder = np.divmod(times, unit)
    result: Times = quotient + ((times < 0) & (remainder != 0))
    return result


def time_texts(epoch: str, zone: str = "", quote: str = "") -> Callable[[Times], list[str]]:
    """The function that writes a time column: integers of `epoch`, or RFC 3339 in `zone`, in quotes, when it is "".

    It remembers its last column: the series of one answer often share their times.
    """
    last: tuple[Times, list[str]] = (np.zeros(0, np.int64), [])

    def write(times: Times) -> list[str]:
        nonlocal last
        if not np.array_equal(last[0], times):
            if epoch:
                texts = list(map(str, epoch_integers(times, epoch).tolist()))
            else:
                texts = rfc3339(times, zone)
                if quote:
                    texts = [f"{quote}{text}{quote}" for text in texts]
            last = (times, texts)
        return list(last[1])

    return write


def _fraction_texts(fractions: Times) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    digits = np.char.mod("%09d", fractions)
    return np.where(fractions == 0, "", np.char.add(".", np.char.rstrip(digits, "0")))


def _offset_text(seconds: int) -> str:
    """`Z`, or sign, hours and minutes; odd seconds of old local mean times are dropped, as Go drops them."""
    if seconds == 0:
        return "Z"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
