"""The tree back into text, in one canonical form: InfluxDB's own, wherever that reads back as the same tree.

Printed by pieces from a stack, never by recursion, so a chain of ten thousand ORs prints like any other.
"""

from __future__ import annotations

from influxish.errors import without_password
from influxish.influxql import format_statements  # noqa: F401 (enters its printers)
from influxish.influxql.node import AstNode
from influxish.influxql.printing import PRINTERS, Password, Pieces, Url, quote_string


def format_node(node: AstNode, *, show_passwords: bool = False) -> str:
    """The canonical text of a statement, an expression, or any other part of the tree.

    `parse(format_node(statement)) == [statement]` for every statement the parser makes, but for CREATE USER and SET
    PASSWORD, whose passwords print as `[REDACTED]`, as InfluxDB does it, and for CREATE SUBSCRIPTION with one in a URL.
    With `show_passwords` it holds for them, too.

    >>> from influxish.influxql import parse
    >>> format_node(parse("select mean(v) from cpu group by time(60s)")[0])
    'SELECT mean(v) FROM cpu GROUP BY time(1m)'
    """
    parts: list[str] = []
    pending: Pieces = [node]
    while pending:
        piece = pending.pop()
        if isinstance(piece, Password):
            parts.append(quote_string(piece.text) if show_passwords else "[REDACTED]")
        elif isinstance(piece, Url):
            parts.append(quote_string(piece.text if show_passwords else without_password(piece.text)))
        elif isinstance(piece, str):
            parts.append(piece)
        else:
            pending.extend(reversed(PRINTERS[type(piece)](piece)))
    return "".join(parts)
