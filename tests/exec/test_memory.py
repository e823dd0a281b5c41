"""What a query is counted as holding covers what it really holds, copies that it works on included."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import influxish
from influxish.batch import object_array
from influxish.database import Database
from influxish.errors import LimitExceeded
from influxish.exec.context import QueryContext

ROWS, MIB = 400_000, 1 << 20
SLACK = 6 * MIB
"""What decoding and the answer's own pieces take, however much is asked for."""

QUERIES = (
    "SELECT count(distinct(i)) FROM m",
    "SELECT distinct(i) FROM m",
    "SELECT distinct(s) FROM m",
    "SELECT top(v, 100000) FROM m",
    "SELECT bottom(v, 100000), i FROM m",
    "SELECT median(v) FROM m",
    "SELECT median(v) FROM m GROUP BY h, time(1m) fill(none)",
    "SELECT percentile(v, 90) FROM m",
    "SELECT mode(i), median(v) FROM m GROUP BY h",
    "SELECT mean(v) FROM m GROUP BY time(1s) fill(none)",
    "SELECT mean(v), max(v), stddev(v) FROM m GROUP BY time(1s) fill(none)",
    "SELECT v FROM m",
    "SELECT v, i, s FROM m ORDER BY time DESC",
    "SELECT v FROM m GROUP BY h ORDER BY time DESC LIMIT 20000",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on disk whose values are all different."""
    path = tmp_path_factory.mktemp("memory") / "store"
    random = np.random.default_rng(1)
    columns = {
        "time": np.arange(ROWS),
        "h": object_array([f"h{number % 10}" for number in range(ROWS)]),
        "v": random.random(ROWS),
        "i": random.integers(0, 2**60, ROWS),
        "s": object_array([f"text {number * 7919 % ROWS}" for number in range(ROWS)]),
    }
    with influxish.open(path, durability="process") as db:
        db.create_database("demo")
        db.write(columns, database="demo", measurement="m", tags=["h"], precision="s")
    return path


@pytest.fixture
def db(folder: Path) -> Iterator[Database]:
    with influxish.open(folder, workers=2) as db:
        yield db


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> list[QueryContext]:
    """The contexts of all queries that are asked from now on."""
    found: list[QueryContext] = []

    def recorded(*args: object) -> QueryContext:
        found.append(QueryContext(*args))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr("influxish.database.QueryContext", recorded)
    return found


@pytest.mark.parametrize("text", QUERIES)
@pytest.mark.parametrize("disable", [(), ("all",)], ids=["rules", "none"])
def test_what_is_counted_covers_what_is_held(
    db: Database, contexts: list[QueryContext], text: str, disable: tuple[str, ...]
) -> None:
    tracemalloc.start()
    try:
        for answer in db.run(text, database="demo", disable=disable):
            for chunk in answer.chunks:
                assert chunk.rows
        _, held = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    counted = contexts[-1].memory.peak
    assert held <= 1.3 * counted + SLACK, f"{held / MIB:.1f} MiB held, {counted / MIB:.1f} MiB counted"
    assert counted <= 3 * held + SLACK, f"{held / MIB:.1f} MiB held, {counted / MIB:.1f} MiB counted"


def test_merging_is_refused_before_its_copies_are_made(folder: Path) -> None:
    limit = 24 * MIB
    with influxish.open(folder, workers=2, max_query_memory=limit) as db:
        tracemalloc.start()
        try:
            with pytest.raises(LimitExceeded, match="max_query_memory"):
                db.query("SELECT median(v) FROM m", database="demo")
            _, held = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held <= 1.3 * limit


@pytest.mark.parametrize("disable", [(), ("all",)], ids=["rules", "none"])
def test_states_that_merging_makes_few_are_merged_before_they_are_too_many(
    folder: Path, disable: tuple[str, ...]
) -> None:
    """All series together have 66,667 states of 32 bytes; merged they are a tenth of that."""
    with influxish.open(folder, workers=2, max_query_memory=4 * MIB) as db:
        text = "SELECT mean(v) FROM m GROUP BY time(1m) fill(none)"
        assert len(db.query(text, database="demo", disable=disable)) == ROWS // 60 + 1
