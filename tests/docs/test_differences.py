"""What docs/differences.md says of limits is so; and no statement is missing, since it lists none."""

from __future__ import annotations

import inspect

from influxish.compiler import checks, select
from influxish.influxql import ast, lexer, manage, show
from influxish.regex import syntax
from influxish.statements.registry import EXECUTORS
from tests.cli.running import ROOT

PAGE = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")


def test_every_statement_is_executed() -> None:
    kinds = {
        kind
        for module in (ast, show, manage)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, ast.Statement) and not kind.__subclasses__()
    }
    assert kinds == set(EXECUTORS) | {ast.Select, ast.Explain}


def test_the_limits_of_nesting_are_the_ones_written() -> None:
    assert checks.MAX_DEPTH == lexer.MAX_NESTING
    written = f"operators may be nested {checks.MAX_DEPTH} deep, subqueries {select.MAX_SUBQUERIES} deep"
    page = " ".join(PAGE.split())
    assert written in page
    assert f"groups of a regular expression {syntax.MAX_NESTING} deep" in page
