"""The arguments of calls behind the column: how many there may be, and what, in InfluxDB's words.

Source of the wording: influxdata/influxdb 1.8, query/compile.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from influxish.errors import CompileError
from influxish.functions.registry import BUCKET, FUNCTIONS, REQUIRED, Function, MathFunction, Parameter
from influxish.influxql import ast
from influxish.influxql.durations import format_duration
from influxish.types import SECOND, DataType, Window


def check_math(call: ast.Call) -> None:
    """Raises: CompileError: a mathematical function has too few or too many arguments."""
    function = FUNCTIONS[call.name]
    assert isinstance(function, MathFunction)
    check_count(call, *function.arguments)


def check_arguments(call: ast.Call, function: Function) -> None:
    """Check the number of arguments of a function of one column, and the constants behind it.

    Raises:
        CompileError
    """
    required = sum(parameter.default is REQUIRED for parameter in function.parameters)
    check_count(call, 1 + required, 1 + len(function.parameters))
    for node, parameter in zip(call.args[1:], function.parameters, strict=False):
        constant(call.name, node, parameter)


def check_count(call: ast.Call, least: int, most: int) -> None:
    """Raises: CompileError: `call` has fewer or more arguments."""
    given = len(call.args)
    if least <= given <= most:
        return
    expected = str(least) if least == most else f"at least {least} but no more than {most}"
    message = f"invalid number of arguments for {call.name}, expected {expected}, got {given}"
    raise CompileError(message, span=call.span)


def constants(call: ast.Call, given: Sequence[ast.Expression], window: Window | None) -> tuple[object, ...]:
    """The constant arguments of a call with those that were left out.

    Args:
        given: those that are written.
        window: the buckets of what the function is called on; None if it has none.
    """
    parameters = FUNCTIONS[call.name].parameters
    values = [constant(call.name, node, parameter) for node, parameter in zip(given, parameters, strict=False)]
    bucket = SECOND if window is None else window.every
    left_out = (bucket if parameter.default is BUCKET else parameter.default for parameter in parameters[len(values) :])
    return (*values, *left_out)


def constant(function: str, node: ast.Expression, parameter: Parameter) -> object:
    """The value of a constant argument; an integer is taken where a float is expected.

    Raises:
        CompileError: it is no constant of the right type, or one that is not allowed.
    """
    value: object = None
    match node:
        case ast.IntegerLiteral(value=whole) if DataType.INTEGER in parameter.types:
            value = whole
        case ast.IntegerLiteral(value=whole) if DataType.FLOAT in parameter.types:
            return float(whole)
        case ast.NumberLiteral(value=number) if DataType.FLOAT in parameter.types:
            return number
        case ast.StringLiteral(value=text) if DataType.STRING in parameter.types:
            value = text
        case ast.DurationLiteral(nanoseconds=duration) if DataType.DURATION in parameter.types:
            value = duration
    if value is None:
        raise _refused(function, node, value, parameter.wrong_type or _expected(parameter))
    if isinstance(value, int) and parameter.minimum is not None and value < parameter.minimum:
        if value != parameter.default:
            raise _refused(function, node, value, parameter.too_small)
    elif parameter.choices and value not in parameter.choices:
        raise _refused(function, node, value, parameter.wrong_choice)
    return value


def _expected(parameter: Parameter) -> str:
    wanted = DataType.FLOAT if DataType.FLOAT in parameter.types else min(parameter.types, key=lambda t: t.value)
    return f"expected {wanted.value} argument in {{function}}()"


def _refused(function: str, node: ast.Expression, value: object, message: str) -> CompileError:
    shown = format_duration(value) if isinstance(node, ast.DurationLiteral) and isinstance(value, int) else value
    literal = f"*influxql.{type(node).__name__}"
    return CompileError(message.format(function=function, value=shown, literal=literal), span=node.span)
