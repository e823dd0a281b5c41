"""The InfluxQL front end: text to tree (`parse`), tree to text (`format_node`), values for parameters (`bind`).

Knows no plan and no storage. The parser, with its tables and PLY, is loaded at the first call of `parse`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from influxish.influxql.ast import Expression, Statement
from influxish.influxql.bind import bind
from influxish.influxql.format import format_node

__all__ = ["bind", "format_node", "parse", "parse_expression"]


def parse(
    text: str, params: Mapping[str, object] | None = None, look: Callable[[], None] | None = None
) -> list[Statement]:
    """The statements of a text; see `influxish.influxql.parser.parse`."""
    from influxish.influxql import parser

    return parser.parse(text, params, look)


def parse_expression(text: str, params: Mapping[str, object] | None = None) -> Expression:
    """The expression that a text is; see `influxish.influxql.parser.parse_expression`."""
    from influxish.influxql import parser

    return parser.parse_expression(text, params)
