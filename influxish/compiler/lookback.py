"""How far before its time range a query reads, for functions that look at the bucket before.

Each function that looks back does so by one bucket, also inside another; but no query reads further than the one of the
outermost SELECT's functions that reaches furthest. Buckets beyond that are there, and empty.
Source: influxdata/influxdb 1.6, ExtraIntervals of query/compile.go and the time ranges of query/select.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from influxish.compiler.arguments import constants
from influxish.functions.registry import FUNCTIONS, WalkFunction
from influxish.influxql import ast
from influxish.types import MAX_TIME, TimeRange, Window


def look_backs(node: ast.Expression, steps: int = 0) -> Iterator[int]:
    """By how many buckets each column in an expression is looked back on."""
    if isinstance(node, ast.VarRef | ast.Wildcard | ast.RegexLiteral):
        yield steps
    elif isinstance(node, ast.Call):
        if node.args:
            yield from look_backs(node.args[0], steps + looks_back(node))
    else:
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from look_backs(child, steps)
    if isinstance(node, ast.Distinct):
        yield steps


def looks_back(call: ast.Call) -> bool:
    """Whether a call looks at the bucket before those of the query. Without buckets there is none."""
    function = FUNCTIONS.get(call.name)
    return isinstance(function, WalkFunction) and function.looks_back


def reach_of(node: ast.Expression) -> int:
    """How many buckets before the time range the calls in an expression may read."""
    found = 0
    for part in node.walk():
        function = FUNCTIONS.get(part.name) if isinstance(part, ast.Call) else None
        if isinstance(function, WalkFunction) and isinstance(part, ast.Call):
            found = max(found, function.reach(constants(part, part.args[1:], None)))
    return found


def look_back(time_range: TimeRange, window: Window | None, steps: int, descending: bool) -> TimeRange:
    """The range with so many buckets more at the end that comes first in the answer.

    None is left where it would begin before the beginning of time, as without a lower bound: on the server the number
    of ns wraps around.
    """
    if window is None or not steps:
        return time_range
    width = window.every * steps
    if descending:
        return TimeRange(
            time_range.start, min(time_range.stop + width, MAX_TIME) if time_range.has_stop else time_range.stop
        )
    start = time_range.start - width
    return TimeRange(time_range.stop, time_range.stop) if start < -1 << 63 else TimeRange(start, time_range.stop)
