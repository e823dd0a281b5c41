"""docs/influxql.md names every statement, and every subject that the comparison with the real server knows."""

from __future__ import annotations

import re

import pytest

from influxish.influxql import ast
from influxish.statements.registry import EXECUTORS
from tests.cli.running import ROOT
from tests.differential.campaign import SUBJECTS

PAGE = (ROOT / "docs" / "influxql.md").read_text(encoding="utf-8")
OF_ADMINISTRATORS = {"GRANT ADMIN": "GRANT ALL TO", "REVOKE ADMIN": "REVOKE ALL FROM"}
STATEMENTS = [kind.__name__ for kind in (*EXECUTORS, ast.Select, ast.Explain)]


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_named(name: str) -> None:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).upper()
    shown = " ".join(PAGE.replace("[EXACT] ", "").split())
    assert f"`{OF_ADMINISTRATORS.get(words, words)}" in shown


def test_every_subject_of_the_comparison_is_named() -> None:
    section = PAGE[PAGE.index("\n## How it is held to the real server") :]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == list(SUBJECTS)
