"""Texts → times for CSV files: RFC 3339, `YYYY-MM-DD[ HH:MM[:SS[.fraction]]]`, or integers of a unit.

A whole column at once where it can be; the odd ones one by one, so that each bad one can be named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from influxish.moments import parse_moment
from influxish.types import MAX_TIME, MIN_TIME, Times

_PLAIN = re.compile(r"(?:1[7-9]|20|21)\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?", re.ASCII)


def parse_times(texts: Sequence[str], unit: int) -> tuple[Times, dict[int, str]]:
    """UTC ns of each text, and what is wrong with those that are no time.

    Args:
        texts: n texts. Without an offset they are UTC.
        unit: ns of an integer's unit.
    Returns:
        (n,) int64 ns (0 where there is none), and position → reason.
    """
    fast = _integers(texts, unit)
    if fast is None:
        fast = _clock_times(texts)
    if fast is not None:
        return fast, {}
    times, bad = np.zeros(len(texts), np.int64), {}
    for position, text in enumerate(texts):
        try:
            times[position] = parse_time(text, unit)
        except ValueError as error:
            bad[position] = str(error)
    return times, bad


def parse_time(text: str, unit: int) -> int:
    """UTC ns of one text.

    Raises:
        ValueError: it is no time, or one outside what int64 ns can hold.

    >>> parse_time("1970-01-01T01:00:00.5+01:00", 1), parse_time("3", 1_000_000_000)
    (500000000, 3000000000)
    """
    stripped = text.strip()
    if re.fullmatch(r"[+-]?\d+", stripped, re.ASCII):
        time = int(stripped) * unit if len(stripped) < 30 else MAX_TIME + 1
    else:
        time = _moment(text)
    if not MIN_TIME <= time <= MAX_TIME:
        raise ValueError(f"time outside range {MIN_TIME} - {MAX_TIME}: {text[:40]!r}")
    return time


def _moment(text: str) -> int:
    try:
        time = parse_moment(text.strip(), lenient=True)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no time: {error}") from None
    if time is None:
        raise ValueError(f"{text[:40]!r} is no time: use RFC 3339, YYYY-MM-DD HH:MM:SS or an integer")
    return time


def _integers(texts: Sequence[str], unit: int) -> Times | None:
    """None unless all are integers that fit."""
    if not texts or not texts[0].strip().lstrip("+-").isdigit():
        return None
    try:
        numbers = np.array(texts, np.str_).astype(np.int64)
    except (ValueError, OverflowError):
        return None
    limit = MAX_TIME // unit
    if (numbers > limit).any() or (numbers < -limit).any():
        return None
    return numbers * unit


def _clock_times(texts: Sequence[str]) -> Times | None:
    """None unless all are UTC clock times of the years 1700 to 2199 that numpy can read."""
    bare = [text.removesuffix("Z") for text in texts]
    if not all(map(_PLAIN.fullmatch, bare)):
        return None
    try:
        moments: NDArray[np.datetime64] = np.array(bare, "datetime64[ns]")
    except ValueError:
        return None
    return moments.astype(np.int64)
