"""WHERE taken apart: one range of time, and a condition on everything else.

Source of the rules: influxdata/influxql, ConditionExpr and Reduce; a time bound narrows the range wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from influxish.compiler.arguments import check_math
from influxish.compiler.checks import check_depth
from influxish.compiler.expressions import lower
from influxish.compiler.reduction import reduced
from influxish.errors import CompileError
from influxish.functions.expression import NULL, Comparison, Expression, Literal, Logical, Match, Reference
from influxish.functions.registry import FUNCTIONS, MathFunction
from influxish.influxql import ast, format_node
from influxish.moments import clock_shown, parse_moment
from influxish.types import ALL_TIME, DAY, MAX_TIME, MIN_TIME, SECOND, DataType, TimeRange, format_time

_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Clock:
    """What time literals depend on: the moment `now()` stands for (UTC ns), and the zone of strings without offset."""

    now: int
    zone: str = ""


def split_condition(condition: ast.Expression | None, clock: Clock) -> tuple[Expression | None, TimeRange]:
    """The condition without its bounds on time (None when nothing is left), and the range that they leave.

    Raises:
        CompileError: a bound that is none, or a condition that is no condition.
    """
    if condition is None:
        return None, ALL_TIME
    check_depth(condition)
    rest = _without_time(condition)
    _refuse_calls(rest.expression if isinstance(rest, ast.ParenExpr) else rest)
    return _split(condition, clock)


def _split(node: ast.Expression, clock: Clock) -> tuple[Expression | None, TimeRange]:
    while isinstance(node, ast.ParenExpr):
        node = node.expression
    if isinstance(node, ast.BinaryExpr) and node.op in ("AND", "OR"):
        terms, time_range = [], ALL_TIME
        for operand in _chain(node):
            term, bound = _split(operand, clock)
            time_range = time_range.intersect(bound)
            if term is not None:
                terms.append(term)
        if len(terms) < 2:
            return (terms[0] if terms else None), time_range
        return Logical(node.op, tuple(terms), type=DataType.BOOLEAN, span=node.span), time_range
    if isinstance(node, ast.BinaryExpr) and (node.op in _COMPARISONS or node.op in ("=~", "!~")):
        if _is_time(node.left):
            return None, _bound(node.op, node.left, node.right, clock)
        if _is_time(node.right):
            return None, _bound(_MIRRORED.get(node.op, node.op), node.right, node.left, clock)
        return _comparison(node), ALL_TIME
    if isinstance(node, ast.BooleanLiteral):
        return Literal(node.value, type=DataType.BOOLEAN, span=node.span), ALL_TIME
    _refuse_calls(node)
    raise CompileError(
        f"invalid condition expression: {format_node(node)}",
        span=node.span,
        hint="a condition compares: write for example  usage > 90",
    )


def _chain(node: ast.BinaryExpr) -> Sequence[ast.Expression]:
    """The operands of a run of one operator, left to right, without recursion on its length."""
    operands: list[ast.Expression] = []
    current: ast.Expression = node
    while isinstance(current, ast.BinaryExpr) and current.op == node.op:
        operands.append(current.right)
        current = current.left
    return [current, *reversed(operands)]


def _without_time(node: ast.Expression) -> ast.Expression | None:
    """What is left of a condition without its bounds on time; brackets in brackets are one pair."""
    match node:
        case ast.ParenExpr(expression=inner):
            rest = _without_time(inner)
            return rest if rest is None or isinstance(rest, ast.ParenExpr) else replace(node, expression=rest)
        case ast.BinaryExpr(op=("AND" | "OR") as op):
            kept = [rest for operand in _chain(node) if (rest := _without_time(operand)) is not None]
            if not kept:
                return None
            whole = kept[0]
            for operand in kept[1:]:
                whole = ast.BinaryExpr(op, whole, operand, span=node.span)
            return whole
        case ast.BinaryExpr(left=left_side, right=right_side) if _is_time(left_side) or _is_time(right_side):
            return None
    return node


def _refuse_calls(node: ast.Expression | None) -> None:
    """Only functions that work value by value may be called in a condition; in brackets InfluxDB does not look."""
    pending = [] if node is None else [node]
    while pending:
        part = pending.pop()
        if isinstance(part, ast.Call) and not isinstance(FUNCTIONS.get(part.name), MathFunction):
            raise CompileError(f"invalid function call in condition: {format_node(part)}", span=part.span)
        if not isinstance(part, ast.ParenExpr):
            pending += [child for child in reversed(list(part.children())) if isinstance(child, ast.Expression)]


def _check_math_calls(side: ast.Expression) -> None:
    for part in side.walk():
        if isinstance(part, ast.Call) and isinstance(FUNCTIONS.get(part.name), MathFunction):
            check_math(part)


def _comparison(node: ast.BinaryExpr) -> Expression:
    for side in (node.left, node.right):
        _check_math_calls(side)
    if node.op in ("=~", "!~"):
        if not isinstance(node.right, ast.RegexLiteral):
            message = f"invalid condition expression: {format_node(node)}"
            raise CompileError(message, span=node.span, hint="a regular expression stands alone behind =~ and !~")
        operand, negated = lower(reduced(node.left), _no_value), node.op == "!~"
        return Match(operand, node.right.pattern, negated, type=DataType.BOOLEAN, span=node.span)
    op = _COMPARISONS[node.op]
    left, right = lower(reduced(node.left), _no_value), lower(reduced(node.right), _no_value)
    if isinstance(left, Literal) and isinstance(right, Reference):  # the index and the blocks look for name op literal
        left, right, op = right, left, _MIRRORED.get(op, op)
    return Comparison(op, left, right, type=DataType.BOOLEAN, span=node.span)


def _no_value(node: ast.Expression) -> Expression:
    """InfluxDB takes `DISTINCT v`, `*` and calls in brackets in a condition, and finds nothing there."""
    return NULL


# --- time ---------------------------------------------------------------------------------------------------------


def _is_time(node: ast.Expression) -> bool:
    return isinstance(node, ast.VarRef) and node.name.lower() == "time" and node.type is None


def _bound(op: str, name: ast.Expression, value: ast.Expression, clock: Clock) -> TimeRange:
    if op not in ("=", "<", "<=", ">", ">=") and not isinstance(value, ast.RegexLiteral):
        raise CompileError(f"invalid time comparison operator: {op}", span=name.span.to(value.span))
    time = moment(value, clock)
    if not MIN_TIME < time <= MAX_TIME and any(isinstance(part, ast.StringLiteral | ast.Call) for part in value.walk()):
        flow = "overflows" if time > MAX_TIME else "underflows"
        raise CompileError(
            f"time {_second(time, _clock_shown(value, clock))} {flow} time literal",
            span=value.span,
            hint=f"times go from {format_time(MIN_TIME + 1)} to {format_time(MAX_TIME)}",
        )
    time = min(max(time, MIN_TIME), MAX_TIME)
    match op:
        case "=":
            return TimeRange(time, time + 1)
        case "<":
            return TimeRange(stop=time)
        case "<=":
            return TimeRange(stop=time + 1)
        case ">":
            return TimeRange(start=time + 1)
        case _:
            return TimeRange(start=time)


def _clock_shown(value: ast.Expression, clock: Clock) -> int | ZoneInfo:
    texts = (part.value for part in value.walk() if isinstance(part, ast.StringLiteral))
    return clock_shown(next(texts, ""), clock.zone)


def _second(time: int, shown: int | ZoneInfo) -> str:
    """A moment that may be too far away for every type of time, to the second, by the clock it was written in."""
    if isinstance(shown, ZoneInfo):  # it knows the years 1 to 9999
        within = min(max(time // SECOND, -62_135_000_000), 253_402_000_000)
        ahead = (datetime.fromtimestamp(within, shown).utcoffset() or timedelta()) // timedelta(seconds=1)
    else:
        ahead = shown // SECOND
    days, second = divmod(time // SECOND + ahead, DAY // SECOND)
    text = f"{np.datetime64(days, 'D')}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    hours, minutes = divmod(abs(ahead) // 60, 60)
    return f"{text}{'-' if ahead < 0 else '+'}{hours:02}:{minutes:02}" if ahead else f"{text}Z"


def moment(node: ast.Expression, clock: Clock) -> int:
    """The moment (UTC ns) that a constant expression names: a literal, `now()`, or one of them ± durations."""
    match node:
        case ast.ParenExpr(expression=inner):
            return moment(inner, clock)
        case ast.IntegerLiteral(value=value) | ast.DurationLiteral(nanoseconds=value):
            return value
        case ast.NumberLiteral(value=number):
            return int(number)
        case ast.StringLiteral(value=text):
            return _parse_time(text, clock.zone, node)
        case ast.Call(name="now", args=()):
            return clock.now
        case ast.BinaryExpr(op="+", left=left, right=right):
            return moment(left, clock) + moment(right, clock)
        case ast.BinaryExpr(op="-", left=left, right=right):
            return moment(left, clock) - moment(right, clock)
        case ast.BinaryExpr(op="*", left=ast.IntegerLiteral(value=factor), right=right):
            return factor * moment(right, clock)
        case ast.BinaryExpr(op="*", left=left, right=ast.IntegerLiteral(value=factor)):
            return factor * moment(left, clock)
    raise _not_a_time(node)


def _not_a_time(node: ast.Expression) -> CompileError:
    kind = type(node).__name__
    return CompileError(
        f"invalid operation: time and *influxql.{kind} are not compatible",
        span=node.span,
        hint="times are written '2020-01-01T00:00:00Z', '2020-01-01', 1577836800s or now() - 1h",
    )


def _parse_time(text: str, zone: str, node: ast.Expression) -> int:
    """UTC ns of a time string; local time of `zone` where the string has no offset."""
    if not _DATE.match(text):
        raise _not_a_time(node)
    hint = "write '2020-01-01T00:00:00Z' or '2020-01-01'"
    try:
        time = parse_moment(text, zone=zone)
    except ValueError:
        time, hint = None, "there is no such date or time"
    if time is None:
        raise CompileError("invalid timestamp string", span=node.span, hint=hint)
    return time
