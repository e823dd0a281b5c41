"""Series that were numbered for rows which never came: none of them is listed."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from influxish.errors import StorageError
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.files import Files
from tests.storage.helpers import contents, write


class FullLog(Files):
    """Takes no more into the log of writes once it is full."""

    full = False

    def before(self, operation: str, path: Path) -> None:
        if self.full and operation == "write" and path.suffix == ".wal":
            raise OSError(errno.ENOSPC, "No space left on device")


def hosts(engine: Engine, measurement: str = "m") -> list[str]:
    return [dict(tags)["h"] for tags in engine.series_keys("d", measurement)]


@pytest.fixture
def crashed(tmp_path: Path) -> Callable[[str], Path]:
    """A store whose writer ended between the new series of some lines and the lines themselves."""

    def crash(lines: str) -> Path:
        with Engine.open(tmp_path / "running") as engine:
            engine.create_database("d")
            write(engine, "m,h=a v=1 1")
            engine.flush()
            write(engine, "m,h=b v=2 2")
            shutil.copytree(tmp_path / "running" / "wal", tmp_path / "wal")
            write(engine, lines)
            shutil.copytree(tmp_path / "running", tmp_path / "crashed")
        shutil.rmtree(tmp_path / "crashed" / "wal")
        (tmp_path / "wal").rename(tmp_path / "crashed" / "wal")
        return tmp_path / "crashed"

    return crash


def test_a_series_whose_first_row_a_crash_lost_is_not_listed(crashed: Callable[[str], Path]) -> None:
    store = crashed("m,h=c v=3 3\nn,h=d v=4 4")
    with Engine.open(store) as engine:
        assert engine.damage == []
        assert hosts(engine) == ["a", "b"]
        assert engine.measurements("d") == ["m"]
        write(engine, "m,h=e v=5 5\nm,h=c v=6 6")
        assert hosts(engine) == ["a", "b", "c", "e"]
        shutil.copytree(store, store.with_name("again"))
    for folder in (store, store.with_name("again")):  # closed, and cut off
        with Engine.open(folder) as engine:
            assert hosts(engine) == ["a", "b", "c", "e"]
            expected = {("a", 1): 1.0, ("b", 2): 2.0, ("e", 5): 5.0, ("c", 6): 6.0}
            assert contents(engine) == {key: {"v": value} for key, value in expected.items()}


def test_a_torn_end_of_the_log_keeps_no_series(crashed: Callable[[str], Path]) -> None:
    store = crashed("m,h=c v=3 3")
    log = max((store / "wal").glob("*.wal"))
    log.write_bytes(log.read_bytes() + b"\x01\x02\x03")
    with Engine.open(store) as engine:
        assert [finding.torn for finding in engine.damage] == [True]
        assert hosts(engine) == ["a", "b"]


def test_series_stay_where_the_last_record_of_the_log_is_whole_but_damaged(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "d") as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        write(engine, "m,h=b v=2 2")
        shutil.copytree(tmp_path / "d", tmp_path / "hurt")
    log = max((tmp_path / "hurt" / "wal").glob("*.wal"))
    log.write_bytes(log.read_bytes()[:-1] + b"?")
    with Engine.open(tmp_path / "hurt") as engine:
        assert [finding.torn for finding in engine.damage] == [False]
        assert hosts(engine) == ["a", "b"]


def test_series_stay_where_rows_may_be_in_a_file_that_is_missing(crashed: Callable[[str], Path]) -> None:
    store = crashed("m,h=c v=3 3")
    (segment,) = store.glob("data/*/*/*.seg")
    data = segment.read_bytes()
    segment.unlink()
    with Engine.open(store) as engine:
        assert "the file is missing" in str(engine.damage[0])
        assert hosts(engine) == ["a", "b", "c"]
    segment.write_bytes(data)
    with Engine.open(store) as engine:
        assert hosts(engine) == ["a", "b"]
        assert contents(engine) == {("a", 1): {"v": 1.0}, ("b", 2): {"v": 2.0}}


def test_a_write_that_cannot_be_logged_leaves_no_series_behind(tmp_path: Path) -> None:
    files = FullLog()
    with Engine.open(tmp_path, StorageOptions(files=files)) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        files.full = True
        with pytest.raises(StorageError, match="No space left"):
            write(engine, "m,h=b v=2 2\nn,h=b v=2 2")
        assert hosts(engine) == ["a"]
        assert engine.measurements("d") == ["m"]
        files.full = False
        write(engine, "m,h=c v=3 3\nm,h=b v=4 4")
        assert hosts(engine) == ["a", "b", "c"]
    with Engine.open(tmp_path) as engine:
        assert hosts(engine) == ["a", "b", "c"]
        assert contents(engine) == {("a", 1): {"v": 1.0}, ("c", 3): {"v": 3.0}, ("b", 4): {"v": 4.0}}
