"""Values of bound parameters (`$name`), as InfluxDB 1.8 takes them: plain, or in a one-entry map that says the type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Final

from influxish.errors import ParseError
from influxish.influxql.durations import format_duration, parse_duration
from influxish.types import Span

Converted = tuple[str, str | int | float, str]
"""Token type, value, and how an error message names it."""


def convert(name: str, parameters: Mapping[str, object], span: Span, query: str) -> Converted:
    """The token that the parameter `name` stands for.

    Args:
        name: without the `$`.
        parameters: bool, int, float, str, or a map of one entry: {"identifier": str}, {"regex": str},
            {"string": str}, {"integer": int}, {"float": float}, {"duration": "1h30m" or ns}.
        span: where the parameter stands in `query`, for errors.

    Raises:
        ParseError: the parameter is missing, or its value is none of these.
    """
    if name not in parameters:
        raise ParseError(f"missing parameter: {name}", query=query, span=span, hint=f"give params a value for {name!r}")
    try:
        return _convert(parameters[name])
    except ValueError as problem:
        raise ParseError(f"parameter {name}: {problem}", query=query, span=span) from None


def _convert(value: object) -> Converted:
    if isinstance(value, bool):
        word = "TRUE" if value else "FALSE"
        return word, word, word
    if isinstance(value, str):
        return "STRING", value, value or "STRING"
    if isinstance(value, Integral):
        return _integer(value)
    if isinstance(value, Real):
        return _number(value)
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise ValueError("bound object parameter value must have exactly one entry")
        ((kind, inner),) = value.items()
        if kind not in _TYPED:
            raise ValueError(f"unknown bind object type: {kind}")
        return _TYPED[kind](inner)
    raise ValueError(f"unable to bind value with type {type(value).__name__}")


def _identifier(value: object) -> Converted:
    if not isinstance(value, str):
        raise ValueError("identifier must be a string value")
    return "IDENT", value, value or "IDENT"


def _regex(value: object) -> Converted:
    if not isinstance(value, str):
        raise ValueError("regex literal must be a string value")
    if "\n" in value or "\r" in value:
        raise ValueError("regex literal must stand on one line; write a line break as \\n")
    return "REGEX", value, value or "REGEX"


def _string(value: object) -> Converted:
    if not isinstance(value, str):
        raise ValueError("string literal must be a string value")
    return "STRING", value, value or "STRING"


def _number(value: object) -> Converted:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError("number literal must be a finite float value")
    return "NUMBER", float(value), repr(float(value))


def _integer(value: object) -> Converted:
    if isinstance(value, bool) or not isinstance(value, Integral) or not -(2**63) <= int(value) < 2**64:
        raise ValueError("integer literal must be an integer value of 64 bits")
    return "INTEGER", int(value), str(int(value))


def _duration(value: object) -> Converted:
    if isinstance(value, str):
        nanoseconds = parse_duration(value)
    elif isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) < 2**63:
        nanoseconds = int(value)
    else:
        raise ValueError("duration literal must be a string or integer value")
    return "DURATIONVAL", nanoseconds, format_duration(nanoseconds)


_TYPED: Final[dict[object, Callable[[object], Converted]]] = {
    "ident": _identifier,
    "identifier": _identifier,
    "regex": _regex,
    "string": _string,
    "float": _number,
    "number": _number,
    "int": _integer,
    "integer": _integer,
    "duration": _duration,
}
