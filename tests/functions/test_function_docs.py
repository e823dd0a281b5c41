"""The page of functions says what the registry says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from influxish.functions import FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]
TOOL = "tools/generate_function_docs.py"


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / TOOL), "--check"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_page_is_not_stale() -> None:
    result = check(ROOT)
    assert result.returncode == 0, result.stderr


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / TOOL).write_text((ROOT / TOOL).read_text(encoding="utf-8"), encoding="utf-8")
    page = (ROOT / "docs/functions.md").read_text(encoding="utf-8")
    (tmp_path / "docs/functions.md").write_text(page.replace("## Maths", "## Sums"), encoding="utf-8")
    result = check(tmp_path)
    assert result.returncode == 1
    assert "run `python tools/generate_function_docs.py`" in result.stderr


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "(" not in name])
def test_every_function_has_a_section(name: str) -> None:
    assert f"\n### `{name}(" in (ROOT / "docs/functions.md").read_text(encoding="utf-8")
