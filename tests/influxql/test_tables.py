"""The shipped grammar tables: up to date, loaded late, and complete."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from influxish.influxql.grammar.expected import _ROWS
from influxish.influxql.tokens import TOKENS

ROOT = Path(__file__).resolve().parents[2]


def _tool() -> ModuleType:
    path = ROOT / "tools" / "build_parser_tables.py"
    spec = importlib.util.spec_from_file_location("build_parser_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_those_of_the_grammar() -> None:
    tool = _tool()
    assert tool.TARGET.read_text(encoding="utf-8") == tool.render(), "stale: run tools/build_parser_tables.py"


def test_expectations_name_tokens_that_exist() -> None:
    assert {terminal for witnesses, _ in _ROWS for terminal in witnesses} <= {*TOKENS, "$end"}


def _loaded_after(code: str) -> set[str]:
    script = f"import sys; {code}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_import_loads_neither_the_parser_generator_nor_the_tables() -> None:
    loaded = _loaded_after("import influxish.influxql")
    assert "influxish.influxql.ast" in loaded
    assert not loaded & {"ply.yacc", "ply.lex", "influxish.influxql.grammar.tables"}


def test_parse_builds_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "from ply import yacc; yacc.LRGeneratedTable.__init__ = None; "
        "from influxish.influxql import parse; parse('SELECT v FROM m')"
    )
    assert "influxish.influxql.grammar.tables" in _loaded_after(code)
    assert list(tmp_path.iterdir()) == []  # PLY likes to leave files behind
