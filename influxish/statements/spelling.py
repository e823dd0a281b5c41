"""How a condition on the schema is spelled, which matters to the server: what stands on which side, calls, constants.

Here conditions are trees of InfluxQL still; `conditions.py` has what they mean to an index.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from influxish.errors import CompileError
from influxish.influxql import ast, format_node
from influxish.influxql.node import AstNode, rewrite


def begins_with_time(node: ast.Expression | None) -> bool:
    """Whether a comparison begins with the time. The server overlooks `'2020-01-01' < time`, though it heeds it."""
    return node is not None and any(
        isinstance(part, ast.BinaryExpr) and isinstance(part.left, ast.VarRef) and _is_time(part.left)
        for part in node.walk()
    )


def refuse_calls(node: ast.Expression | None) -> None:
    """Raises: CompileError: a function other than `now()` is called."""
    for part in node.walk() if node is not None else ():
        if isinstance(part, ast.Call) and part.name != "now":
            raise CompileError(f"invalid function call in condition: {format_node(part)}", span=part.span)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


_NEITHER = ast.BinaryExpr("+", ast.IntegerLiteral(1), ast.IntegerLiteral(1))
"""What is neither a tag nor a text."""


def folded(node: ast.Expression) -> ast.Expression:
    """The same with comparisons of constants decided.

    A call becomes a sum: an index knows as much of the one as of the other, which is neither a tag nor a text.
    """
    result = rewrite(node, _folded)
    assert isinstance(result, ast.Expression)
    return result


def _folded(node: AstNode) -> AstNode:
    if isinstance(node, ast.Call) and node.name != "now":
        return replace(_NEITHER, span=node.span)
    match node:
        case ast.BinaryExpr(
            op=("=" | "!=" | "<>" | "<" | "<=" | ">" | ">=") as op,
            left=ast.StringLiteral() | ast.IntegerLiteral() | ast.NumberLiteral() | ast.BooleanLiteral() as left,
            right=ast.StringLiteral() | ast.IntegerLiteral() | ast.NumberLiteral() | ast.BooleanLiteral() as right,
        ) if _comparable(op, left.value, right.value):
            return ast.BooleanLiteral(_ORDERS[op](left.value, right.value), span=node.span)
    return node


def with_names_first(node: ast.Expression) -> ast.Expression:
    """The same with a sum in the place of each constant that a name is compared with from the right."""

    def change(part: AstNode) -> AstNode:
        match part:
            case ast.BinaryExpr(
                op=("=" | "!=" | "<>") as op,
                left=ast.StringLiteral() | ast.IntegerLiteral() | ast.NumberLiteral() | ast.BooleanLiteral(),
                right=ast.VarRef() as right,
            ) if not _is_time(right):
                return ast.BinaryExpr(op, _NEITHER, right, span=part.span)
        return part

    result = rewrite(node, change)
    assert isinstance(result, ast.Expression)
    return result


def _comparable(op: str, left: object, right: object) -> bool:
    """Whether the server decides it: numbers by any order, texts and truth values by equality."""
    kinds = {type(left), type(right)}
    return kinds <= {int, float} or (len(kinds) == 1 and op in ("=", "!=", "<>"))


def _is_time(node: ast.VarRef) -> bool:
    return node.name.lower() == "time" and node.type is None


def check_left_sides(node: ast.Expression | None) -> None:
    """Raises: CompileError: a comparison does not begin with the name of a tag."""
    for part in folded(node).walk() if node is not None else ():
        if isinstance(part, ast.BinaryExpr) and part.op in ("=", "!=", "<>", "=~", "!~"):
            right_is_time = isinstance(part.right, ast.VarRef) and _is_time(part.right)
            if not isinstance(part.left, ast.VarRef) and not right_is_time:
                raise wrong_left(part)


def wrong_left(node: ast.BinaryExpr) -> CompileError:
    """The error of a comparison that does not begin with the name of a tag."""
    op = "!=" if node.op == "<>" else node.op
    return CompileError(f"left side of '{op}' must be a tag key", span=node.left.span)
