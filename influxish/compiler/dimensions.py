"""GROUP BY taken apart: the buckets of `time(…)`, and the tags as written."""

from __future__ import annotations

from collections.abc import Sequence

from influxish.compiler.conditions import Clock, moment
from influxish.errors import CompileError
from influxish.influxql import ast, format_node
from influxish.types import Window


def window_of(select: ast.Select, clock: Clock) -> Window | None:
    """The buckets of GROUP BY time(…), after checking every dimension."""
    found: Window | None = None
    seen = False
    for dimension in select.dimensions:
        node = dimension.expression
        if isinstance(node, ast.VarRef):
            if node.name.lower() == "time":
                raise CompileError("time() is a function and expects at least one argument", span=node.span)
        elif isinstance(node, ast.Call):
            if node.name != "time":
                raise CompileError("only time() calls allowed in dimensions", span=node.span)
            if seen:
                raise CompileError("multiple time dimensions not allowed", span=node.span)
            found, seen = _time_dimension(node, clock), True
        elif not isinstance(node, ast.Wildcard | ast.RegexLiteral):
            raise CompileError("only time and tag dimensions allowed", span=node.span)
    return found


def _time_dimension(call: ast.Call, clock: Clock) -> Window | None:
    if not 1 <= len(call.args) <= 2:
        raise CompileError("time dimension expected 1 or 2 arguments", span=call.span)
    every = call.args[0]
    if not isinstance(every, ast.DurationLiteral):
        negated = isinstance(every, ast.BinaryExpr) and all(
            isinstance(part, ast.DurationLiteral | ast.IntegerLiteral | ast.BinaryExpr) for part in every.walk()
        )
        if negated:  # time(-5s) means no buckets, as time(0s) does
            return None
        raise CompileError("time dimension must have duration argument", span=every.span, hint="write time(5m)")
    offset = 0
    if len(call.args) == 2:
        node = call.args[1]
        if isinstance(node, ast.StringLiteral):
            raise CompileError(f"invalid time dimension offset: {format_node(node)}", span=node.span)
        offset = moment(node, clock)
    if every.nanoseconds <= 0:
        return None
    return Window.tumbling(every.nanoseconds, offset, "" if clock.zone == "UTC" else clock.zone)


def dimension_names(dimensions: Sequence[ast.Dimension]) -> tuple[str, ...]:
    """The tags grouped by, as written and each once: names, patterns in slashes, `*`."""
    names: dict[str, None] = {}
    for dimension in dimensions:
        node = dimension.expression
        names["*" if isinstance(node, ast.Wildcard) else _dimension_name(node)] = None
    return tuple(names)


def _dimension_name(node: ast.Expression) -> str:
    return f"/{node.pattern}/" if isinstance(node, ast.RegexLiteral) else node.name  # type: ignore[attr-defined]


def is_time_call(dimension: ast.Dimension) -> bool:
    """Whether it is `time(…)`, not a tag."""
    return isinstance(dimension.expression, ast.Call)
