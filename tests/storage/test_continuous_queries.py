"""The texts of continuous queries: kept, gone with their database, and nothing that refers to nothing is read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from influxish.errors import CorruptData, ExecutionError, NotFound
from influxish.storage.catalog import Catalog
from influxish.storage.continuous_queries import StoredContinuousQuery
from influxish.storage.engine import Engine


def test_they_are_kept_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        for database in ("b", "a"):
            engine.create_database(database)
        for name in ("z", "y", "x"):
            engine.continuous_queries.add("a", name, f"text of {name}")
        engine.continuous_queries.drop("a", "y")
        engine.continuous_queries.drop("a", "nosuch")
        engine.continuous_queries.drop("nosuch", "z")
    with Engine.open(tmp_path) as engine:
        kept = [StoredContinuousQuery("a", name, f"text of {name}") for name in ("z", "x")]
        assert engine.continuous_queries.all() == {"b": [], "a": kept}
        engine.continuous_queries.add("a", "y", "another text")
        assert [query.name for query in engine.continuous_queries.all()["a"]] == ["z", "x", "y"]


def test_a_name_is_taken_by_one_text(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("a")
        engine.continuous_queries.add("a", "q", "Text")
        engine.continuous_queries.add("a", "q", "TEXT")
        with pytest.raises(ExecutionError, match=r"^continuous query already exists$"):
            engine.continuous_queries.add("a", "q", "other")
        with pytest.raises(NotFound, match=r"^database not found: b$"):
            engine.continuous_queries.add("b", "q", "Text")
        assert engine.continuous_queries.all() == {"a": [StoredContinuousQuery("a", "q", "Text")]}


def test_they_go_with_their_database(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("a")
        engine.continuous_queries.add("a", "q", "text")
        engine.drop_database("a")
        engine.create_database("a")
        assert engine.continuous_queries.all() == {"a": []}
    with Engine.open(tmp_path) as engine:
        assert engine.continuous_queries.all() == {"a": []}


def test_one_of_no_database_is_damage(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("a")
    catalog = Catalog(tmp_path / "catalog.sqlite")
    with catalog.transaction():
        catalog.add_record("continuous_queries", 9, "q", "text")
    catalog.close()
    with pytest.raises(CorruptData, match="table continuous_queries, row 1: there is no database 9"):
        Engine.open(tmp_path)


def test_a_catalog_that_knows_of_none_is_brought_up(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("a")
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("DROP TABLE continuous_queries")
        connection.execute("DELETE FROM totals WHERE name = 'continuous_queries'")
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with Engine.open(tmp_path) as engine:
        engine.continuous_queries.add("a", "q", "text")
    with Engine.open(tmp_path) as engine:
        assert [query.text for query in engine.continuous_queries.all()["a"]] == ["text"]


def test_in_memory_they_are_as_on_disk() -> None:
    with Engine.open(None) as engine:
        engine.create_database("a")
        engine.continuous_queries.add("a", "q", "text")
        assert engine.continuous_queries.all() == {"a": [StoredContinuousQuery("a", "q", "text")]}
