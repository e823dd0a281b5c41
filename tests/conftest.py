"""What all tests share: the option that rewrites golden files, and a database to ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from influxish.database import Database


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files to what the code does now")


@pytest.fixture
def db() -> Iterator[Database]:
    """An empty database called demo, in memory."""
    import influxish

    with influxish.open(":memory:") as database:
        database.create_database("demo")
        yield database
