"""AST expressions → expressions over columns, with names still unknown; calls become references to their results."""

from __future__ import annotations

from collections.abc import Callable

from influxish.errors import CompileError
from influxish.functions.expression import Arithmetic, Expression, Literal, MathCall, Reference
from influxish.functions.registry import FUNCTIONS, MathFunction
from influxish.influxql import ast, format_node
from influxish.types import DataType

OnCall = Callable[[ast.Call | ast.Distinct | ast.Wildcard], Expression]
OnVariable = Callable[[ast.VarRef], Expression]


def lower(node: ast.Expression, call: OnCall | None = None, variable: OnVariable | None = None) -> Expression:
    """The expression that a tree of the language stands for.

    Args:
        node: literals, variables, arithmetic, mathematical functions, and calls if `call` is given.
        call: what to put in the place of a call of a group function, and of a wildcard.
        variable: what to put in the place of a variable; by default a reference to it.
    Raises:
        CompileError: something that has no value.
    """
    match node:
        case ast.ParenExpr(expression=inner):
            return lower(inner, call, variable)
        case ast.VarRef(name=name, type=cast):
            return variable(node) if variable else Reference(name, cast, span=node.span)
        case ast.IntegerLiteral(value=value):
            return Literal(value, type=DataType.INTEGER, span=node.span)
        case ast.UnsignedLiteral(value=value):
            return Literal(value, type=DataType.UNSIGNED, span=node.span)
        case ast.NumberLiteral(value=value):
            return Literal(value, type=DataType.FLOAT, span=node.span)
        case ast.StringLiteral(value=value):
            return Literal(value, type=DataType.STRING, span=node.span)
        case ast.BooleanLiteral(value=value):
            return Literal(value, type=DataType.BOOLEAN, span=node.span)
        case ast.DurationLiteral(nanoseconds=value):
            return Literal(value, type=DataType.DURATION, span=node.span)
        case ast.BinaryExpr(op=op, left=left, right=right) if op in "+-*/%&|^":
            return Arithmetic(op, lower(left, call, variable), lower(right, call, variable), span=node.span)
        case ast.Call(name=name, args=args) if isinstance(FUNCTIONS.get(name), MathFunction):
            function = FUNCTIONS[name]
            assert isinstance(function, MathFunction)
            return MathCall(name, tuple(lower(arg, call, variable) for arg in args), function.kernel, span=node.span)
        case ast.Call() | ast.Distinct() | ast.Wildcard() if call is not None:
            return call(node)
    raise CompileError(f"invalid expression: {format_node(node)}", span=node.span)
