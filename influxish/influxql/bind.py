"""Put values in the places of bound parameters: the tree with `$name` becomes a tree without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from influxish.errors import ParseError
from influxish.influxql.ast import (
    BinaryExpr,
    BooleanLiteral,
    BoundParameter,
    DurationLiteral,
    Expression,
    IntegerLiteral,
    NumberLiteral,
    RegexLiteral,
    StringLiteral,
    UnsignedLiteral,
    VarRef,
)
from influxish.influxql.node import AstNode, rewrite
from influxish.influxql.parameters import convert
from influxish.regex import compile_regex
from influxish.types import Span

Node = TypeVar("Node", bound=AstNode)


def bind(statement: Node, params: Mapping[str, object], *, query: str = "") -> Node:
    """The statement (or expression) with a literal for every bound parameter.

    Args:
        statement: what `parse` made of a text, without giving `params` to it.
        params: values by name; their types are those of `parameters.convert`.
        query: the text, for the caret in errors.

    Raises:
        ParseError: `missing parameter: x`, a value of no usable type, or one that does not fit its place.
    """

    def change(node: AstNode) -> AstNode:
        if isinstance(node, BoundParameter):
            return _literal(node, params, query)
        if (
            isinstance(node, BinaryExpr)
            and node.op in ("=~", "!~")
            and not isinstance(node.right, RegexLiteral | BinaryExpr)
        ):
            hint = 'give the parameter a value such as {"regex": "^a"}'
            message = f"parameter is no regular expression, but {node.op} needs one"
            raise ParseError(message, query=query, span=node.right.span, hint=hint)
        return node

    bound = rewrite(statement, change)
    assert isinstance(bound, type(statement)) or isinstance(statement, BoundParameter)
    return bound  # type: ignore[return-value]


def _literal(parameter: BoundParameter, params: Mapping[str, object], query: str) -> Expression:
    span: Span = parameter.span
    kind, value, _ = convert(parameter.name, params, span, query)
    match kind, value:
        case (("TRUE" | "FALSE"), _):
            return BooleanLiteral(kind == "TRUE", span=span)
        case "STRING", str(text):
            return StringLiteral(text, span=span)
        case "IDENT", str(name):
            return VarRef(name, span=span)
        case "REGEX", str(pattern):
            compile_regex(pattern)
            return RegexLiteral(pattern, span=span)
        case "NUMBER", float(number):
            return NumberLiteral(number, span=span)
        case "DURATIONVAL", int(nanoseconds):
            return DurationLiteral(nanoseconds, span=span)
        case "INTEGER", int(number):
            return IntegerLiteral(number, span=span) if number < 2**63 else UnsignedLiteral(number, span=span)
    raise AssertionError(f"no literal for {kind}")
