"""Constant parts of an expression worked out, and brackets taken off that hold one thing only.

It comes before everything else is looked at: constants leave no trace in names, types or errors.
Source of the rules: influxdata/influxql, Reduce.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from influxish.functions.interruption import look
from influxish.functions.registry import FUNCTIONS, MathFunction
from influxish.influxql import ast
from influxish.types import DataType

_Number = ast.IntegerLiteral | ast.UnsignedLiteral | ast.NumberLiteral

LITERALS = (
    ast.NumberLiteral,
    ast.IntegerLiteral,
    ast.UnsignedLiteral,
    ast.StringLiteral,
    ast.BooleanLiteral,
    ast.DurationLiteral,
)

_WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "%": lambda a, b: _remainder(a, b) if b else 0,
}


def reduced(node: ast.Expression) -> ast.Expression:
    """The same expression with its constant parts worked out. It is not nested too deeply: see `check_depth`."""
    look()
    match node:
        case ast.ParenExpr(expression=inner):
            inner = reduced(inner)
            return replace(node, expression=inner) if isinstance(inner, ast.BinaryExpr) else inner
        case ast.Call(args=args):
            call = replace(node, args=tuple(map(reduced, args)))
            return _evaluated(call) or call
        case ast.BinaryExpr(left=left, right=right):
            left, right = reduced(left), reduced(right)
            return _folded(node, left, right) or replace(node, left=left, right=right)
    return node


def _evaluated(call: ast.Call) -> ast.Expression | None:
    """The value of a mathematical function of numbers; None if it is not that."""
    function = FUNCTIONS.get(call.name)
    if not isinstance(function, MathFunction) or not all(isinstance(arg, _Number) for arg in call.args):
        return None
    least, most = function.arguments
    if not least <= len(call.args) <= most:
        return None
    first = _type(call.args[0])
    computes, returns = function.computes(first), function.returns(first)
    values = [np.array([arg.value]).astype(computes.dtype) for arg in call.args if isinstance(arg, _Number)]
    with np.errstate(all="ignore"):
        result = function.kernel(*values)[0]
    if returns is DataType.FLOAT:
        return ast.NumberLiteral(float(result), span=call.span)
    return ast.IntegerLiteral(int(result), span=call.span)


def _type(node: ast.Expression) -> DataType:
    if isinstance(node, ast.NumberLiteral):
        return DataType.FLOAT
    return DataType.UNSIGNED if isinstance(node, ast.UnsignedLiteral) else DataType.INTEGER


def _folded(at: ast.BinaryExpr, left: ast.Expression, right: ast.Expression) -> ast.Expression | None:
    """`left op right` of two constants as one; None if it stays as it is."""
    op, span = at.op, at.span
    match left, right:
        case ast.IntegerLiteral(value=a), ast.IntegerLiteral(value=b):
            if op == "/":
                return ast.NumberLiteral(a / b if b else 0.0, span=span)
            if op in _WHOLE:
                return ast.IntegerLiteral(_wrapped(_WHOLE[op](a, b), signed=True), span=span)
        case (
            (ast.UnsignedLiteral(value=a), ast.UnsignedLiteral(value=b))
            | (ast.UnsignedLiteral(value=a), ast.IntegerLiteral(value=b))
            | (ast.IntegerLiteral(value=a), ast.UnsignedLiteral(value=b))
        ):
            a, b = _wrapped(a, signed=False), _wrapped(b, signed=False)
            if op == "/":
                return ast.UnsignedLiteral(a // b if b else 0, span=span)
            if op in _WHOLE:
                return ast.UnsignedLiteral(_wrapped(_WHOLE[op](a, b), signed=False), span=span)
        case (
            ast.NumberLiteral() | ast.IntegerLiteral() | ast.UnsignedLiteral(),
            ast.NumberLiteral() | ast.IntegerLiteral() | ast.UnsignedLiteral(),
        ):
            value = _in_floats(op, float(left.value), float(right.value))
            return None if value is None else ast.NumberLiteral(value, span=span)
        case ast.StringLiteral(value=text), ast.StringLiteral(value=more) if op == "+":
            return ast.StringLiteral(text + more, span=span)
        case ast.BooleanLiteral(value=a), ast.BooleanLiteral(value=b) if op in "&|^":
            return ast.BooleanLiteral(bool(_WHOLE[op](a, b)), span=span)
        case ast.DurationLiteral(nanoseconds=a), ast.DurationLiteral(nanoseconds=b) if op in "+-":
            return ast.DurationLiteral(_wrapped(_WHOLE[op](a, b), signed=True), span=span)
        case ast.DurationLiteral(nanoseconds=a), ast.IntegerLiteral(value=b) if op in "*/":
            result = a * b if op == "*" else int(math.copysign(abs(a) // abs(b), a * b)) if b else 0
            return ast.DurationLiteral(_wrapped(result, signed=True), span=span)
        case ast.DurationLiteral(nanoseconds=a), ast.NumberLiteral(value=factor) if op in "*/":
            scaled = a * factor if op == "*" else a / factor if factor else 0.0
            return ast.DurationLiteral(int(scaled), span=span)
    return None


def _in_floats(op: str, a: float, b: float) -> float | None:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b if b else 0.0
        case "%":
            return math.fmod(a, b) if b else math.nan
    return None


def _remainder(a: int, b: int) -> int:
    """What is left of a division towards zero."""
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def _wrapped(value: int, *, signed: bool) -> int:
    """As it comes out of 64 bits."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if signed and value >> 63 else value
