"""What wildcards and regular expressions in a select list stand for, given the schema.

Source of the rules: influxdata/influxql, SelectStatement.RewriteFields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from influxish.compiler.names import own_title
from influxish.compiler.scope import Scope
from influxish.errors import CompileError
from influxish.functions.registry import FUNCTIONS
from influxish.influxql import ast
from influxish.regex import compile_regex
from influxish.types import DataType


def expand_fields(fields: Sequence[ast.Field], scope: Scope, dimensions: Collection[str]) -> list[ast.Field]:
    """The select list without wildcards: fields and tags sorted by name, tags grouped by left out."""
    expanded: list[ast.Field] = []
    for item in fields:
        node = item.expression
        if isinstance(node, ast.Wildcard | ast.RegexLiteral):
            expanded += [ast.Field(column, span=item.span) for column in _columns(node, scope, dimensions)]
        elif (found := _pattern_call(node)) is not None:
            expanded += _calls(item, found, scope)
        else:
            expanded.append(item)
    return expanded


def _columns(pattern: ast.Expression, scope: Scope, dimensions: Collection[str]) -> list[ast.VarRef]:
    kind = pattern.kind if isinstance(pattern, ast.Wildcard) else None
    fields = scope.columns.intersection({*scope.fields, *scope.untyped})
    columns = {None: scope.columns, "field": fields, "tag": scope.columns - fields}[kind]
    keys = set() if kind == "field" else scope.keys - set(dimensions)
    found = []
    for name in sorted(columns | keys):
        if not _matches(pattern, name):
            continue
        both = name in scope.fields and name in scope.tags  # without its kind, the name would be the field
        kinds = ((DataType.ANY_FIELD, columns), (DataType.TAG, keys))
        found += [ast.VarRef(name, cast if both else None, span=pattern.span) for cast, names in kinds if name in names]
    return found


def _matches(pattern: ast.Expression, name: str) -> bool:
    return not isinstance(pattern, ast.RegexLiteral) or compile_regex(pattern.pattern).search(name) is not None


def _pattern_call(node: ast.Expression) -> ast.Call | None:
    """The innermost of the calls that are each other's first argument, if it is called with a wildcard."""
    found = None
    while isinstance(node, ast.Call) and node.args:
        found, node = node, node.args[0]
    return found if isinstance(node, ast.Wildcard | ast.RegexLiteral) else None


def _calls(item: ast.Field, call: ast.Call, scope: Scope) -> Iterator[ast.Field]:
    pattern, function = call.args[0], FUNCTIONS[call.name]
    if isinstance(pattern, ast.Wildcard) and pattern.kind == "tag":
        raise CompileError(f"unable to use tag wildcard in {call.name}()", span=pattern.span)
    for name, type in sorted(scope.fields.items()):
        if type in function.takes and _matches(pattern, name):
            one = replace(call, args=(ast.VarRef(name, span=pattern.span), *call.args[1:]))
            yield ast.Field(_swap(item.expression, call, one), f"{own_title(item)}_{name}", span=item.span)


def _swap(node: ast.Expression, old: ast.Call, new: ast.Call) -> ast.Expression:
    if node is old:
        return new
    if isinstance(node, ast.Call):
        return replace(node, args=tuple(_swap(arg, old, new) for arg in node.args))
    return node
