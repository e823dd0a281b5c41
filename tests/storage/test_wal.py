"""The write-ahead log: frames, damage inside it, and fsyncs that several writers share."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from influxish.batch import Column, object_array
from influxish.storage.files import Files
from influxish.storage.framing import Frame, Gap, pack_frame, read_frames
from influxish.storage.memtable import Chunk
from influxish.storage.wal import WriteAheadLog, pack_entries, unpack_entries
from influxish.types import DataType


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
    ((shard, measurement, back),) = unpack_entries(pack_entries([(9, "m", chunk())]))
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
                ticket = log.append([(1, "m", chunk())])
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
    log.commit(log.append([(1, "m", chunk())]))
    assert files.syncs == before
    log.close()
