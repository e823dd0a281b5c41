"""docs/settings.md lists every setting with the default that the code has."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from influxish.database import Database
from influxish.delivery.options import DeliveryOptions
from influxish.exec.context import Limits
from influxish.storage.files import Files
from influxish.storage.options import StorageOptions
from influxish.upkeep import Upkeep
from tests.cli.running import ROOT

PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
_ROW = re.compile(
    r"^\| `(?P<name>[a-z_]+)` \| (?P<default>[^|]*) \| (?P<unit>[^|]*) \| (?P<what>[^|]+) \|$", re.MULTILINE
)
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def settings() -> dict[str, Any]:
    """Name → default of everything that `influxish.open` takes beside the path."""
    found = {}
    for item in (*fields(Limits), *fields(StorageOptions), *fields(DeliveryOptions), *fields(Upkeep)):
        assert item.default is not MISSING or item.default_factory is not MISSING, item.name
        found[item.name] = item.default_factory if item.default is MISSING else item.default
    found["workers"] = inspect.signature(Database).parameters["workers"].default
    return found


WRITTEN = {match["name"]: match for match in _ROW.finditer(PAGE)}


def test_every_setting_is_listed_and_no_other() -> None:
    assert set(WRITTEN) == set(settings())


@pytest.mark.parametrize(("name", "default"), settings().items())
def test_the_default_is_the_one_written(name: str, default: Any) -> None:
    text = WRITTEN[name]["default"].strip()
    if default is Files:
        assert text == "the operating system's"
    elif isinstance(default, bool):
        assert text == f"`{default}`"
    elif isinstance(default, str):
        assert text == f'`"{default}"`'
    else:
        number, _, unit = text.replace(",", "").partition(" ")
        assert int(number) * _UNITS.get(unit, 1) == default
        assert WRITTEN[name]["unit"].strip(), name


def test_environment_variables_are_listed() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(ROOT / "influxish").rglob("*.py"))
    for variable in set(re.findall(r'"(INFLUXISH_[A-Z_]+)"', code)):
        assert f"| `{variable}` |" in PAGE
