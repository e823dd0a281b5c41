"""Whether two answers are the same: all of it exactly, but for floats, which may differ by 1e-9 of their size."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from itertools import groupby
from typing import Any

TOLERANCE = 1e-9
NOISE = 1e-12
"""What rounding leaves of a difference of equal numbers."""


def difference(theirs: Any, ours: Any, *, ties: bool = False) -> str:
    """Where two documents first differ, and how; "" if they do not.

    Args:
        ties: rows of one time may stand in any order.

    A number that is infinite spoils a whole answer of the server; ours may still hold what came before it.
    """
    if _is_spoilt(theirs) and _is_spoilt(ours):
        return ""
    if ties:
        theirs, ours = _without_order_of_ties(theirs), _without_order_of_ties(ours)
    return _difference(theirs, ours, "")


def _is_spoilt(document: Any) -> bool:
    return "json: unsupported value" in str(document)


def _without_order_of_ties(document: Any) -> Any:
    """The same with rows of one time in an order of their values."""
    for result in document.get("results", ()):
        for series in result.get("series", ()):
            rows, ordered = series.get("values", []), []
            for _, tied in groupby(rows, key=lambda row: row[0]):
                ordered += sorted(tied, key=repr)
            series["values"] = ordered
    return document


def settled(document: Any) -> Any:
    """The same without what the server leaves to chance.

    Privileges come in the order of a Go map. Shards are counted from the start of the server, whatever was dropped.
    """
    for result in document.get("results", ()):
        if "error" in result:
            result["error"] = re.sub(r"^shard \d+:", "shard:", result["error"])
        for series in result.get("series", ()):
            columns, rows = series["columns"], series.get("values", [])
            if columns == ["database", "privilege"]:
                rows.sort()
            if "shard_group" in columns or series.get("name") == "shard groups":
                for row in rows:
                    for name in {"id", "shard_group", "owners"} & set(columns):
                        row[columns.index(name)] = ""
    return document


def _difference(theirs: Any, ours: Any, place: str) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(theirs) != list(ours) and sorted(theirs) != sorted(ours):
            return f"{place or 'document'} has {_keys(theirs)} on the server, {_keys(ours)} here"
        found = (_difference(value, ours[key], f"{place}.{key}") for key, value in theirs.items())
        return next(filter(None, found), "")
    if isinstance(theirs, list) and isinstance(ours, list):
        found = (
            _difference(a, b, f"{place}[{number}]") for number, (a, b) in enumerate(zip(theirs, ours, strict=False))
        )
        first = next(filter(None, found), "")
        if not first and len(theirs) != len(ours):
            return f"{place} has {len(theirs)} items on the server, {len(ours)} here"
        return first
    if _same_value(theirs, ours):
        return ""
    return f"{place} is {theirs!r} on the server, {ours!r} here"


def _keys(document: dict[str, Any]) -> str:
    told = [f"{key} ({document[key]})" if key == "error" else key for key in document]
    return ", ".join(told) or "nothing"


def _same_value(theirs: Any, ours: Any) -> bool:
    numbers = isinstance(theirs, int | float) and isinstance(ours, int | float)
    if numbers and not isinstance(theirs, bool) and not isinstance(ours, bool):
        if isinstance(theirs, int) and isinstance(ours, int) and not (_is_of_float(theirs) and _is_of_float(ours)):
            return theirs == ours
        return math.isclose(theirs, ours, rel_tol=TOLERANCE, abs_tol=NOISE)
    return type(theirs) is type(ours) and bool(theirs == ours)


def _is_of_float(number: int) -> bool:
    """Whether it is how a large float is written in JSON: its shortest digits, and zeros up to the point."""
    return abs(number) > 1 << 49 and int(Decimal(repr(float(number)))) == number
