"""SHOW STATS and SHOW DIAGNOSTICS tell figures that somebody counted."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import pytest

import influxish
from influxish.database import Database
from influxish.errors import InfluxishError
from influxish.types import MINUTE, WEEK
from influxish.version import __version__

Found = dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Any]]


def told(db: Database, text: str) -> Found:
    """(name, tags) → column → value of each series, which has one row."""
    found: Found = {}
    for series in db.query(text, database="demo"):
        row = [column.values.tolist() for column in series.values]
        assert all(len(values) == 1 for values in row)
        assert list(series.columns) == sorted(series.columns)
        key = series.name, tuple(series.tags.items())
        found[key] = {name: value for name, (value,) in zip(series.columns, row, strict=True)}
    return found


def test_writes_are_counted_as_the_server_counts_them(db: Database) -> None:
    # Observed on InfluxDB 1.6.7: a conflict of types is an error, points that are too old are dropped.
    db.query("CREATE RETENTION POLICY rp ON demo DURATION 1d REPLICATION 1")
    db.write("m v=1 1\nm v=1 2", database="demo")
    with pytest.raises(InfluxishError):
        db.write("m v=1i 3\nm v=7 4", database="demo")
    with pytest.raises(InfluxishError):
        db.write("m v=5 1", database="demo", policy="rp")
    with pytest.raises(InfluxishError):
        db.write("m v=5 1", database="nodb")
    (values,) = told(db, "SHOW STATS FOR 'write'").values()
    expected = {"pointReq": 5, "req": 3, "writeOk": 2, "writeError": 1, "writeDrop": 1}
    assert values == {**expected, "subWriteDrop": 0, "subWriteOk": 0}


def test_series_and_measurements_are_counted_by_database(db: Database) -> None:
    db.create_database("empty")
    db.write("m,h=a v=1 1\nm,h=b v=1 1\nn v=1 1", database="demo")
    db.query("DROP SERIES FROM m WHERE h = 'a'", database="demo")
    assert told(db, "SHOW STATS FOR 'database'") == {
        ("database", (("database", "demo"),)): {"numMeasurements": 2, "numSeries": 2},
        ("database", (("database", "empty"),)): {"numMeasurements": 0, "numSeries": 0},
    }


def test_queries_are_counted_while_they_run_and_after(db: Database) -> None:
    db.query("SHOW DATABASES")
    with pytest.raises(InfluxishError):
        db.query("SELECT v FROM nodb..m")
    db.write(["m v=1 1", "m v=2 2"], database="demo")
    stream = db.run("SELECT v FROM m", database="demo", chunk_rows=1)
    next(iter(next(stream).chunks))
    (values,) = told(db, "SHOW STATS FOR 'queryExecutor'").values()
    assert values.pop("queryDurationNs") > 0
    assert values == {"queriesActive": 2, "queriesExecuted": 4, "queriesFinished": 2}
    stream.close()
    (values,) = told(db, "SHOW STATS FOR 'queryExecutor'").values()
    assert (values["queriesActive"], values["queriesFinished"]) == (1, 4)


def test_turns_of_continuous_queries_are_counted(db: Database) -> None:
    assert told(db, "SHOW STATS FOR 'cq'") == {("cq", ()): {"queryFail": 0, "queryOk": 0}}
    for name, select in (("good", "mean(v) INTO x"), ("bad", "foo(v) INTO x")):
        select = f"SELECT {select} FROM m GROUP BY time(1m)"
        db.query(f"CREATE CONTINUOUS QUERY {name} ON demo BEGIN {select} END", database="demo")
    for minute in range(4):
        db.run_continuous_queries(WEEK + minute * MINUTE)
        db.run_continuous_queries(WEEK + minute * MINUTE + 1)  # nothing is due
    assert told(db, "SHOW STATS FOR 'cq'") == {("cq", ()): {"queryFail": 4, "queryOk": 4}}


def test_a_shard_tells_where_it_lies_and_its_bytes(tmp_path: Path) -> None:
    with influxish.open(tmp_path) as db:
        db.create_database("demo")
        db.write(f"m v=1 1\nm v=1 {WEEK}", database="demo")
        assert [values["diskBytes"] for values in told(db, "SHOW STATS FOR 'shard'").values()] == [0, 0]
        db.engine.flush()
        found = told(db, "SHOW STATS FOR 'shard'")
        assert [dict(tags)["id"] for _, tags in found] == ["1", "2"]
        for (_, tags), values in found.items():
            files = list(Path(dict(tags)["path"]).glob("*.seg"))
            assert len(files) == values["numFiles"] == 1
            assert values["diskBytes"] == sum(file.stat().st_size for file in files)


def test_modules_come_in_the_order_of_the_server_and_an_unknown_one_is_empty(db: Database) -> None:
    names = [name for name, _ in told(db, "SHOW STATS")]
    assert names == ["runtime", "queryExecutor", "database", "write", "subscriber", "cq"]
    assert told(db, "SHOW STATS FOR ''").keys() == told(db, "SHOW STATS").keys()
    assert told(db, "SHOW STATS FOR 'nope'") == told(db, "SHOW STATS FOR 'Write'") == {}
    assert told(db, "SHOW STATS FOR 'runtime'")["runtime", ()]["Sys"] > 1 << 20


def test_diagnostics_tell_what_runs_with_which_settings(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"max_query_seconds": 90, "memtable_bytes": 1 << 20, "subscription_buffer": 7}
    with influxish.open(tmp_path, workers=3, deliver_subscriptions=True, **settings) as db:
        found = {name: values for (name, _), values in told(db, "SHOW DIAGNOSTICS").items()}
        assert found["build"] == {"Version": __version__}
        assert found["config-coordinator"] == {"query-timeout": "1m30s"}
        assert found["config-data"]["dir"] == str(tmp_path)
        assert found["config-data"]["cache-snapshot-memory-size"] == 1 << 20
        assert found["config-subscriber"] == {
            "enabled": True,
            "http-timeout": "30s",
            "write-buffer-size": 7,
            "write-concurrency": 1,
        }
        assert found["runtime"]["GOMAXPROCS"] == 3
        assert found["runtime"]["version"] == f"python{platform.python_version()}"
        assert found["system"]["PID"] == os.getpid()
        assert found["system"]["started"] < found["system"]["currentTime"]
        assert list(told(db, "SHOW DIAGNOSTICS FOR 'build'")) == [("build", ())]
