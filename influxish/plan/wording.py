"""Words that the one-line descriptions of several kinds of node have in common."""

from __future__ import annotations

from collections.abc import Sequence

from influxish.types import ALL_TIME, TimeRange, format_time


def limit_clauses(limit: int | None, offset: int) -> str:
    """What a picture says of them."""
    return f"{'' if limit is None else f' limit {limit}'}{f' offset {offset}' if offset else ''}"


def listed(names: Sequence[str]) -> str:
    """The names; of many only the first few, since what matters of a scan of everything is that it is one."""
    shown = names if len(names) <= 5 else [*names[:3], f"… {len(names) - 3} more"]
    return ", ".join(shown)


def during(time_range: TimeRange) -> str:
    """From when and until when, as far as there are bounds."""
    if time_range == ALL_TIME:
        return ""
    words = []
    if time_range.has_start:
        words.append(f"from {format_time(time_range.start)}")
    if time_range.has_stop:
        words.append(f"until {format_time(time_range.stop)}")
    return "".join(f" {word}" for word in words)
