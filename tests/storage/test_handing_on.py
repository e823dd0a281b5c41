"""What was written is handed on in the order in which it became visible, and only once it is durable."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from influxish.errors import StorageError
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.files import Files
from influxish.storage.points import PointBatch
from tests.storage.helpers import contents, write

SECONDS = 10


class Disk(Files):
    """Its next fsync can be held up, or fail."""

    def __init__(self) -> None:
        self.hold, self.begun, self.go_on = False, threading.Event(), threading.Event()
        self.broken = False

    def fsync(self, descriptor: int, path: Path) -> None:
        if self.broken and path.suffix == ".wal":
            raise OSError("the disk is gone")
        if self.hold and path.suffix == ".wal":
            self.hold = False
            self.begun.set()
            assert self.go_on.wait(SECONDS)
        super().fsync(descriptor, path)


class Told:
    """What an engine handed on: (database, policy, value of `v`)."""

    def __init__(self, engine: Engine) -> None:
        self.values: list[tuple[str, str, float]] = []
        engine.on_written = self._take

    def _take(self, database: str, policy: str, points: PointBatch) -> None:
        for table in points.tables:
            self.values += [(database, policy, value) for value in table.fields["v"].values.tolist()]


def test_a_writer_that_is_slow_after_its_fsync_changes_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        told, second_returned = Told(engine), threading.Event()
        assert engine._wal is not None
        commit = engine._wal.commit

        def first_is_slow(ticket: int) -> None:
            commit(ticket)
            if ticket == 1:
                assert second_returned.wait(SECONDS)

        monkeypatch.setattr(engine._wal, "commit", first_is_slow)
        first = threading.Thread(target=write, args=(engine, "m,h=a v=1 1"))
        first.start()
        while not contents(engine):
            pass
        write(engine, "m,h=a v=2 1")
        assert told.values == [("d", "autogen", 1.0), ("d", "autogen", 2.0)]
        second_returned.set()
        first.join()
        assert contents(engine) == {("a", 1): {"v": 2.0}}
        assert len(told.values) == 2


@pytest.mark.parametrize("folder", [False, True])
def test_the_last_of_concurrent_writes_is_handed_on_last(tmp_path: Path, folder: bool) -> None:
    with Engine.open(tmp_path / "store" if folder else None) as engine:
        engine.create_database("d")
        told = Told(engine)
        for time in range(1, 31):
            together = threading.Barrier(8)

            def one(value: int, together: threading.Barrier = together, time: int = time) -> None:
                together.wait()
                write(engine, f"m,h=a v={value} {time}")

            threads = [threading.Thread(target=one, args=(value,)) for value in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert contents(engine)["a", time] == {"v": told.values[-1][2]}
        assert len(told.values) == 240


def test_nothing_is_handed_on_before_it_is_durable(tmp_path: Path) -> None:
    disk = Disk()
    with Engine.open(tmp_path / "store", StorageOptions(files=disk)) as engine:
        engine.create_database("d")
        told = Told(engine)
        write(engine, "m,h=a v=0 1")
        disk.hold = True
        writer = threading.Thread(target=write, args=(engine, "m,h=a v=1 1"))
        writer.start()
        assert disk.begun.wait(SECONDS)
        assert contents(engine) == {("a", 1): {"v": 1.0}}
        assert [value for *_, value in told.values] == [0.0]
        disk.go_on.set()
        writer.join()
        assert [value for *_, value in told.values] == [0.0, 1.0]


def test_what_may_not_be_durable_is_never_handed_on(tmp_path: Path) -> None:
    disk = Disk()
    engine = Engine.open(tmp_path / "store", StorageOptions(files=disk))
    engine.create_database("d")
    told = Told(engine)
    write(engine, "m,h=a v=0 1")
    disk.broken = True
    for _ in range(2):
        with pytest.raises(StorageError):
            write(engine, "m,h=a v=1 1")
    disk.broken = False
    engine.close()
    assert told.values == [("d", "autogen", 0.0)]
