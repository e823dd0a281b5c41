"""Estimates come from the index alone and are of the right size."""

from __future__ import annotations

import numpy as np

from influxish.database import Database
from influxish.storage.points import PointBatch

HOUR = 3600 * 10**9
START = 1_600_000_000 * 10**9 // HOUR * HOUR


def estimated(db: Database, text: str) -> dict[str, int]:
    explanation = db.explain(text, database="demo")
    return {type(node).__name__: explanation.rows(node) for node in explanation.after.walk()}


def load(db: Database) -> None:
    times = START + np.arange(3_600) * 10**10  # ten hours
    for host in ("a", "b"):
        points = PointBatch.from_columns("cpu", times, {"host": host}, {"value": np.arange(3_600.0)})
        db.engine.write("demo", "", points)


def test_a_scan_is_estimated_by_its_rows_and_a_limit_by_its_series(db: Database) -> None:
    load(db)
    assert estimated(db, "SELECT value FROM cpu")["Scan"] == 7_200
    assert estimated(db, "SELECT value FROM cpu LIMIT 3")["Scan"] == 6


def test_buckets_are_counted_from_the_range_or_from_where_data_can_be(db: Database) -> None:
    load(db)
    bounded = f"time >= {START} AND time < {START + 10 * HOUR}"
    text = f"SELECT mean(value) FROM cpu WHERE {bounded} GROUP BY time(1h), host"
    assert 20 <= estimated(db, text)["Emit"] <= 22
    open_ended = estimated(db, "SELECT mean(value) FROM cpu GROUP BY time(1h), host fill(none)")["Emit"]
    assert 20 <= open_ended <= 2 * (7 * 24 + 1)  # the shard covers a week


def test_nothing_is_estimated_at_nothing(db: Database) -> None:
    load(db)
    assert estimated(db, "SELECT mean(value) FROM cpu WHERE 1 = 2") == {"Nothing": 0, "Emit": 0}
