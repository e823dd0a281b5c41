"""How each node prints, as texts and the nodes between them; expressions, SELECT and EXPLAIN are here.

`format_statements.py` adds the other statements, `format.py` puts the pieces together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from influxish.influxql import ast
from influxish.influxql.durations import format_duration
from influxish.influxql.node import AstNode
from influxish.influxql.tokens import KEYWORDS, STRENGTH

Pieces = list["str | AstNode"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BARE_PARAMETER = re.compile(r"[A-Za-z0-9_]+\Z")
PRINTERS: Final[dict[type[AstNode], Callable[[Any], Pieces]]] = {}
"""How each class of node is printed: as texts and the nodes between them."""


def quote_identifier(name: str) -> str:
    """The name, in double quotes if it would not read back as a name without them.

    >>> quote_identifier("cpu"), quote_identifier("tag"), quote_identifier("a b")
    ('cpu', '"tag"', '"a b"')
    """
    if _BARE.match(name) and name.upper() not in KEYWORDS:
        return name
    return f'"{_escape(name, chr(34))}"'


def quote_string(text: str) -> str:
    """The text as a literal in single quotes."""
    return f"'{_escape(text, chr(39))}'"


def _escape(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(quote, "\\" + quote)


class Password(str):
    """A piece to be printed only on demand."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """What it hides."""
        return str(self)


class Url(str):
    """A piece to be printed as a string, the password in it only on demand."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """All of it."""
        return str(self)


def printer(cls: type[AstNode]) -> Callable[[Callable[[Any], Pieces]], Callable[[Any], Pieces]]:
    """Register the decorated function as the printer of a class."""

    def register(function: Callable[[Any], Pieces]) -> Callable[[Any], Pieces]:
        PRINTERS[cls] = function
        return function

    return register


def separated(nodes: Iterable[AstNode | str], separator: str = ", ") -> Pieces:
    """The pieces with the separator between them."""
    pieces: Pieces = []
    for piece in nodes:
        pieces += [separator, piece]
    return pieces[1:]


# --- expressions --------------------------------------------------------------------------------------------------


@printer(ast.VarRef)
def _variable(node: ast.VarRef) -> Pieces:
    return [quote_identifier(node.name), f"::{node.type.value}" if node.type else ""]


@printer(ast.Wildcard)
def _wildcard(node: ast.Wildcard) -> Pieces:
    return [f"*::{node.kind}" if node.kind else "*"]


@printer(ast.RegexLiteral)
def _regex(node: ast.RegexLiteral) -> Pieces:
    pattern = node.pattern.replace("/", "\\/")
    if pattern.endswith("\\"):  # only a parameter can bring it: before the closing slash it would escape that
        pattern = pattern[:-2] + r"[\\]"
    return ["/", pattern, "/"]


@printer(ast.NumberLiteral)
def _number(node: ast.NumberLiteral) -> Pieces:
    text = repr(node.value)
    if "e" in text:
        from decimal import Decimal  # rare, and dear to import

        text = format(Decimal(text), "f")
    return [text if "." in text else text + ".0"]


@printer(ast.IntegerLiteral)
@printer(ast.UnsignedLiteral)
def _integer(node: ast.IntegerLiteral | ast.UnsignedLiteral) -> Pieces:
    return [str(node.value)]


@printer(ast.StringLiteral)
def _string(node: ast.StringLiteral) -> Pieces:
    return [quote_string(node.value)]


@printer(ast.BooleanLiteral)
def _boolean(node: ast.BooleanLiteral) -> Pieces:
    return ["true" if node.value else "false"]


@printer(ast.DurationLiteral)
def _duration(node: ast.DurationLiteral) -> Pieces:
    return [format_duration(node.nanoseconds)]


@printer(ast.BoundParameter)
def _parameter(node: ast.BoundParameter) -> Pieces:
    return [f"${node.name}" if _BARE_PARAMETER.match(node.name) else f'$"{_escape(node.name, chr(34))}"']


@printer(ast.Call)
def _call(node: ast.Call) -> Pieces:
    name = node.name if node.is_keyword else quote_identifier(node.name)
    return [name, "(", *separated(node.args), ")"]


@printer(ast.Distinct)
def _distinct(node: ast.Distinct) -> Pieces:
    return ["DISTINCT ", quote_identifier(node.name)]


@printer(ast.ParenExpr)
def _parenthesised(node: ast.ParenExpr) -> Pieces:
    return ["(", node.expression, ")"]


@printer(ast.BinaryExpr)
def _binary(node: ast.BinaryExpr) -> Pieces:
    strength = STRENGTH[node.op]
    left: Pieces = [node.left]
    right: Pieces = [node.right]
    # Operators are left associative. A tree of the parser breaks that only by a sign, `a / -v`; for trees made by
    # hand, brackets keep the meaning.
    if isinstance(node.left, ast.BinaryExpr) and STRENGTH[node.left.op] < strength:
        left = ["(", node.left, ")"]
    if isinstance(node.right, ast.BinaryExpr) and STRENGTH[node.right.op] <= strength:
        right = _signed(node.right) or ["(", node.right, ")"]
    return [*left, f" {node.op} ", *right]


def _signed(node: ast.BinaryExpr) -> Pieces:
    match node:
        case ast.BinaryExpr(
            op="*",
            left=ast.IntegerLiteral(value=(1 | -1) as sign),
            right=ast.VarRef() | ast.ParenExpr() | ast.BoundParameter() | ast.Call() as inner,
        ) if not (isinstance(inner, ast.Call) and inner.is_keyword):
            return ["-" if sign < 0 else "+", inner]
    return []


# --- the parts of SELECT --------------------------------------------------------------------------------------------


@printer(ast.Field)
def _field(node: ast.Field) -> Pieces:
    return [node.expression, f" AS {quote_identifier(node.alias)}" if node.alias else ""]


@printer(ast.Measurement)
def _measurement(node: ast.Measurement) -> Pieces:
    name = node.regex if node.regex else quote_identifier(node.name)
    return [_qualifier(node), name]


def _qualifier(node: ast.Measurement) -> str:
    """`database.policy.` with the dots, "" when both are missing."""
    policy = quote_identifier(node.retention_policy) if node.retention_policy else ""
    if node.database:
        return f"{quote_identifier(node.database)}.{policy}."
    return f"{policy}." if policy else ""


@printer(ast.SubQuery)
def _subquery(node: ast.SubQuery) -> Pieces:
    return ["(", node.statement, ")"]


@printer(ast.Dimension)
def _dimension(node: ast.Dimension) -> Pieces:
    return [node.expression]


@printer(ast.Fill)
def _fill(node: ast.Fill) -> Pieces:
    if node.option != "number":
        return [f"fill({node.option})"]
    value = 0 if node.value is None else node.value
    literal = ast.NumberLiteral(value) if isinstance(value, float) else ast.IntegerLiteral(value)
    return ["fill(", literal, ")"]


@printer(ast.SortField)
def _sort_field(node: ast.SortField) -> Pieces:
    direction = "ASC" if node.ascending else "DESC"
    return [f"{quote_identifier(node.name)} {direction}" if node.name else direction]


@printer(ast.Target)
def _target(node: ast.Target) -> Pieces:
    if node.same_name:
        return [_qualifier(node.measurement) or '"".', ":MEASUREMENT"]
    return [node.measurement]


@printer(ast.Select)
def _select(node: ast.Select) -> Pieces:
    target: Pieces = [" INTO ", node.target] if node.target else []
    return ["SELECT ", *separated(node.fields), *target, *clauses(node)]


@printer(ast.Explain)
def _explain(node: ast.Explain) -> Pieces:
    return ["EXPLAIN ", "ANALYZE " if node.analyze else "", "VERBOSE " if node.verbose else "", node.statement]


def clauses(statement: Any) -> Pieces:
    """The clauses that the statement has of those that many statements share, in the order of the grammar."""
    pieces: Pieces = []
    if database := getattr(statement, "database", ""):
        pieces += [" ON ", quote_identifier(database)]
    if sources := getattr(statement, "sources", ()):
        pieces += [" FROM ", *separated(sources)]
    if keys := getattr(statement, "keys", None):
        pieces += [" WITH ", keys]
    if condition := getattr(statement, "condition", None):
        pieces += [" WHERE ", condition]
    if dimensions := getattr(statement, "dimensions", ()):
        pieces += [" GROUP BY ", *separated(dimensions)]
    if fill := getattr(statement, "fill", None):
        pieces += [" ", fill]
    if sort_fields := getattr(statement, "sort_fields", ()):
        pieces += [" ORDER BY ", *separated(sort_fields)]
    for keyword in ("limit", "offset", "slimit", "soffset"):
        if count := getattr(statement, keyword, 0):
            pieces += [f" {keyword.upper()} {count}"]
    if zone := getattr(statement, "timezone", ""):
        pieces += [f" TZ({quote_string(zone)})"]
    return pieces
