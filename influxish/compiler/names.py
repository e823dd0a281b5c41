"""What columns are called: headings as InfluxDB makes them up, and the labels inside the graph.

Source of the headings: influxdata/influxql, SelectStatement.ColumnNames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from influxish.influxql import ast
from influxish.types import DataType


def own_name(expression: ast.Expression) -> str:
    """The name of an expression without an alias: its calls and variables, joined by underscores."""
    return "_".join(_parts(expression))


def _parts(expression: ast.Expression) -> Iterator[str]:
    match expression:
        case ast.VarRef(name=name) | ast.Call(name=name):
            yield name
        case ast.Distinct(call=call):
            yield call.name
        case ast.BinaryExpr() | ast.ParenExpr():
            for child in expression.children():
                if isinstance(child, ast.Expression):
                    yield from _parts(child)


def own_title(field: ast.Field) -> str:
    """The alias, or else the name of the expression: how a subquery's column is known outside."""
    return field.alias or own_name(field.expression)


def column_label(name: str, cast: DataType | None = None) -> str:
    """The label under which a field or tag, read as some type, goes through the graph."""
    quoted = f'"{name}"' if "::" in name or " at " in name or "(" in name else name
    return quoted if cast is None else f"{quoted}::{cast.value}"


def column_names(fields: Sequence[ast.Field]) -> list[str]:
    """A heading for each field: aliases as they are, other names made unique by _1, _2 …"""
    taken = {field.alias: 1 for field in fields if field.alias}
    names = []
    for field in fields:
        name = field.alias
        if not name:
            name = own_name(field.expression)
            if name in taken:
                count = taken[name]
                while f"{name}_{count}" in taken:
                    count += 1
                taken[name] = count + 1
                name = f"{name}_{count}"
            taken[name] = taken.get(name, 0) + 1
        names.append(name)
    return names
