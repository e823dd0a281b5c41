"""Who may import whom: the arrows of docs/architecture.md, checked against the code."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import influxish
from influxish.functions import FUNCTIONS

ROOT = Path(influxish.__file__).parent

# Room → the rooms its files may import. A room is a folder, or a file beside the folders.
MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "types": {"errors"},
    "batch": {"types"},
    "moments": {"types"},
    "regex": {"errors"},
    "settings": {"errors"},
    "passwords": {"errors"},
    "influxql": {"errors", "types", "regex"},
    "functions": {"errors", "types", "batch", "regex"},
    "plan": {"errors", "types", "functions"},
    "storage": {"errors", "types", "batch", "functions", "passwords", "regex", "settings", "version"},
    "compiler": {"errors", "types", "functions", "influxql", "moments", "plan", "regex", "storage.interface"},
    "optimizer": {"errors", "types", "functions", "plan"},
    "exec": {"errors", "types", "batch", "functions", "plan", "settings", "storage.interface"},
    "emit": {"errors", "types", "batch", "functions"},
    "delivery": {"errors", "settings", "storage", "version"},
}
FACE = {
    "answering",
    "contents",
    "continuous",
    "database",
    "explain",
    "into",
    "result",
    "statements",
    "upkeep",
    "writing",
    "__init__",
}
"""The files that put the rooms together; they may import every room but `cli`."""


MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py")}


def imports_of(path: Path) -> set[str]:
    """Dotted names below `influxish` that a file imports, those for type checking included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "influxish":
            base = ".".join(node.module.split(".")[1:])
            for alias in node.names:
                whole = f"{base}.{alias.name}".lstrip(".")
                found.add(whole if whole in MODULES else base)
        elif isinstance(node, ast.Import):
            found |= {".".join(a.name.split(".")[1:]) for a in node.names if a.name.startswith("influxish.")}
    return found


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else path.stem


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)).replace(os.sep, "/"))
def test_imports_run_down_the_table(path: Path) -> None:
    room = room_of(path)
    for name in imports_of(path):
        target = name.split(".")[0]
        if target == room or room in ("cli", "__main__"):
            continue
        if room in FACE:
            assert target != "cli", f"{path}: the face imports the command line"
            continue
        allowed = MAY_IMPORT[room]
        assert target in allowed or name in allowed, f"{path.relative_to(ROOT)} imports influxish.{name}"


def test_files_import_each_other_in_no_circle() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    edges = {name: {t for t in imports_of(path) if t in modules and t != name} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail, name))
        if name not in done:
            for target in sorted(edges[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(set(modules) - {"__init__"}):
        visit(name, ())


def test_only_the_server_imports_aiohttp() -> None:
    for path in FILES:
        if room_of(path) != "server":
            assert "aiohttp" not in path.read_text(), path


@pytest.mark.parametrize("room", ["compiler", "plan", "exec", "emit"])
def test_no_function_is_asked_for_by_name(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not texts & set(FUNCTIONS), path
