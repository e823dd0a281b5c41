"""WHERE of SHOW MEASUREMENTS, which picks measurements, not series, and has rules of its own.

Rules observed on InfluxDB 1.6.7; those of the other statements about the schema are in `conditions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from influxish.compiler.checks import check_depth
from influxish.errors import CompileError
from influxish.influxql import ast, format_node
from influxish.regex import compile_regex
from influxish.statements.conditions import NAME
from influxish.statements.spelling import wrong_left


class MeasurementFilter:
    """WHERE of SHOW MEASUREMENTS: each comparison picks measurements by the values that a tag has in them at all.

    `!=` and `!~` pick those that have the tag, but never with that value; nothing picks one that lacks the tag.

    Args:
        names: of all measurements.
        values_of: the values of a tag in a measurement.
    """

    def __init__(self, names: Sequence[str], values_of: Callable[[str, str], Sequence[str]]) -> None:
        self._names, self._values_of = names, values_of

    def names(self, node: ast.Expression) -> set[str]:
        """The measurements that a condition picks.

        Raises:
            CompileError: a comparison that is not one of a tag with a text or a pattern.
        """
        check_depth(node)
        return self._picked(node)

    def _picked(self, node: ast.Expression) -> set[str]:
        while isinstance(node, ast.ParenExpr):
            node = node.expression
        if isinstance(node, ast.BinaryExpr) and node.op in ("AND", "OR"):
            operands = list[ast.Expression]()
            current: ast.Expression = node
            while isinstance(current, ast.BinaryExpr) and current.op == node.op:  # no recursion on its length
                operands.append(current.right)
                current = current.left
            picked = [self._picked(operand) for operand in (current, *reversed(operands))]
            return set.intersection(*picked) if node.op == "AND" else set.union(*picked)
        if isinstance(node, ast.BinaryExpr):
            return self._compared(node)
        raise CompileError(_go_text(node), span=node.span, hint="a condition compares: write for example  host = 'a'")

    def _compared(self, node: ast.BinaryExpr) -> set[str]:
        if node.op not in ("=", "!=", "<>", "=~", "!~"):
            raise CompileError("invalid tag comparison operator", span=node.span, hint="tags take =, !=, =~ and !~")
        op = "!=" if node.op == "<>" else node.op
        if not isinstance(node.left, ast.VarRef):
            raise wrong_left(node)
        right, key = node.right, node.left.name
        if isinstance(right, ast.RegexLiteral):
            search = compile_regex(right.pattern).search
            wanted: Callable[[str], bool] = lambda text: search(text) is not None  # noqa: E731
        elif isinstance(right, ast.StringLiteral):
            wanted = right.value.__eq__
        else:
            raise CompileError(f"right side of '{op}' must be a tag value string", span=right.span)
        positive = op in ("=", "=~")
        if key == NAME:
            return {name for name in self._names if wanted(name) == positive}
        found = {name: self._values_of(name, key) for name in self._names}
        return {name for name, values in found.items() if values and any(map(wanted, values)) == positive}


def _go_text(node: ast.Expression) -> str:
    """How the server names what is no condition."""
    match node:
        case ast.VarRef(name=name, type=None):
            return f'&influxql.VarRef{{Val:"{name}", Type:0}}'
        case ast.BooleanLiteral(value=value):
            return f"&influxql.BooleanLiteral{{Val:{str(value).lower()}}}"
        case ast.StringLiteral(value=value):
            return f'&influxql.StringLiteral{{Val:"{value}"}}'
        case ast.IntegerLiteral() | ast.NumberLiteral():
            return f"&influxql.{type(node).__name__}{{Val:{format_node(node)}}}"
    return f"invalid condition expression: {format_node(node)}"
