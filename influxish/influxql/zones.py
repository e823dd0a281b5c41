"""Whether a name is a time zone: the one question `tz('…')` asks of the zone database."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def is_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone, or "" which means UTC."""
    from zoneinfo import ZoneInfo  # only queries with tz() pay for it

    if not name:
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no plain relative path, or no zone file; a folder
        return False
    return True
