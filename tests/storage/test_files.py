"""Segment files hold no descriptors, and go as soon as nobody can read them any more: no sooner, no later."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from influxish.errors import StorageError
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.interface import ScanStats, ShardSource
from influxish.storage.points import PointBatch
from influxish.types import WEEK
from tests.storage.helpers import contents, request, rows, write
from tests.storage.test_fork import in_fork


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    """Nothing here may need it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


FEW_DESCRIPTORS = """
import resource, sys
import influxish
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
week = 7 * 86400 * 10**9
for opening in range(2):
    with influxish.open(sys.argv[1], workers=2, merge_segments=2) as db:
        if not opening:
            db.create_database("d")
        before = db.engine.shards("d")
        for flush in range(2):
            db.write([f"m v={number} {number * week + flush + 10 * opening}" for number in range(120)], database="d")
            db.engine.flush()
        (answer,) = db.query("SELECT count(v), sum(v) FROM m", database="d").rows
        print(answer["count"], answer["sum"], len(db.engine.shards("d")), len(before))
"""


def test_shards_may_be_more_than_files_that_may_be_open(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FEW_DESCRIPTORS, str(tmp_path)], capture_output=True, text=True)
    total = 2 * sum(range(120))
    assert done.stderr == ""
    assert done.stdout == f"240 {total:.1f} 120 0\n480 {2 * total:.1f} 120 120\n"
    assert done.returncode == 0


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("data/*/*/*.seg"))


def merging_store(folder: Path) -> Engine:
    """A store that merges at every flush, with one segment."""
    engine = Engine.open(folder, StorageOptions(merge_segments=2))
    engine.create_database("d")
    write(engine, "m,h=a v=1 1")
    engine.flush()
    return engine


def everything(shards: list[ShardSource]) -> dict[tuple[str, int], dict[str, float]]:
    return dict(row for shard in shards for row in rows(shard, request()))


def test_a_replaced_segment_stays_while_a_snapshot_reads_it_and_no_longer(tmp_path: Path) -> None:
    with merging_store(tmp_path) as engine:
        (old,) = segments(tmp_path)
        snapshot = list(engine.shards("d"))
        scan = snapshot[0].scan(request(), ScanStats())
        write(engine, "m,h=a v=2 2")
        engine.flush()
        assert len(segments(tmp_path)) == 2
        assert everything(snapshot) == {("a", 1): {"v": 1.0}}
        snapshot.clear()
        assert old.exists()  # for the scan
        assert sum(batch.rows for batch in scan) == 1
        del scan
        assert not old.exists()
        assert len(segments(tmp_path)) == 1
        assert set(contents(engine)) == {("a", 1), ("a", 2)}


def test_a_replaced_segment_that_nobody_reads_goes_with_the_flush(tmp_path: Path) -> None:
    with merging_store(tmp_path) as engine:
        assert len(contents(engine)) == 1
        write(engine, "m,h=a v=2 2")
        engine.flush()
        assert len(segments(tmp_path)) == 1


def test_the_folder_of_a_dropped_database_goes_with_the_last_snapshot(tmp_path: Path) -> None:
    with merging_store(tmp_path) as engine:
        first = list(engine.shards("d"))
        write(engine, "m,h=a v=2 2")
        engine.flush()
        second = list(engine.shards("d"))
        (folder,) = (tmp_path / "data").iterdir()
        engine.drop_database("d")
        assert len(everything(second)) == 2
        second.clear()
        assert len(everything(first)) == 1  # of a segment that was replaced before the database was dropped
        first.clear()
        assert not folder.exists()
        engine.create_database("d")
        write(engine, "m,h=a v=3 3")
        engine.drop_database("d")
        assert not list((tmp_path / "data").iterdir())


def test_what_a_crash_kept_from_being_removed_goes_at_the_next_opening(tmp_path: Path) -> None:
    with merging_store(tmp_path / "store") as engine:
        kept = [engine.shards("d")]
        write(engine, "m,h=a v=2 2")
        engine.flush()
        engine.create_database("e")
        write(engine, "m,h=a v=2 2", "e")
        engine.flush()
        kept.append(engine.shards("e"))
        engine.drop_database("e")
        shutil.copytree(tmp_path / "store", tmp_path / "crashed")
        assert len(segments(tmp_path / "crashed")) == 3
    with Engine.open(tmp_path / "crashed") as engine:
        assert len(segments(tmp_path / "crashed")) == 1
        assert len(list((tmp_path / "crashed" / "data").iterdir())) == 1
        assert len(contents(engine)) == 2
        assert engine.damage == []
    assert len(kept) == 2


def test_a_fork_that_lets_a_snapshot_go_removes_nothing(tmp_path: Path) -> None:
    with merging_store(tmp_path) as engine:
        snapshot = list(engine.shards("d"))
        write(engine, "m,h=a v=2 2")
        engine.flush()

        def child() -> None:
            snapshot.clear()
            gc.collect()

        in_fork(child)
        assert len(everything(snapshot)) == 1


def test_a_snapshot_let_go_after_the_store_was_closed_removes_nothing(tmp_path: Path) -> None:
    engine = merging_store(tmp_path)
    snapshot = list(engine.shards("d"))
    write(engine, "m,h=a v=2 2")
    engine.flush()
    engine.close()
    assert len(everything(snapshot)) == 1
    snapshot.clear()
    assert len(segments(tmp_path)) == 2  # whoever opens the store next says what becomes of it
    Engine.open(tmp_path).close()
    assert len(segments(tmp_path)) == 1


def test_a_file_taken_away_by_others_is_named_by_the_read_that_misses_it(tmp_path: Path) -> None:
    with merging_store(tmp_path) as engine:
        snapshot = engine.shards("d")
        (path,) = segments(tmp_path)
        path.unlink()
        with pytest.raises(StorageError, match=f"cannot open {path}: No such file"):
            rows(snapshot[0], request())


def test_a_segment_that_was_scanned_is_freed_by_its_last_reference(tmp_path: Path) -> None:
    with merging_store(tmp_path) as engine:
        assert len(contents(engine)) == 1
        (shard,) = next(iter(engine._databases.values())).shards()
        (segment,) = shard.segments
        freed = weakref.ref(segment)
        assert segment.layer("m") is segment.layer("m") is not None
        del segment
        shard.segments = ()
        assert freed() is None


def test_no_descriptor_is_held_for_what_was_read(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        before = len(os.listdir("/proc/self/fd"))
        points = PointBatch.from_columns("m", np.arange(20) * WEEK, {"h": "a"}, {"v": np.random.rand(20)})
        engine.write("d", "", points)
        engine.flush()
        assert len(contents(engine)) == 20
        assert len(os.listdir("/proc/self/fd")) <= before
