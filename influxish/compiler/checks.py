"""What can be wrong with a select list before any data is looked at, in InfluxDB's order and InfluxDB's words.

Source of the rules and the wording: influxdata/influxdb 1.8, query/compile.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import Enum

from influxish.compiler.arguments import check_arguments, check_math
from influxish.compiler.reduction import LITERALS, reduced
from influxish.compiler.result_types import typed_text
from influxish.errors import CompileError, QueryError
from influxish.functions.interruption import look
from influxish.functions.registry import (
    FUNCTIONS,
    GroupFunction,
    MathFunction,
    SelectorFunction,
    Stamp,
    WalkFunction,
)
from influxish.influxql import ast
from influxish.influxql.node import AstNode


class Buckets(Enum):
    """Where the buckets of a SELECT come from."""

    NONE = "none"
    OWN = "own"
    INHERITED = "inherited"  # from the query around it


@dataclass(slots=True)
class Traits:
    """What the fields of one SELECT have in common; decides which mixtures are allowed.

    Attributes:
        buckets: where its buckets come from.
        calls: every call but those of mathematical functions, repeats included.
        has_columns: some field or tag is selected as it is.
        only_selectors: no call computes its result from several rows.
        top_bottom: name of the call of top() or bottom(), or "".
        alone: name of a called function that allows nothing beside it, or "".
    """

    buckets: Buckets = Buckets.NONE
    calls: list[ast.Call] = field(default_factory=list)
    has_columns: bool = False
    only_selectors: bool = True
    top_bottom: str = ""
    alone: str = ""


MAX_DEPTH = 200
"""Operators within operators; far above what anybody writes, and safe for everything that walks a tree by recursion."""


def check_depth(node: ast.Expression) -> None:
    """Raise CompileError for an expression that is nested too deeply, without recursion of our own.

    Chains of AND and OR are flat and may have any length.
    """
    pending: list[tuple[AstNode, int]] = [(node, 0)]
    while pending:
        part, depth = pending.pop()
        if depth > MAX_DEPTH:
            message = f"the expression is nested more than {MAX_DEPTH} deep"
            raise CompileError(message, span=part.span, hint="a + b + c … counts one for each operator")
        flat = isinstance(part, ast.BinaryExpr) and part.op in ("AND", "OR")
        pending.extend((child, depth + (not flat)) for child in part.children())


def reduce_fields(fields: Sequence[ast.Field]) -> tuple[ast.Field, ...]:
    """The select list with its constant parts worked out.

    Raises:
        CompileError: an expression is nested too deeply.
    """
    found = []
    for item in fields:
        look()
        check_depth(item.expression)
        found.append(replace(item, expression=reduced(item.expression)))
    return tuple(found)


def check_fields(select: ast.Select, buckets: Buckets) -> Traits:
    """Check each field of a select list, as `reduce_fields` leaves it, by itself; `time` alone is passed over.

    Raises:
        CompileError: with the place of the first fault.
    """
    traits = Traits(buckets)
    for item in select.fields:
        look()
        if not is_time(item.expression):
            _check(item.expression, traits, select.limit, wildcard=True)
    return traits


def check_mixture(select: ast.Select, traits: Traits, *, by_time: bool, fill: str) -> None:
    """Check the fields against each other and against GROUP BY and fill().

    Raises:
        CompileError: with the place of the fault.
    """
    span = select.fields[0].span.to(select.fields[-1].span)
    if all(is_time(item.expression) for item in select.fields):
        raise CompileError("at least 1 non-time field must be queried", span=span)
    if not traits.calls and not traits.has_columns:
        raise CompileError("field must contain at least one variable", span=span)
    if traits.top_bottom and len(traits.calls) > 1:
        raise CompileError(
            f"selector function {traits.top_bottom}() cannot be combined with other functions", span=span
        )
    if not traits.calls:
        hint = "for example  mean(usage)"
        buckets = next((d.span for d in select.dimensions if isinstance(d.expression, ast.Call)), span)
        if fill in ("none", "linear"):
            place = select.fill.span if select.fill else buckets
            raise CompileError(f"fill({fill}) must be used with a function", span=place, hint=hint)
        if by_time:
            raise CompileError("GROUP BY requires at least one aggregate function", span=buckets, hint=hint)
    if traits.alone and (len(traits.calls) != 1 or traits.has_columns):
        raise CompileError(
            f"aggregate function {traits.alone}() cannot be combined with other functions or fields", span=span
        )
    if traits.has_columns and traits.calls:
        if not traits.only_selectors:
            raise CompileError("mixing aggregate and non-aggregate queries is not supported", span=span)
        if len(traits.calls) > 1:
            raise CompileError("mixing multiple selector functions with tags or fields is not supported", span=span)


def check_expanded(select: ast.Select, fields: Sequence[ast.Field], buckets: Buckets) -> None:
    """Check that columns which wildcards inside of mathematics stand for may stand beside the calls.

    Raises:
        CompileError
    """
    traits = check_fields(replace(select, fields=tuple(fields)), buckets)
    if traits.calls and traits.has_columns and not traits.only_selectors:
        span = select.fields[0].span.to(select.fields[-1].span)
        raise CompileError("mixing aggregate and non-aggregate queries is not supported", span=span)


def is_time(node: ast.Expression) -> bool:
    """Whether it is the bare column `time`."""
    return isinstance(node, ast.VarRef) and node.name == "time" and node.type is None


def _check(node: ast.Expression, traits: Traits, limit: int, *, wildcard: bool) -> None:
    match node:
        case ast.VarRef():
            traits.has_columns = True
        case ast.Wildcard() | ast.RegexLiteral():
            if not wildcard:
                kind = "wildcard" if isinstance(node, ast.Wildcard) else "regex"
                raise CompileError(f"unable to use {kind} in a binary expression", span=node.span)
            traits.has_columns = True
        case ast.ParenExpr(expression=inner):
            _check(inner, traits, limit, wildcard=wildcard)
        case ast.BinaryExpr(left=left, right=right):
            if isinstance(left, LITERALS) and isinstance(right, LITERALS):
                raise CompileError("cannot perform a binary expression on two literals", span=node.span)
            for side in (left, right):
                if not isinstance(side, LITERALS):
                    _check(side, traits, limit, wildcard=False)
        case ast.Distinct(call=call):
            _check_call(call, traits, limit, wildcard)
        case ast.Call():
            _check_call(node, traits, limit, wildcard)
        case _:
            raise CompileError("field must contain at least one variable", span=node.span)


def _check_call(call: ast.Call, traits: Traits, limit: int, wildcard: bool) -> None:
    function = FUNCTIONS.get(call.name)
    if isinstance(function, MathFunction):
        check_math(call)
        for place, argument in enumerate(call.args):
            if isinstance(argument, ast.RegexLiteral):
                raise CompileError("field must contain at least one variable", span=argument.span)
            if place and isinstance(argument, ast.Wildcard):
                raise CompileError(f"unable to use a wildcard as argument {place + 1} of {call.name}()", span=call.span)
            if not isinstance(argument, LITERALS):
                _check(argument, traits, limit, wildcard=wildcard and not place)
        return
    if not isinstance(function, GroupFunction | WalkFunction):
        raise undefined(call)
    traits.calls.append(call)
    if isinstance(function, WalkFunction):
        _check_walk(call, function, traits, limit, wildcard)
    elif isinstance(function, SelectorFunction) and function.takes_keys:
        _check_top_bottom(call, traits, limit)
    elif function.alone:
        traits.alone = call.name
        traits.only_selectors = False
        _check_single_field(call)
    else:
        if function.stamp is Stamp.BUCKET:
            traits.only_selectors = False
        _check_plain(call, function, traits, wildcard)


def _check_walk(call: ast.Call, function: WalkFunction, traits: Traits, limit: int, wildcard: bool) -> None:
    check_arguments(call, function)
    traits.only_selectors = False
    inner = call.args[0]  # `DISTINCT v` is no call here
    if function.of_aggregates == "never" or not isinstance(inner, ast.Call):
        if function.of_aggregates == "must":
            raise CompileError(f"must use aggregate function with {call.name}", span=inner.span)
        if function.of_aggregates == "may" and traits.buckets is Buckets.OWN:
            message = f"aggregate function required inside the call to {call.name}"
            raise CompileError(message, span=inner.span, hint=f"for example  {call.name}(mean(usage))")
        _check_column(call, traits, wildcard)
        return
    if traits.buckets is Buckets.NONE:
        raise CompileError(f"{call.name} aggregate requires a GROUP BY interval", span=call.span)
    nested = FUNCTIONS.get(inner.name)
    if isinstance(nested, GroupFunction) and nested.alone:
        _check_single_field(inner)
    else:
        _check(inner, traits, limit, wildcard=wildcard)


def _check_column(call: ast.Call, traits: Traits, wildcard: bool) -> None:
    """Check that a function is called on a field, or on a wildcard where there may be one."""
    argument = call.args[0]
    if isinstance(argument, ast.Wildcard | ast.RegexLiteral):
        if not wildcard:
            kind = "wildcard" if isinstance(argument, ast.Wildcard) else "regex field"
            raise CompileError(f"unsupported expression with {kind}: {call.name}()", span=argument.span)
        traits.only_selectors = False
    elif not isinstance(argument, ast.VarRef):
        raise CompileError(f"expected field argument in {call.name}()", span=argument.span)


def undefined(call: ast.Call) -> QueryError:
    """The error for a call of a function that does not exist."""
    near = get_close_matches(call.name, FUNCTIONS, 1)
    hint = f"did you mean {near[0]}()?" if near else ""
    return CompileError(f"undefined function {call.name}()", span=call.span, hint=hint)


def _check_plain(call: ast.Call, function: GroupFunction, traits: Traits, wildcard: bool) -> None:
    check_arguments(call, function)
    argument = call.args[0].call if isinstance(call.args[0], ast.Distinct) else call.args[0]
    if isinstance(argument, ast.Call) and argument.name in function.nested:
        _check_single_field(argument)
    else:
        _check_column(call, traits, wildcard)


def _check_single_field(call: ast.Call) -> None:
    if not call.args:
        raise CompileError(f"{call.name} function requires at least one argument", span=call.span)
    if len(call.args) > 1:
        raise CompileError(f"{call.name} function can only have one argument", span=call.args[1].span)
    if not isinstance(call.args[0], ast.VarRef):
        raise CompileError(f"expected field argument in {call.name}()", span=call.args[0].span)


def _check_top_bottom(call: ast.Call, traits: Traits, limit: int) -> None:
    name = call.name
    if traits.top_bottom:
        raise CompileError(
            f"selector function {traits.top_bottom}() cannot be combined with other functions", span=call.span
        )
    if len(call.args) < 2:
        raise CompileError(
            f"invalid number of arguments for {name}, expected at least 2, got {len(call.args)}", span=call.span
        )
    last = call.args[-1]
    if not isinstance(last, ast.IntegerLiteral):
        raise CompileError(f"expected integer as last argument in {name}(), found {typed_text(last)}", span=last.span)
    if last.value <= 0:
        raise CompileError(f"limit ({last.value}) in {name} function must be at least 1", span=last.span)
    if 0 < limit < last.value:
        raise CompileError(
            f"limit ({last.value}) in {name} function can not be larger than the LIMIT ({limit}) in the "
            "select statement",
            span=last.span,
        )
    first = call.args[0]
    if not isinstance(first, ast.VarRef):
        raise CompileError(
            f"expected first argument to be a field in {name}(), found {typed_text(first)}", span=first.span
        )
    for argument in call.args[1:-1]:
        if not isinstance(argument, ast.VarRef):
            raise CompileError(
                f"only fields or tags are allowed in {name}(), found {typed_text(argument)}", span=argument.span
            )
    traits.top_bottom = name
