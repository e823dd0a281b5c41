"""A store belongs to the process that opened it; what a fork of that process does leaves it alone."""

from __future__ import annotations

import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from influxish.errors import StorageError
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy
from tests.storage.helpers import contents, request, rows, write


def in_fork(act: Callable[[], None]) -> None:
    """Run it in a fork of this process, which must not fail or hang."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads may be there
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


ENTRIES: dict[str, Callable[[Engine], object]] = {
    "write": lambda engine: write(engine, "m,h=child v=1 5"),
    "flush": lambda engine: engine.flush(),
    "shards": lambda engine: engine.shards("d"),
    "measurements": lambda engine: engine.measurements("d"),
    "tag_keys": lambda engine: engine.tag_keys("d", "m"),
    "field_keys": lambda engine: engine.field_keys("d", "m"),
    "databases": lambda engine: engine.databases(),
    "has_database": lambda engine: engine.has_database("d"),
    "has_policy": lambda engine: engine.has_policy("d", "autogen"),
    "default_policy": lambda engine: engine.default_policy("d"),
    "create_database": lambda engine: engine.create_database("e"),
    "create_policy": lambda engine: engine.create_policy("d", RetentionPolicy("p")),
    "policy": lambda engine: engine.policy("d"),
    "change_policy": lambda engine: engine.change_policy("d", "autogen", lambda policy: policy),
    "drop_policy": lambda engine: engine.drop_policy("d", "autogen"),
    "count_series": lambda engine: engine.count_series("d", "m"),
    "drop_database": lambda engine: engine.drop_database("d"),
}


@pytest.mark.parametrize("place", ["files", ":memory:"])
def test_every_use_in_a_fork_is_refused(tmp_path: Path, place: str) -> None:
    with Engine.open(None if place == ":memory:" else tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        parent = os.getpid()

        def child() -> None:
            for entry in ENTRIES.values():
                with pytest.raises(StorageError, match=f"was opened by process {parent} and cannot be used in process"):
                    entry(engine)
            assert "a fork of it" in engine.read_only_reason
            assert engine.forked

        in_fork(child)
        assert not engine.forked
        write(engine, "m,h=b v=2 2")
        assert set(contents(engine)) == {("a", 1), ("b", 2)}


def test_closing_in_a_fork_neither_flushes_nor_unlocks(tmp_path: Path) -> None:
    def child() -> None:
        engine.close()
        engine.close()
        with pytest.raises(StorageError, match="is in use by process"):
            Engine.open(tmp_path)

    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        in_fork(child)
        assert not list(tmp_path.rglob("*.seg"))
        with pytest.raises(StorageError, match="is in use by process"):
            Engine.open(tmp_path)
        write(engine, "m,h=b v=2 2")
    with Engine.open(tmp_path) as engine:
        assert set(contents(engine)) == {("a", 1), ("b", 2)}
        assert engine.damage == []


def test_a_fork_that_lives_on_does_not_keep_the_folder_locked(tmp_path: Path) -> None:
    wait, go = os.pipe()
    engine = Engine.open(tmp_path)
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(wait, 1)
        os._exit(0)
    try:
        engine.close()
        Engine.open(tmp_path).close()
    finally:
        os.close(go)
        os.close(wait)
        os.waitpid(child, 0)


def test_a_fork_can_open_the_store_once_it_is_closed(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")

    def child() -> None:
        with Engine.open(tmp_path) as own:
            write(own, "m,h=b v=2 2")

    in_fork(child)
    with Engine.open(tmp_path) as engine:
        assert set(contents(engine)) == {("a", 1), ("b", 2)}


def test_a_snapshot_taken_before_a_fork_is_readable_in_it(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        engine.flush()
        (shard,) = engine.shards("d")

        def child() -> None:
            assert rows(shard, request()) == [(("a", 1), {"v": 1.0})]

        in_fork(child)


def test_a_fork_amid_changes_of_another_thread_leaves_them_whole(tmp_path: Path) -> None:
    """A fork with an open transaction would roll it back in the file when it ends."""
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            engine.create_database(f"d{number}")
            number += 1

    with Engine.open(tmp_path) as engine:
        thread = threading.Thread(target=change)
        thread.start()
        try:
            for _ in range(20):
                in_fork(engine._catalog.close)  # type: ignore[union-attr]  # as the end of the interpreter does
        finally:
            stop.set()
            thread.join()
        made = engine.databases()
    with Engine.open(tmp_path) as engine:
        assert engine.databases() == made
        assert engine.damage == []
