"""The page of rules says what the rules and their golden files say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from influxish.optimizer.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
TOOL = "tools/generate_rule_docs.py"


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / TOOL), "--check"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_page_is_not_stale() -> None:
    result = check(ROOT)
    assert result.returncode == 0, result.stderr


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    for name in ("tools", "docs", "tests/optimizer"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tests/optimizer/rules").symlink_to(ROOT / "tests/optimizer/rules")
    (tmp_path / TOOL).write_text((ROOT / TOOL).read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("tests/__init__.py", "tests/optimizer/__init__.py", "tests/optimizer/planfile.py"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    page = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    (tmp_path / "docs/rules.md").write_text(page.replace("## projection", "## selection"), encoding="utf-8")
    result = check(tmp_path)
    assert result.returncode == 1
    assert "run `python tools/generate_rule_docs.py`" in result.stderr


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_every_rule_has_a_section(name: str) -> None:
    assert f"\n## {name}\n" in (ROOT / "docs/rules.md").read_text(encoding="utf-8")
