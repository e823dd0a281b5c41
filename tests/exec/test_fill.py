"""Filling a long group in slices gives what filling it in one go gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import influxish
from influxish.database import Database
from influxish.exec.iterators import fill
from influxish.storage.points import PointBatch
from influxish.types import SECOND

FILLS = ["fill(null)", "fill(0)", "fill(previous)", "fill(linear)"]
ORDERS = ["", " ORDER BY time DESC"]
RANGES = ["WHERE time >= -7s AND time < 400s", "WHERE time < 300s", "WHERE time >= 101s AND time < 289s"]
ZONES = ["", " tz('America/New_York')"]


@pytest.fixture(scope="module")
def sparse() -> Database:
    """Points at some of 300 seconds, in two groups; each of two fields has gaps of its own."""
    db = influxish.open(workers=1)
    db.create_database("demo")
    rng = np.random.default_rng(3)
    for host in "ab":
        for name, share in (("v", 0.1), ("w", 0.02)):
            times = np.flatnonzero(rng.random(300) < share) * SECOND
            values = {name: rng.integers(0, 9, len(times)).astype(float)}
            db.engine.write("demo", "", PointBatch.from_columns("m", times, {"host": host}, values))
    return db


@pytest.mark.parametrize(("option", "order", "zone"), list(itertools.product(FILLS, ORDERS, ZONES)))
@pytest.mark.parametrize("slice_rows", [1, 2, 7, 50])
def test_slices_are_filled_as_the_whole(
    sparse: Database, option: str, order: str, zone: str, slice_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bounds, by in itertools.product(RANGES, ("time(1s)", "time(3s, 1s), host")):
        fields = "mean(v), max(w), count(w), stddev(w)"  # a single point has no deviation: present, and without value
        text = f"SELECT {fields} FROM m {bounds} GROUP BY {by} {option}{order}{zone}"
        outer = (
            f"SELECT sum(mean) FROM (SELECT mean(v) FROM m GROUP BY time(5s)) {bounds} GROUP BY {by} {option}{order}"
        )
        walked = f"SELECT sum(d) FROM (SELECT difference(v) AS d FROM m) {bounds} GROUP BY {by} {option}{order}"
        ranked = f"SELECT percentile(v, 60), count(w) FROM m {bounds} GROUP BY {by} {option}{order}"  # one has no rank
        for query in (text, outer + zone, walked + zone, ranked + zone):
            monkeypatch.setattr(fill, "SLICE_ROWS", 1 << 17)
            whole = repr(list(sparse.query(query, database="demo").rows))
            monkeypatch.setattr(fill, "SLICE_ROWS", slice_rows)
            assert repr(list(sparse.query(query, database="demo").rows)) == whole, query


@pytest.mark.parametrize(
    ("number", "whole", "unsigned", "real"),
    [
        ("2.9", 2, 2, 2.9),
        ("-2.5", -2, 2**64 - 2, -2.5),
        ("9223372036854775807.5", -(2**63), 2**63, 2.0**63),
        ("99999999999999999999.5", -(2**63), 2**63, 1e20),
        ("-9300000000000000000.5", -(2**63), 2**63, -9.3e18),
    ],
)
def test_a_number_that_does_not_fit_the_column_is_cut_as_the_server_cuts_it(
    number: str, whole: int, unsigned: int, real: float
) -> None:
    with influxish.open(workers=1) as db:
        db.create_database("demo")
        db.write("m i=1i,u=1u,f=1 0", database="demo")
        text = "SELECT sum(i) AS i, sum(u) AS u, sum(f) AS f FROM m WHERE time >= 0 AND time < 2s GROUP BY time(1s)"
        first, second = db.query(f"{text} fill({number})", database="demo").rows
    assert first == {"time": 0, "i": 1, "u": 1, "f": 1.0}
    assert second == {"time": SECOND, "i": whole, "u": unsigned, "f": real}
