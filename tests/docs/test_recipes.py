"""The recipes of CONTRIBUTING.md, carried out in a copy of the project: what they say to do is enough."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.running import ROOT, environment
from tests.docs.blocks import Block, blocks_of, commands_of

PAGE = ROOT / "CONTRIBUTING.md"
_SECTION = re.compile(r"^## (Add a .*)$", re.MULTILINE)
COPIED = ("influxish", "tests", "tools", "docs")


def recipes() -> dict[str, list[Block]]:
    """Heading → the blocks below it."""
    text = PAGE.read_text(encoding="utf-8")
    starts = [(match.group(1), match.start()) for match in _SECTION.finditer(text)]
    stops = [start for _, start in starts[1:]] + [len(text)]
    return {
        title: [block for block in blocks_of(PAGE, text[:stop]) if block.line > text.count("\n", 0, start)]
        for (title, start), stop in zip(starts, stops, strict=True)
    }


RECIPES = recipes()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project to work in."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_true(title: str, project: Path) -> None:
    for block in RECIPES[title]:
        carry_out(block, project)
    if find_spec("ruff") is not None:
        shutil.copy(ROOT / "ruff.toml", project)
        touched = {path for block in RECIPES[title] for path in block.options.values() if path.endswith(".py")}
        for arguments in ("check --quiet", "format --check --quiet"):
            run(f"python -m ruff {arguments} {' '.join(sorted(touched))}", project, RECIPES[title][-1])


def carry_out(block: Block, project: Path) -> None:
    """Do what one block of a recipe says."""
    if "append" in block.options:
        path = project / block.options["append"]
        path.write_text(path.read_text(encoding="utf-8") + block.text, encoding="utf-8")
    elif block.language == "diff":
        change(project / block.options["file"], block)
    elif "file" in block.options:
        path = project / block.options["file"]
        assert not path.exists(), f"{block.place}: the recipe makes a file that is there already"
        path.write_text(block.text, encoding="utf-8")
    else:
        assert block.language == "console", block.place
        for command, expected in commands_of(block):
            output = run(command, project, block)
            assert not expected.text or output == expected.text, f"{block.place}\n$ {command}{output}"


def change(path: Path, block: Block) -> None:
    """Make the change that a diff shows; its old lines stand in the file exactly once."""
    lines = block.text.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{block.place}: these lines are not in {path.name} exactly once:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(command: str, project: Path, block: Block) -> str:
    words = command.split()
    words = [sys.executable, *words[1:]] if words[0] == "python" else words
    done = subprocess.run(
        words,
        cwd=project,
        env=environment({"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{block.place}\n$ {command}{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def test_there_is_a_recipe_for_each_kind_of_addition() -> None:
    assert list(RECIPES) == ["Add a function", "Add a rule", "Add a node", "Add a statement"]
    assert all(any(block.language == "console" for block in blocks) for blocks in RECIPES.values())


def test_what_a_recipe_adds_is_not_there_yet() -> None:
    from influxish.functions import FUNCTIONS
    from influxish.optimizer.rules import RULES
    from influxish.plan import nodes

    assert "range_ratio" not in FUNCTIONS
    assert "sort_elimination" not in [rule.name for rule in RULES]
    assert not hasattr(nodes, "Thin")


def test_files_that_are_named_exist() -> None:
    text = re.sub(r"^```.*?^```$", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    named = re.findall(r"`((?:influxish|tests|tools|docs)/[^`\s]*)`", text)
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


def test_a_change_whose_lines_moved_away_is_found(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("one\ntwo\n")
    with pytest.raises(AssertionError, match="exactly once"):
        change(path, Block(PAGE, 1, "diff", text=" three\n+four\n"))
    change(path, Block(PAGE, 1, "diff", text=" one\n-two\n+three\n"))
    assert path.read_text() == "one\nthree\n"
