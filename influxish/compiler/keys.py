"""The names that top() and bottom() list, as in top(v, host, 3): the best point is taken of each combination of them.

They stand for tags alone. Of rows of a subquery they are tags that the subquery is grouped by on their account, whether
or not it has columns of these names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from influxish.compiler.names import column_label
from influxish.functions.registry import FUNCTIONS, SelectorFunction
from influxish.influxql import ast
from influxish.influxql.node import AstNode


def takes_keys(call: ast.Call) -> bool:
    """Whether it calls a function that may list names."""
    function = FUNCTIONS.get(call.name)
    return isinstance(function, SelectorFunction) and function.takes_keys


def with_listed_keys(fields: Sequence[ast.Field]) -> list[ast.Field]:
    """The fields, and after top(v, host, 3) and the like a column for each name listed in the call."""
    return [column for item in fields for column in (item, *listed_keys(item))]


def listed_keys(item: ast.Field) -> list[ast.Field]:
    """A column for each name that a field which is a call of top() or bottom() lists."""
    return [ast.Field(key, span=key.span) for key in _keys(item.expression)]


def _keys(node: AstNode) -> Sequence[ast.Expression]:
    """What stands between the column and the number, if it is a call that may list names."""
    return node.args[1:-1] if isinstance(node, ast.Call) and takes_keys(node) else ()


def key_names(fields: Iterable[ast.Field]) -> frozenset[str]:
    """The names listed anywhere in a select list."""
    keys = (key for item in fields for part in item.expression.walk() for key in _keys(part))
    return frozenset(key.name for key in keys if isinstance(key, ast.VarRef))


def key_label(name: str) -> str:
    """The label of a tag that a subquery is grouped by on account of such a call."""
    return f"{column_label(name)} at GROUP BY"
