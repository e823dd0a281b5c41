"""The exchange: all inputs, in one fixed order, on several threads; a failure or an early close leaves nothing."""

from __future__ import annotations

import threading
import time
from typing import Self

import numpy as np
import pytest

from influxish.batch import Batch, Column, GroupTable
from influxish.errors import QueryCancelled, StorageError
from influxish.exec.context import CancelSwitch, Limits, QueryContext
from influxish.exec.exchange import Exchange
from influxish.exec.iterator import RowIterator
from influxish.exec.pool import WorkerPool
from influxish.types import DataType

GROUPS = GroupTable.single("m")


def batch(value: int) -> Batch:
    column = Column(DataType.INTEGER, np.array([value]))
    return Batch.of_rows(GROUPS, np.zeros(1, np.int64), np.zeros(1, np.int64), {"v": column})


class Counting(RowIterator):
    """Yields given values, one a batch; counts opens and closes; may fail or be slow."""

    def __init__(self, values: range, *, fails_at: int = -1, seconds: float = 0.0) -> None:
        super().__init__()
        self.values, self.fails_at, self.seconds = list(values), fails_at, seconds
        self.opened = self.closed = self.given = 0
        self.threads: set[str] = set()

    def open(self) -> Self:
        self.opened += 1
        return self

    def close(self) -> None:
        self.closed += 1

    def next_batch(self) -> Batch | None:
        self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds)
        if self.given == self.fails_at:
            raise StorageError("block 3 of file x is damaged")
        if self.given == len(self.values):
            return None
        self.given += 1
        return batch(self.values[self.given - 1])


@pytest.fixture
def pool():
    made = WorkerPool(2)
    yield made
    made.close()


def context(pool: WorkerPool, **limits: float) -> QueryContext:
    return QueryContext(pool, Limits(**limits))


def drain(exchange: Exchange) -> list[int]:
    found = []
    while (piece := exchange.next_batch()) is not None:
        found.append(int(piece.columns["v"].values[0]))
    return found


def test_everything_arrives_in_the_order_of_the_inputs_every_time(pool: WorkerPool) -> None:
    for _ in range(5):
        inputs = [Counting(range(10 * i, 10 * i + i)) for i in range(9)]
        with Exchange(inputs, context(pool), 2) as exchange:
            assert drain(exchange) == [v for i in range(9) for v in range(10 * i, 10 * i + i)]
        assert all(one.opened == one.closed == 1 for one in inputs)


def test_inputs_run_on_the_workers_at_the_same_time(pool: WorkerPool) -> None:
    inputs = [Counting(range(5), seconds=0.02), Counting(range(5), seconds=0.02)]
    started = time.perf_counter()
    with Exchange(inputs, context(pool), 2) as exchange:
        assert len(drain(exchange)) == 10
    assert time.perf_counter() - started < 0.2  # one after the other they take 0.24
    assert all(name.startswith("worker") for one in inputs for name in one.threads)


def test_a_slow_reader_bounds_what_is_read_ahead(pool: WorkerPool) -> None:
    size = batch(0).nbytes
    eager = Counting(range(1000))
    running = context(pool)
    with Exchange([eager], running, 2, read_ahead=3 * size) as exchange:
        exchange.next_batch()
        time.sleep(0.1)
        assert eager.given == 1 + 3
        assert running.memory.held == 3 * size


def test_closing_stops_an_input_in_the_middle_of_a_long_step(pool: WorkerPool) -> None:
    running = context(pool).fork()

    class Endless(Counting):
        def next_batch(self) -> Batch | None:
            while True:  # an aggregation that reads all of its part before it answers
                running.look()
                time.sleep(0.001)

    exchange = Exchange([Endless(range(1))], running, 2).open()
    time.sleep(0.02)
    started = time.perf_counter()
    exchange.close()
    assert time.perf_counter() - started < 0.1


def test_a_failure_of_an_input_reaches_the_reader_and_closes_all(pool: WorkerPool) -> None:
    inputs = [Counting(range(50)), Counting(range(50), fails_at=3)]
    running = context(pool)
    with pytest.raises(StorageError, match="block 3"), Exchange(inputs, running, 2) as exchange:
        drain(exchange)
    assert all(one.opened == one.closed for one in inputs)
    assert running.memory.held == 0


def test_closing_early_gives_threads_and_memory_back_at_once(pool: WorkerPool) -> None:
    inputs = [Counting(range(10_000), seconds=0.001) for _ in range(20)]
    running = context(pool)
    exchange = Exchange(inputs, running, 2).open()
    exchange.next_batch()
    started = time.perf_counter()
    exchange.close()
    assert time.perf_counter() - started < 0.25
    assert running.memory.held == 0
    assert all(one.opened == one.closed for one in inputs)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(0.25), "a worker is still busy with the closed query"
    exchange.close()  # safe to repeat


def test_a_cancel_wakes_a_reader_that_waits(pool: WorkerPool) -> None:
    running = QueryContext(pool, Limits(), CancelSwitch())
    inputs = [Counting(range(3), seconds=0.15)]
    threading.Timer(0.02, running.cancel.cancel).start()
    started = time.perf_counter()
    with pytest.raises(QueryCancelled), Exchange(inputs, running, 2) as exchange:
        drain(exchange)
    assert time.perf_counter() - started < 0.25


def test_two_queries_share_the_pool_fairly(pool: WorkerPool) -> None:
    long = Exchange([Counting(range(10_000)) for _ in range(8)], context(pool), 2).open()
    try:
        with Exchange([Counting(range(3))], context(pool), 2) as short:
            started = time.perf_counter()
            assert drain(short) == [0, 1, 2]
            assert time.perf_counter() - started < 0.25
    finally:
        long.close()
