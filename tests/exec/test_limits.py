"""A query that is cancelled, runs late, asks for too much or fails gives threads, files and memory back at once."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import influxish
from influxish.database import Database
from influxish.errors import CorruptData, ExecutionError, LimitExceeded, QueryCancelled
from influxish.exec.context import CancelSwitch
from influxish.storage.points import PointBatch

HOSTS, ROWS = 40, 20_000
START = 1_600_000_000 * 10**9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on disk with 800,000 rows."""
    path = tmp_path_factory.mktemp("limits") / "store"
    rng = np.random.default_rng(1)
    times = START + np.arange(ROWS) * 10**10
    with influxish.open(path) as db:
        db.create_database("demo")
        for host in range(HOSTS):
            fields = {"value": rng.random(ROWS), "other": rng.random(ROWS)}
            db.engine.write("demo", "", PointBatch.from_columns("cpu", times, {"host": f"h{host}"}, fields))
    return path


@pytest.fixture
def big(folder: Path) -> Iterator[Database]:
    with influxish.open(folder, workers=2) as db:
        yield db


def test_a_cancelled_query_ends_within_250_ms_in_every_phase(big: Database) -> None:
    text = "SELECT value, other FROM cpu GROUP BY host"
    started = time.perf_counter()
    big.query(text, database="demo")
    whole = time.perf_counter() - started
    for share in (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95):  # plan, scan, sort, emit
        cancel = CancelSwitch()
        stopped_at: list[float] = []

        def stop(cancel: CancelSwitch = cancel, stopped_at: list[float] = stopped_at) -> None:
            stopped_at.append(time.perf_counter())
            cancel.cancel()

        timer = threading.Timer(whole * share, stop)
        timer.start()
        try:
            big.query(text, database="demo", cancel=cancel)
        except QueryCancelled:
            assert time.perf_counter() - stopped_at[0] < 0.25
        timer.cancel()
        assert workers_are_idle(big)


def workers_are_idle(db: Database) -> bool:
    """Whether each worker takes a task within 250 ms: none is held by a query that is gone."""
    barrier = threading.Barrier(db._pool.workers + 1)

    def meet() -> None:
        try:
            barrier.wait(0.25)
        except threading.BrokenBarrierError:
            return

    for _ in range(db._pool.workers):
        db._pool.submit(meet)
    try:
        barrier.wait(0.25)
    except threading.BrokenBarrierError:
        return False
    return True


def test_a_deadline_is_a_named_error(folder: Path) -> None:
    with influxish.open(folder, workers=2, max_query_seconds=0.01) as db:
        started = time.perf_counter()
        with pytest.raises(LimitExceeded, match=r"longer than 0\.01 s.*max_query_seconds") as caught:
            db.query("SELECT value, other FROM cpu", database="demo")
        assert caught.value.limit == "max_query_seconds"
        assert time.perf_counter() - started < 0.5


def test_a_memory_budget_is_a_named_error_and_is_given_back(folder: Path) -> None:
    with influxish.open(folder, workers=2, max_query_memory=8 << 20) as db:
        with pytest.raises(LimitExceeded, match=r"more than 8 MiB.*max_query_memory"):
            db.query("SELECT value, other FROM cpu", database="demo")
        assert workers_are_idle(db)
        assert len(db.query("SELECT mean(value) FROM cpu GROUP BY host", database="demo")) == HOSTS


def test_a_billion_buckets_are_refused_quickly_and_by_name(big: Database) -> None:
    started = time.perf_counter()
    with pytest.raises(LimitExceeded, match="max_buckets") as caught:
        big.query("SELECT mean(value) FROM cpu WHERE time >= '2020-09-13' AND time < '2020-09-20' GROUP BY time(1u)",
                  database="demo")  # fmt: skip
    assert caught.value.limit == "max_buckets"
    assert time.perf_counter() - started < 1


def test_sparse_buckets_that_are_not_filled_cost_only_their_rows(big: Database) -> None:
    text = "SELECT count(value) FROM cpu WHERE host = 'h1' GROUP BY time(1u) fill(none)"
    assert len(big.query(text, database="demo")) == ROWS


def test_an_abandoned_stream_gives_everything_back(big: Database) -> None:
    answers = big.run("SELECT value FROM cpu GROUP BY host", database="demo")
    chunks = iter(next(answers).chunks)
    next(chunks)
    started = time.perf_counter()
    answers.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - started < 0.25
    assert workers_are_idle(big)


def test_no_file_and_no_thread_stays_behind(folder: Path) -> None:
    gc.collect()
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    with influxish.open(folder, workers=2) as db:
        db.query("SELECT mean(value) FROM cpu GROUP BY host", database="demo")
        cancel = CancelSwitch()
        cancel.cancel()
        with pytest.raises(ExecutionError):
            db.query("SELECT value FROM cpu", database="demo", cancel=cancel)
    gc.collect()
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) <= files


def test_a_damaged_block_is_named_and_the_workers_go_on(folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "store"
    shutil.copytree(folder, copy)
    segment = max(copy.rglob("*.seg"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    for place in range(4_000, len(data) - 40_000, 50_000):
        data[place] ^= 0xFF
    segment.write_bytes(data)
    with influxish.open(copy, workers=2) as db:
        with pytest.raises(CorruptData, match=segment.name):
            db.query("SELECT mean(value), mean(other) FROM cpu", database="demo")
        assert workers_are_idle(db)
