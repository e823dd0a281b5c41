"""A setting that makes no sense is refused when a database is opened: by name, with what was found and an example."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import influxish
from influxish.errors import InfluxishError
from influxish.exec.context import Limits
from influxish.exec.pool import WorkerPool
from influxish.settings import Setting
from influxish.storage.files import Files
from influxish.storage.options import StorageOptions

NAN = float("nan")
WRONG: list[tuple[str, Any]] = [
    ("workers", -1),
    ("workers", "x"),
    ("workers", 2.0),
    ("workers", True),
    ("workers", None),
    ("workers", 10**9),
    ("max_query_memory", "1GB"),
    ("max_query_memory", 0),
    ("max_query_memory", 1e9),
    ("max_query_seconds", "x"),
    ("max_query_seconds", NAN),
    ("max_query_seconds", -1),
    ("max_query_seconds", None),
    ("max_query_seconds", False),
    ("max_buckets", -1),
    ("max_buckets", 0.5),
    ("max_buckets", [1]),
    ("durability", "fsnyc"),
    ("durability", 1),
    ("durability", ["fsync"]),
    ("memtable_bytes", 0),
    ("memtable_bytes", "128 MiB"),
    ("merge_segments", 1),
    ("merge_segments", 4.0),
    ("files", None),
    ("files", "files"),
]
RIGHT: list[tuple[str, Any]] = [
    ("workers", 0),
    ("workers", np.int64(2)),
    ("max_query_memory", 1 << 40),
    ("max_query_seconds", 0),
    ("max_query_seconds", 0.5),
    ("max_query_seconds", np.float32(2)),
    ("max_query_seconds", float("inf")),
    ("max_buckets", 1),
    ("durability", "process"),
    ("memtable_bytes", 1),
    ("merge_segments", 2),
    ("files", Files()),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_makes_no_sense_is_refused_by_name_and_holds_no_folder(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(InfluxishError) as caught:
        influxish.open(tmp_path / "store", **{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} must be ")
    assert repr(value) in message
    assert re.search(rf"such as {name}=\S", message)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_what_makes_sense_is_taken(tmp_path: Path, name: str, value: Any) -> None:
    with influxish.open(tmp_path / "store", **{name: value}) as db:
        db.create_database("demo")
        db.write("m v=1 1", database="demo")
        assert len(db.query("SELECT v FROM m", database="demo")) == 1


def test_every_setting_says_what_it_accepts_and_accepts_its_example_and_its_default() -> None:
    settings: list[tuple[str, Setting, object]] = [("workers", WorkerPool.SETTING, 0)]
    for group in (Limits(), StorageOptions()):
        for item in fields(group):
            settings.append((item.name, item.metadata["setting"], getattr(group, item.name)))
    for name, setting, default in settings:
        setting.check(name, default)
        setting.check(name, eval(setting.example, {"Files": Files}))
        with pytest.raises(InfluxishError, match=f"^{name} must be "):
            setting.check(name, object())


def test_a_very_long_value_is_not_printed_whole() -> None:
    with pytest.raises(InfluxishError) as caught:
        influxish.open(":memory:", workers="x" * 10_000)
    assert len(str(caught.value)) < 300


def test_one_rule_or_all_can_be_named_without_a_list() -> None:
    with influxish.open(":memory:") as db:
        db.create_database("demo")
        db.write("m,h=a v=1 1", database="demo")
        text = "SELECT mean(v) FROM m WHERE h = 'a'"
        assert db.explain(text, database="demo").firings
        assert db.explain(text, database="demo", disable="all").firings == ()
        fired = db.explain(text, database="demo").firings[0].rule
        again = db.explain(text, database="demo", disable=fired).firings
        assert fired not in {firing.rule for firing in again}
        for ask in (db.query, lambda *a, **k: list(db.run(*a, **k))):
            ask(text, database="demo", disable="all")
            ask("EXPLAIN " + text, database="demo", disable="all")
            with pytest.raises(InfluxishError, match="no optimizer rule 'nosuch'"):
                ask(text, database="demo", disable="nosuch")
