"""The write-ahead log: frames, damage inside it, and fsyncs that several writers share."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.batch import Column, object_array
from influxish.errors import StorageError, WriteError
from influxish.storage import framing
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.files import Files
from influxish.storage.framing import Frame, Gap, pack_frame, read_frames
from influxish.storage.memtable import Chunk
from influxish.storage.wal import WriteAheadLog, pack_entries, pack_record, unpack_record
from influxish.types import DataType
from tests.storage.helpers import contents
from tests.storage.helpers import write as stored


def chunk(rows: int = 3) -> Chunk:
    valid = np.arange(rows) % 2 == 0
    fields = {
        "f": Column(DataType.FLOAT, np.arange(rows) / 3),
        "i": Column(DataType.INTEGER, np.arange(rows), valid),
        "u": Column(DataType.UNSIGNED, np.full(rows, 2**64 - 1, np.uint64)),
        "s": Column(DataType.STRING, object_array(f"é{n}" for n in range(rows)), ~valid),
        "b": Column(DataType.BOOLEAN, valid, valid),
    }
    return Chunk(np.arange(rows) * 7, np.arange(rows) - 5, fields)


def test_rows_come_back_from_a_record_as_they_went_in() -> None:
    ((shard, measurement, back),) = unpack_record(pack_entries([(9, "m", chunk())]))
    before = chunk()
    assert (shard, measurement) == (9, "m")
    assert back.series.tolist() == before.series.tolist()
    assert back.times.tolist() == before.times.tolist()
    for name, column in before.fields.items():
        assert back.fields[name].type is column.type
        assert back.fields[name].mask.tolist() == column.mask.tolist()
        assert back.fields[name].values[column.mask].tolist() == column.values[column.mask].tolist()


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=6), st.data())
def test_frames_after_a_damaged_one_are_found_again(payloads: list[bytes], data: st.DataObject) -> None:
    frames = [pack_frame(payload) for payload in payloads]
    hurt = data.draw(st.integers(0, len(frames) - 1))
    place = data.draw(st.integers(0, len(frames[hurt]) - 1))
    damaged = bytearray(frames[hurt])
    damaged[place] ^= data.draw(st.integers(1, 255))
    items = list(read_frames(b"".join([*frames[:hurt], bytes(damaged), *frames[hurt + 1 :]]), 0))
    assert [item.payload for item in items if isinstance(item, Frame)] == payloads[:hurt] + payloads[hurt + 1 :]
    (gap,) = (item for item in items if isinstance(item, Gap))
    assert (gap.offset, gap.stop) == (sum(map(len, frames[:hurt])), sum(map(len, frames[: hurt + 1])))
    assert gap.torn == (hurt == len(frames) - 1)


def test_writers_that_wait_together_share_an_fsync(tmp_path: Path) -> None:
    class Slow(Files):
        syncs = 0

        def fsync(self, descriptor: int, path: Path) -> None:
            self.syncs += 1
            time.sleep(0.02)

    files = Slow()
    log = WriteAheadLog(files, tmp_path, 1, synchronous=True)
    files.syncs, appending = 0, threading.Lock()

    def writer() -> None:
        for _ in range(5):
            with appending:
                ticket = log.append(pack_record([(1, "m", chunk())]))
            log.commit(ticket)

    threads = [threading.Thread(target=writer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert 5 <= files.syncs <= 20  # 40 writes


def test_without_fsync_a_commit_waits_for_nothing(tmp_path: Path) -> None:
    class Counting(Files):
        syncs = 0

        def fsync(self, descriptor: int, path: Path) -> None:
            self.syncs += 1

    files = Counting()
    log = WriteAheadLog(files, tmp_path, 1, synchronous=False)
    before = files.syncs
    log.commit(log.append(pack_record([(1, "m", chunk())])))
    assert files.syncs == before
    log.close()


class SlowFsync(Files):
    """Says when an fsync has begun, and takes its time."""

    def __init__(self) -> None:
        self.began = threading.Event()

    def fsync(self, descriptor: int, path: Path) -> None:
        self.began.set()
        time.sleep(0.05)
        super().fsync(descriptor, path)


def committing(log: WriteAheadLog, tickets: list[int]) -> tuple[list[threading.Thread], list[BaseException | None]]:
    """A thread for each ticket, and how their commits ended: None is well."""
    ends: list[BaseException | None] = []

    def commit(ticket: int) -> None:
        try:
            log.commit(ticket)
            ends.append(None)
        except BaseException as error:
            ends.append(error)

    threads = [threading.Thread(target=commit, args=(ticket,), daemon=True) for ticket in tickets]
    for thread in threads:
        thread.start()
    return threads, ends


def test_closing_waits_for_an_fsync_and_makes_what_was_appended_durable(tmp_path: Path) -> None:
    files = SlowFsync()
    log = WriteAheadLog(files, tmp_path, 1, synchronous=True)
    files.began.clear()
    first = log.append(pack_record([(1, "m", chunk())]))
    threads, ends = committing(log, [first])
    assert files.began.wait(2)
    tickets = [log.append(pack_record([(1, "m", chunk())])) for _ in range(4)]
    more, more_ends = committing(log, tickets)
    log.close()
    for thread in (*threads, *more):
        thread.join(2)
    assert ends + more_ends == [None] * 5
    log.commit(tickets[-1])  # asked late, and durable all the same


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = WriteAheadLog(Files(), tmp_path, 1, synchronous=True)
    log.close()
    log.close()
    for use in (lambda: log.append(pack_record([(1, "m", chunk())])), log.check, log.rotate, lambda: log.commit(1)):
        with pytest.raises(StorageError, match="was closed"):
            use()


def test_a_commit_whose_fsync_fails_while_closing_is_an_error_for_all_who_wait(tmp_path: Path) -> None:
    class Failing(SlowFsync):
        fails = False

        def fsync(self, descriptor: int, path: Path) -> None:
            super().fsync(descriptor, path)
            if self.fails:
                raise OSError("the disk is gone")

    files = Failing()
    log = WriteAheadLog(files, tmp_path, 1, synchronous=True)
    files.fails = True
    files.began.clear()
    threads, ends = committing(log, [log.append(pack_record([(1, "m", chunk())])) for _ in range(4)])
    assert files.began.wait(2)
    log.close()
    for thread in threads:
        thread.join(2)
    assert [type(end) for end in ends] == [StorageError] * 4


def test_an_fsync_that_is_interrupted_leaves_nobody_waiting(tmp_path: Path) -> None:
    class Interrupted(Files):
        interrupts = False

        def fsync(self, descriptor: int, path: Path) -> None:
            if self.interrupts:
                self.interrupts = False
                raise KeyboardInterrupt
            super().fsync(descriptor, path)

    files = Interrupted()
    log = WriteAheadLog(files, tmp_path, 1, synchronous=True)
    ticket = log.append(pack_record([(1, "m", chunk())]))
    files.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        log.commit(ticket)
    threads, ends = committing(log, [ticket])
    threads[0].join(2)
    assert ends == [None]
    log.close()


@pytest.mark.parametrize("durability", ["fsync", "process"])
def test_eight_writers_against_many_closings_lose_nothing_that_returned(tmp_path: Path, durability: Any) -> None:
    acknowledged: set[int] = set()
    numbers, lock = iter(range(10**9)), threading.Lock()

    def write(engine: Engine, ends: list[BaseException]) -> None:
        try:
            while True:
                with lock:
                    number = next(numbers)
                stored(engine, f"m,h=w{number % 20} i={number}i {number}")
                acknowledged.add(number)
        except BaseException as error:
            ends.append(error)

    for number in range(25 if durability == "fsync" else 8):
        engine = Engine.open(tmp_path / "store", StorageOptions(durability=durability, memtable_bytes=10_000))
        engine.create_database("d")
        ends: list[BaseException] = []
        threads = [threading.Thread(target=write, args=(engine, ends), daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.002 * number)
        engine.close()
        for thread in threads:
            thread.join(5)
        assert not any(thread.is_alive() for thread in threads), "a writer hangs"
        assert [type(end) for end in ends] == [StorageError] * 8
    with Engine.open(tmp_path / "store") as engine:
        assert acknowledged <= {time for _, time in contents(engine)}
        assert engine.damage == []


def test_a_write_too_large_for_a_record_is_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_PAYLOAD_BYTES", 4000)
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        stored(engine, "m,h=a v=1 1")
        (log,), (series,) = tmp_path.glob("wal/*.wal"), tmp_path.glob("data/*/series.log")
        sizes = log.stat().st_size, series.stat().st_size
        for field in ("v=2", 's="\\"a longer text"', "b=true"):  # some are known to be too large before they are packed
            lines = "\n".join(f"m,h=new{number} {field} {number}" for number in range(400))
            with pytest.raises(WriteError, match=r"takes \d+ bytes or more.*holds 4000 at most.*smaller batches"):
                stored(engine, lines)
        assert (log.stat().st_size, series.stat().st_size) == sizes
        assert contents(engine) == {("a", 1): {"v": 1.0}}
        assert engine.series_keys("d", "m") == [(("h", "a"),)]
        assert engine.field_keys("d", "m") == {"v": (DataType.FLOAT,)}
        stored(engine, "m,h=a v=2 2")
    with Engine.open(tmp_path) as engine:
        assert set(contents(engine)) == {("a", 1), ("a", 2)}
        assert engine.damage == []


def test_a_store_in_memory_takes_writes_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_PAYLOAD_BYTES", 10)
    with Engine.open(None) as engine:
        engine.create_database("d")
        stored(engine, "m,h=a v=1 1")
        assert len(contents(engine)) == 1


def test_many_new_series_are_logged_in_as_many_frames_as_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framing, "MAX_PAYLOAD_BYTES", 8000)
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        lines = "\n".join(f"m,h={'long' * 50}{number} v=1 {number}" for number in range(100))
        stored(engine, lines)
        before = contents(engine)
        (series,) = tmp_path.glob("data/*/series.log")
        assert series.stat().st_size > 2 * 8000
    with Engine.open(tmp_path) as engine:
        assert engine.damage == []
        assert contents(engine) == before
        assert len(before) == 100


def test_one_new_series_in_two_shards_gets_one_number(tmp_path: Path) -> None:
    week = 7 * 86400 * 10**9
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        stored(engine, f"m,h=a v=1 1\nm,h=b v=1 {week}\nm,h=a v=1 {week}\nm,h=c v=1 1")
        assert len(engine.series_keys("d", "m")) == 3
    with Engine.open(tmp_path) as engine:
        assert set(contents(engine)) == {("a", 1), ("b", week), ("a", week), ("c", 1)}


@pytest.mark.soak
def test_a_column_of_more_than_2_gib_comes_back_from_a_record() -> None:
    """Takes some 10 GB of memory."""
    rows = (1 << 28) + 1
    column = Column(DataType.FLOAT, np.zeros(rows))
    column.values[-1] = 7.5
    payload = pack_entries([(1, "m", Chunk(np.zeros(3, np.int64), np.arange(3), {"f": column}))])
    assert len(payload) > 1 << 31
    ((_, _, back),) = unpack_record(payload)
    assert len(back.fields["f"]) == rows
    assert back.fields["f"].values[-1] == 7.5
