"""The types that InfluxDB says selected expressions have, and the type errors it finds on the way.

They are worked out from the AST before anything runs, and are not always those of the values: `sqrt(i)` of integers is
an integer by this reckoning. What reads a subquery takes its columns as what is said here.
Source: influxdata/influxql, TypeValuerEval; influxdata/influxdb 1.6, FunctionTypeMapper in query/functions.go.
"""

from __future__ import annotations

from collections.abc import Callable

from influxish.errors import CompileError
from influxish.functions.interruption import look
from influxish.functions.registry import FUNCTIONS, MathFunction
from influxish.influxql import ast, format_node
from influxish.influxql.printing import quote_identifier, quote_string
from influxish.types import DataType

TypeOf = Callable[[str], DataType]
"""The type of a column by its name; UNKNOWN if there is no such column."""

_LITERALS: dict[type[ast.Expression], DataType] = {
    ast.NumberLiteral: DataType.FLOAT,
    ast.IntegerLiteral: DataType.INTEGER,
    ast.UnsignedLiteral: DataType.UNSIGNED,
    ast.StringLiteral: DataType.STRING,
    ast.BooleanLiteral: DataType.BOOLEAN,
}
_INTEGERS = (DataType.INTEGER, DataType.UNSIGNED)


def result_type(node: ast.Expression, type_of: TypeOf, *, nested: bool = False) -> DataType:
    """The type of a selected expression without wildcards; UNKNOWN where nothing is known of it.

    Args:
        nested: it is selected in a subquery, where mathematics of what is unknown is unknown, and no float.
    Raises:
        CompileError: operands that do not go together.
    """
    look()
    match node:
        case ast.VarRef():
            return _type_of_variable(node, type_of)
        case ast.ParenExpr(expression=inner):
            return result_type(inner, type_of, nested=nested)
        case ast.Distinct():
            return DataType.UNKNOWN
        case ast.Call(name=name, args=args):
            types = [result_type(argument, type_of, nested=nested) for argument in args]
            first = types[0] if types else DataType.UNKNOWN
            function = FUNCTIONS.get(name)
            if isinstance(function, MathFunction) and (nested or first is not DataType.UNKNOWN):
                return first
            return first if function is None else function.returns(first)
        case ast.BinaryExpr(left=left, right=right):
            types = [result_type(side, type_of, nested=nested) for side in (left, right)]
            return _type_of_operation(node, types[0], types[1], type_of)
    return _LITERALS.get(type(node), DataType.UNKNOWN)


def column_type(node: ast.Expression, type_of: TypeOf, *, nested: bool) -> DataType:
    """The type that a selected expression is said to have as a column: a tag selected as a field is a tag all the same.

    Arguments and errors are those of `result_type`.
    """
    if isinstance(node, ast.VarRef) and node.type is DataType.ANY_FIELD:
        return type_of(node.name)
    if isinstance(node, ast.Distinct):
        return result_type(node.call, type_of)
    return result_type(node, type_of, nested=nested)


def _type_of_variable(node: ast.VarRef, type_of: TypeOf) -> DataType:
    if node.type is None or node.type is DataType.ANY_FIELD:
        own = type_of(node.name)
        return DataType.UNKNOWN if own is DataType.TAG and node.type is not None else own
    return node.type


def _type_of_operation(node: ast.BinaryExpr, left: DataType, right: DataType, type_of: TypeOf) -> DataType:
    op, literals = node.op, (_is_literal(node.left), _is_literal(node.right))
    if {left, right} == set(_INTEGERS):
        unsigned, integer = literals if left is DataType.UNSIGNED else literals[::-1]
        if unsigned:
            raise _type_error(node, type_of, f"cannot use {op} with an integer and unsigned literal")
        if not integer:
            told = f"cannot use {op} between an integer and unsigned, an explicit cast is required"
            raise _type_error(node, type_of, told)
    if DataType.UNKNOWN in (left, right):
        return right if left is DataType.UNKNOWN else left
    if left is DataType.BOOLEAN and op in "&|^":
        return DataType.BOOLEAN
    whole = left in _INTEGERS and right in _INTEGERS
    if not (left.is_numeric and right.is_numeric) or (op in "&|^" and not whole):
        raise _type_error(node, type_of, f"incompatible types: {left.value} and {right.value}")
    if not whole:
        return DataType.FLOAT
    return DataType.INTEGER if left is right is DataType.INTEGER else DataType.UNSIGNED


def _is_literal(node: ast.Expression) -> bool:
    return type(node) in _LITERALS


def _type_error(node: ast.Expression, type_of: TypeOf, told: str) -> CompileError:
    return CompileError(f"type error: {typed_text(node, type_of)}: {told}", span=node.span)


def _untyped(name: str) -> DataType:
    return DataType.UNKNOWN


def typed_text(node: ast.Expression, type_of: TypeOf = _untyped) -> str:
    """The expression as InfluxDB prints it in errors, with the types that are known: `first(v::float) + 2.500`."""
    match node:
        case ast.VarRef(name=name):
            type = _type_of_variable(node, type_of)
            return quote_identifier(name) + ("" if type is DataType.UNKNOWN else f"::{type.value}")
        case ast.ParenExpr(expression=inner):
            return f"({typed_text(inner, type_of)})"
        case ast.Distinct(call=call):
            return f"DISTINCT {typed_text(call.args[0], type_of)}"
        case ast.Call(name=name, args=args):
            return f"{name}({', '.join(typed_text(argument, type_of) for argument in args)})"
        case ast.BinaryExpr(op=op, left=left, right=right):
            return f"{typed_text(left, type_of)} {op} {typed_text(right, type_of)}"
        case ast.NumberLiteral(value=value):
            return f"{value:.3f}"
        case ast.StringLiteral(value=value):
            return quote_string(value)
    return format_node(node)
