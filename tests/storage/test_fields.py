"""The types of fields: what is known of them while a store is open is known after it was opened again."""

from __future__ import annotations

from pathlib import Path

import pytest

from influxish.storage.engine import Engine
from influxish.types import WEEK, DataType, TimeRange
from tests.storage.helpers import rejected, write
from tests.storage.test_deleting import host

LATER = 2 * WEEK


@pytest.mark.parametrize("flushed", [False, True], ids=["in-memory", "in-segments"])
@pytest.mark.parametrize("whole", [False, True], ids=["times", "series"])
def test_fields_of_which_all_rows_were_deleted_are_known_after_a_restart(
    tmp_path: Path, flushed: bool, whole: bool
) -> None:
    """As on the real server, which tells them until the measurement is dropped."""
    fields = {"v": (DataType.FLOAT,), "w": (DataType.INTEGER,)}
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, f"m,h=a v=1 1\nm,h=b w=2i {LATER}")
        if flushed:
            engine.flush()
        if whole:
            engine.delete("d", {"m": host("a")})
        else:
            engine.delete("d", {"m": None}, TimeRange(0, 10))
        assert engine.field_keys("d", "m") == fields
    for _ in range(2):
        with Engine.open(tmp_path) as engine:
            assert engine.field_keys("d", "m") == fields
            assert "is type string, already exists as type float" in str(rejected(engine, 'm,h=a v="x" 1'))
