"""The style and the types of the code are part of the tests: `make test` checks what pre-commit checks."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("ruff", ["check", "."]), ("ruff", ["format", "--check", "."]), ("mypy", [])],
    ids=["ruff check", "ruff format", "mypy strict"],
)
def test_the_code_passes(tool: str, arguments: list[str]) -> None:
    if find_spec(tool) is None and os.environ.get("CI") != "true":
        pytest.skip(f"{tool} is not installed: pip install -e '.[dev]'")
    done = subprocess.run([sys.executable, "-m", tool, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
