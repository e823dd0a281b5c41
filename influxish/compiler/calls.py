"""What in a field is a call, and what stands outside of calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from influxish.functions.interruption import look
from influxish.functions.registry import FUNCTIONS, GroupFunction, WalkFunction
from influxish.influxql import ast


def is_call(node: ast.Expression) -> bool:
    """Whether it calls a function that is not one of mathematics."""
    if isinstance(node, ast.Distinct):
        return True
    return isinstance(node, ast.Call) and isinstance(FUNCTIONS.get(node.name), GroupFunction | WalkFunction)


def as_call(node: ast.Expression) -> ast.Call:
    """A call as it is made: `DISTINCT v` is distinct(v), also as the argument of another call."""
    if isinstance(node, ast.Distinct):
        return node.call
    assert isinstance(node, ast.Call)
    if isinstance(node.args[0], ast.Distinct):
        return replace(node, args=(node.args[0].call, *node.args[1:]))
    return node


def group_calls(node: ast.Expression) -> Iterator[ast.Call | ast.Distinct]:
    """The calls in an expression, those of mathematics and those inside others left out."""
    look()
    if isinstance(node, ast.Distinct) or (isinstance(node, ast.Call) and is_call(node)):
        yield node
    else:
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from group_calls(child)


def outside_calls(node: ast.Expression) -> Iterator[ast.VarRef]:
    """The variables in an expression that are not arguments of a call, but for mathematics."""
    look()
    if isinstance(node, ast.VarRef):
        yield node
    elif not is_call(node):
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from outside_calls(child)


def stripped(node: ast.Expression) -> ast.Expression:
    """What stands in the brackets, if it is nothing but these."""
    while isinstance(node, ast.ParenExpr):
        node = node.expression
    return node


def is_computed(node: ast.Expression) -> bool:
    """Whether something is made of what calls give, or of the columns beside them."""
    return not isinstance(node, ast.VarRef) and not is_call(node)
