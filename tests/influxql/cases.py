"""Readers for the text files of this folder."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def read_pairs(name: str) -> list[tuple[str, str]]:
    """The (`> query`, next line) pairs of a file; `#` starts a comment line."""
    lines = [line for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    assert all(query.startswith("> ") for query, _ in pairs)
    return [(query[2:], expected) for query, expected in pairs]
