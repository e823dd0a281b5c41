"""A result with several readers is made once, and given back whatever becomes of its readers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import influxish
from influxish.batch import Batch
from influxish.database import Database
from influxish.errors import StorageError
from influxish.exec.context import QueryContext
from influxish.exec.iterators.shared import Run, SharedIterator
from influxish.exec.pool import WorkerPool
from influxish.optimizer.rules import RULES
from tests.exec.test_exchange import Counting

HOSTS = 40


@pytest.fixture
def db() -> Iterator[Database]:
    with influxish.open(":memory:", workers=2) as database:
        database.create_database("demo")
        times = np.arange(HOSTS) * 1_000_000_000
        hosts = np.array([f"h{number}" for number in range(HOSTS)])
        columns = {"time": times, "host": hosts, "v": np.arange(HOSTS) + 0.5, "w": np.ones(HOSTS)}
        database.write(columns, database="demo", measurement="m", tags=["host"], time="time")
        yield database


def scans(db: Database, query: str) -> int:
    """How often the only scan of the plan handed out a batch."""
    explanation = db.explain(query, database="demo", analyze=True)
    assert explanation.profile is not None
    found = [node for node in explanation.after.walk() if node.describe().startswith("scan")]
    assert len(found) == 1, explanation
    return explanation.profile.of(found[0]).batches


def test_calls_alone_and_in_arithmetic_read_the_rows_once(db: Database) -> None:
    assert scans(db, "SELECT mean(v), mean(v) * 2, mean(v) - max(w), max(w) + 1 FROM m") == 1
    query = "SELECT mean(v), mean(v) * 2 FROM m WHERE time >= 0 AND time < 1m GROUP BY time(20s) fill(0)"
    assert scans(db, query) == 1


@pytest.mark.parametrize("disable", [(), ("all",), *[(rule.name,) for rule in RULES]])
def test_every_reader_sees_all_of_it(db: Database, disable: tuple[str, ...]) -> None:
    query = "SELECT sum(v), sum(v) * 2, sum(v) + max(w) FROM m GROUP BY host LIMIT 1"
    found = [row[1:] for series in db.query(query, database="demo", disable=disable) for row in series.rows]
    assert sorted(found) == [(n + 0.5, 2 * n + 1.0, n + 1.5) for n in range(HOSTS)]


def read(iterator: SharedIterator) -> list[int]:
    found = []
    while (batch := iterator.next_batch()) is not None:
        assert isinstance(batch, Batch)
        found += batch.columns["v"].values.tolist()
    return found


def test_the_last_reader_gives_it_back() -> None:
    context = QueryContext(WorkerPool(1))
    inner = Counting(range(3))
    run = Run(inner, context)
    readers = [run.reader(), run.reader()]
    with readers[0]:
        assert read(readers[0]) == [0, 1, 2]
        with readers[1]:
            assert read(readers[1]) == [0, 1, 2]
        assert (inner.opened, inner.closed) == (1, 0)
        assert context.memory.held > 0
    assert (inner.opened, inner.closed, context.memory.held) == (1, 1, 0)


def test_the_end_of_the_query_gives_it_back_where_a_reader_never_began() -> None:
    context = QueryContext(WorkerPool(1))
    inner = Counting(range(3), fails_at=2)
    run = Run(inner, context)
    run.reader()
    with context.at_end, pytest.raises(StorageError), run.reader() as reader:
        read(reader)
    assert (inner.opened, inner.closed, context.memory.held) == (1, 1, 0)
