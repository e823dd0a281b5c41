"""docs/python.md names every method of the public classes and every error."""

from __future__ import annotations

import inspect
import re

import pytest

import influxish
from influxish import errors
from tests.cli.running import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
PUBLIC = [influxish.Database, influxish.Result, influxish.Explanation, influxish.CancelSwitch]
INSIDE = {"ran", "result", "statement", "located"}
"""Public to the rooms of the house, of no use to a caller."""


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_method_is_named(kind: type) -> None:
    names = [name for name, member in vars(kind).items() if not name.startswith("_") and callable(member)]
    for name in set(names) - INSIDE:
        assert re.search(rf"\.{name}\(|`{name}[(`]", PAGE), f"{kind.__name__}.{name}"


def test_every_error_is_named() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == errors.__name__
    }
    assert kinds <= set(re.findall(r"`(?:influxish\.errors\.)?(\w+)`", PAGE))


@pytest.mark.parametrize("method", ["query", "run", "write", "explain"])
def test_every_argument_is_named(method: str) -> None:
    for name in inspect.signature(getattr(influxish.Database, method)).parameters:
        if name not in ("self", "text", "data"):
            assert re.search(rf"\b{name}\b", PAGE), f"{method}({name})"
