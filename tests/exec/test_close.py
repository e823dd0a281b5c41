"""Closing a database while it is asked and written to: whoever is at it ends soon with a clear error, nobody hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import influxish
from influxish.database import Database
from influxish.errors import InfluxishError, PartialWrite, QueryCancelled, StorageError
from influxish.exec.exchange import Exchange
from influxish.exec.pool import WorkerPool
from influxish.optimizer.rules import parallelism
from influxish.storage.points import PointBatch
from tests.exec.test_exchange import Counting, context, drain
from tests.storage.test_fork import in_fork

HOSTS, ROWS = 20, 20_000
START = 1_600_000_000 * 10**9
QUESTIONS = (
    "SELECT v FROM cpu GROUP BY host",
    "SELECT mean(v) FROM cpu GROUP BY time(1m), host",
    "SELECT percentile(v, 90) FROM cpu GROUP BY time(1h)",
    "SHOW SERIES",
)
SOON = 5.0  # seconds, of which a busy machine needs a part; a hang lasts for ever


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on disk with 400,000 rows in four shards."""
    path = tmp_path_factory.mktemp("close") / "store"
    times = START + np.arange(ROWS) * 120 * 10**9
    with influxish.open(path) as db:
        db.create_database("demo")
        for host in range(HOSTS):
            fields = {"v": np.sin(np.arange(ROWS) + host)}
            db.engine.write("demo", "", PointBatch.from_columns("cpu", times, {"host": f"h{host}"}, fields))
    return path


@pytest.fixture(autouse=True)
def parallel_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scan goes to the workers, in many parts."""
    monkeypatch.setattr(parallelism, "WORTHWHILE", 1)
    monkeypatch.setattr(parallelism, "PART", 20_000)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()


def started(target: Callable[[], None], count: int = 1) -> list[threading.Thread]:
    # Daemons, so that a hang fails the test and does not keep the interpreter.
    threads = [threading.Thread(target=target, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def joined(threads: list[threading.Thread]) -> None:
    limit = time.monotonic() + SOON
    for thread in threads:
        thread.join(max(0.0, limit - time.monotonic()))
    assert not [thread for thread in threads if thread.is_alive()], "a thread hangs"


class Askers:
    """Threads that ask until they are refused; what ended each of them stands in `ends`."""

    def __init__(self, db: Database, count: int) -> None:
        self._db, self.answered, self.ends = db, 0, list[BaseException]()
        self._numbers = iter(range(10**9))
        self.threads = started(self._ask, count)

    def _ask(self) -> None:
        try:
            while True:
                text = QUESTIONS[next(self._numbers) % len(QUESTIONS)]
                if next(self._numbers) % 3:
                    self._db.query(text, database="demo")
                else:
                    for answer in self._db.run(text, database="demo"):
                        for _ in answer.chunks:
                            self.answered += 1
                self.answered += 1
        except BaseException as error:
            self.ends.append(error)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.05, 0.2, 0.4])
def test_whoever_asks_while_another_closes_ends_soon_with_a_clear_error(folder: Path, seconds: float) -> None:
    db = influxish.open(folder, workers=2)
    askers = Askers(db, 8)
    time.sleep(seconds)
    joined(started(db.close))
    joined(askers.threads)
    assert len(askers.ends) == 8
    for end in askers.ends:
        if isinstance(end, QueryCancelled):
            assert str(end) == "the query was cancelled: the database was closed"
        else:
            assert isinstance(end, InfluxishError), repr(end)
            assert str(end) == "the database is closed"
    with influxish.open(folder, workers=2) as again:
        (row,) = again.query("SELECT count(v) FROM cpu", database="demo").rows
        assert row["count"] == HOSTS * ROWS


def test_a_stream_that_is_half_read_lets_its_own_thread_close(folder: Path) -> None:
    db = influxish.open(folder, workers=2)
    answers = db.run("SELECT v FROM cpu GROUP BY host; SELECT count(v) FROM cpu", database="demo")
    chunks = iter(next(answers).chunks)
    assert next(chunks).rows
    joined(started(db.close))  # by another thread first: a hang must not take the test with it
    with pytest.raises(QueryCancelled, match="the database was closed"):
        list(chunks)
    with pytest.raises(InfluxishError, match="the database is closed"):
        next(answers)
    db.close()


def test_a_loop_over_a_stream_may_close_the_database_inside(folder: Path) -> None:
    db = influxish.open(folder, workers=2)
    seen: list[int] = []
    ends: list[str] = []

    def read() -> None:
        try:
            for answer in db.run("SELECT v FROM cpu GROUP BY host", database="demo"):
                for chunk in answer.chunks:
                    seen.append(chunk.rows)
                    db.close()
        except QueryCancelled as error:
            ends.append(str(error))

    joined(started(read))
    assert len(seen) == 1
    assert ends == ["the query was cancelled: the database was closed"]


def test_a_stream_that_is_dropped_after_closing_gives_its_memory_back(folder: Path) -> None:
    db = influxish.open(folder, workers=2)
    answers = db.run("SELECT v FROM cpu GROUP BY host", database="demo")
    next(iter(next(answers).chunks))
    db.close()
    joined(started(answers.close))  # type: ignore[attr-defined]


def test_closing_twice_and_from_two_threads_is_one_close(folder: Path) -> None:
    db = influxish.open(folder, workers=2)
    db.query("SELECT count(v) FROM cpu", database="demo")
    joined(started(db.close, 4))
    db.close()
    influxish.open(folder).close()


@pytest.mark.parametrize(
    "use",
    [
        lambda db: db.query("SELECT v FROM cpu", database="demo"),
        lambda db: db.query("SHOW DATABASES"),
        lambda db: list(db.run("SELECT v FROM cpu", database="demo")),
        lambda db: db.explain("SELECT v FROM cpu", database="demo"),
        lambda db: db.write("cpu v=1", database="demo"),
        lambda db: db.write({"time": [1], "v": [1.0]}, database="demo", measurement="m"),
        lambda db: db.create_database("other"),
        lambda db: db.databases(),
        lambda db: db.measurements("demo"),
        lambda db: db.tag_keys("demo", "cpu"),
        lambda db: db.tag_values("demo", "cpu", "host"),
        lambda db: db.field_keys("demo", "cpu"),
    ],
)
def test_a_closed_database_refuses_everything_by_name(use: Callable[[Database], object]) -> None:
    db = influxish.open(":memory:")
    db.create_database("demo")
    db.close()
    with pytest.raises(StorageError, match="is closed"):
        use(db)


def test_writes_while_another_closes_are_there_or_are_refused(tmp_path: Path) -> None:
    for number in range(6):
        db = influxish.open(tmp_path / "store", workers=2, memtable_bytes=20_000)
        db.create_database("demo")
        acknowledged, ends, lock = list[int](), list[BaseException](), threading.Lock()
        numbers = iter(range(number * 10**6, 10**9))

        def write(db: Database = db, acknowledged=acknowledged, ends=ends, lock=lock, numbers=numbers) -> None:
            try:
                while True:
                    with lock:
                        n = next(numbers)
                    db.write(f"m,w=w{n % 50} v={n}i {n}", database="demo")
                    acknowledged.append(n)
            except BaseException as error:
                ends.append(error)

        threads = started(write, 8)
        time.sleep(0.02 * number)
        joined(started(db.close))
        joined(threads)
        assert all(type(end) is StorageError and "closed" in str(end) for end in ends), ends
        with influxish.open(tmp_path / "store") as again:
            if acknowledged:
                rows = again.query("SELECT v FROM m", database="demo").rows
                assert set(acknowledged) <= {row["v"] for row in rows}
            assert again.damage == []


def test_a_pool_that_is_closed_refuses_a_task() -> None:
    pool = WorkerPool(2)
    pool.submit(lambda: None)
    pool.close()
    pool.close()
    with pytest.raises(QueryCancelled, match="the database was closed"):
        pool.submit(lambda: None)


def test_tasks_are_run_or_refused_never_dropped() -> None:
    for _ in range(50):
        pool, ran, taken = WorkerPool(2), list[int](), list[int]()

        def submit(pool: WorkerPool = pool, ran: list[int] = ran, taken: list[int] = taken) -> None:
            with suppress(QueryCancelled):
                while True:
                    pool.submit(lambda: ran.append(1))
                    taken.append(1)

        threads = started(submit, 4)
        time.sleep(0.001)
        joined(started(pool.close))
        joined(threads)
        assert len(ran) == len(taken)


def test_an_exchange_whose_pool_is_closed_fails_its_reader_and_closes() -> None:
    pool = WorkerPool(2)
    running = context(pool)
    inputs = [Counting(range(1000)) for _ in range(9)]
    exchange = Exchange(inputs, running, 2, read_ahead=1).open()
    ends: list[BaseException] = []

    def read() -> None:
        try:
            drain(exchange)
        except BaseException as error:
            ends.append(error)
        exchange.close()

    assert exchange.next_batch() is not None
    pool.close()
    joined(started(read))
    assert [type(end) for end in ends] == [QueryCancelled]
    assert all(one.opened == one.closed for one in inputs)
    assert running.memory.held == 0


def test_a_partial_write_is_no_reason_to_stay_open(tmp_path: Path) -> None:
    db = influxish.open(tmp_path / "store")
    db.create_database("demo")
    with pytest.raises(PartialWrite):
        db.write("m v=1 1\nm v=", database="demo")
    db.close()
    with influxish.open(tmp_path / "store") as again:
        assert len(again.query("SELECT v FROM m", database="demo")) == 1


def test_a_fork_amid_a_query_of_another_thread_can_neither_ask_nor_hang(tmp_path: Path) -> None:
    with influxish.open(tmp_path, workers=2) as db:
        db.create_database("demo")
        db.write("m v=1 1", database="demo")
        inside, leave = threading.Event(), threading.Event()

        def stay() -> None:
            with db._running.step(db._context(None)):
                inside.set()
                leave.wait(30)

        thread = threading.Thread(target=stay)
        thread.start()
        assert inside.wait(10)

        def child() -> None:
            with pytest.raises(StorageError, match="a fork of it"):
                db.query("SELECT v FROM m", database="demo")
            db.close()

        in_fork(child)
        leave.set()
        thread.join()
        assert [row["v"] for row in db.query("SELECT v FROM m", database="demo").rows] == [1.0]
