"""What docs/differences.md says is missing is missing, and nothing else is."""

from __future__ import annotations

import inspect
import re

import pytest

from influxish import influxql
from influxish.compiler import checks, select
from influxish.database import Database
from influxish.errors import UnsupportedStatement
from influxish.influxql import ast, lexer, manage, show
from influxish.regex import syntax
from influxish.statements.registry import EXECUTORS
from tests.cli.running import ROOT

PAGE = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")


def listed(heading: str) -> list[str]:
    """What stands in backticks in the list below a heading."""
    section = re.split(r"^#+ ", PAGE.split(f"### {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    items = [line for line in section.splitlines() if line.startswith(("- ", "  "))]
    return re.findall(r"`([^`]+)`", "\n".join(items))


MISSING_STATEMENTS = listed("Statements not executed yet")


@pytest.mark.parametrize("text", MISSING_STATEMENTS)
def test_a_statement_that_is_listed_is_not_executed(text: str, db: Database) -> None:
    with pytest.raises(UnsupportedStatement, match="not executed by this version"):
        db.query(text, database="demo")


def test_every_statement_is_executed_or_listed() -> None:
    kinds = {
        kind
        for module in (ast, show, manage)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, ast.Statement) and not kind.__subclasses__()
    }
    missing = {type(influxql.parse(text)[0]) for text in MISSING_STATEMENTS} - {ast.Select}
    assert kinds == set(EXECUTORS) | missing | {ast.Select, ast.Explain}
    assert not set(EXECUTORS) & missing


def test_the_limits_of_nesting_are_the_ones_written() -> None:
    assert checks.MAX_DEPTH == lexer.MAX_NESTING
    written = f"operators may be nested {checks.MAX_DEPTH} deep, subqueries {select.MAX_SUBQUERIES} deep"
    page = " ".join(PAGE.split())
    assert written in page
    assert f"groups of a regular expression {syntax.MAX_NESTING} deep" in page


def test_the_lists_are_read() -> None:
    assert len(MISSING_STATEMENTS) > 3
