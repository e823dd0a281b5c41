"""Retention policies that change and go: their data, their shards, and which is the default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from influxish.errors import ExecutionError, NotFound
from influxish.functions.expression import Comparison, Expression, Literal, Reference
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy, ScanRequest, ScanStats, ShardSource
from influxish.types import DAY, WEEK, DataType, FieldRequest
from tests.storage.helpers import write


def test_a_dropped_policy_takes_its_rows_files_and_series_with_it(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        engine.create_policy("d", RetentionPolicy("brief"))
        write(engine, "cpu,h=a v=1 0\nmem v=1 0")
        write(engine, "cpu,h=b v=1 0\nnet v=1 0", policy="brief")
        engine.flush()
        write(engine, "cpu,h=c v=1 0", policy="brief")
        (snapshot,) = engine.shards("d", "brief")
        engine.drop_policy("d", "brief")
        engine.drop_policy("d", "brief")
        assert snapshot.present("cpu").tolist() == [False, True, True]
        assert rows_of(snapshot, "net") == 1
        check_only_the_default_is_left(engine)
        del snapshot
        assert len(list(tmp_path.rglob("*.seg"))) == 1
    with Engine.open(tmp_path) as engine:
        check_only_the_default_is_left(engine)
        assert not engine.damage
        assert len(engine.shards("d")) == 1
        assert [path.name for path in (tmp_path / "data" / "1").iterdir() if path.is_dir()] == ["1"]


def check_only_the_default_is_left(engine: Engine) -> None:
    assert [policy.name for policy in engine.policies("d")] == ["autogen"]
    assert engine.measurements("d") == ["cpu", "mem"]
    assert engine.tag_values("d", "cpu", "h") == ["a"]
    assert engine.series_keys("d", "cpu") == [(("h", "a"),)]
    assert engine.count_series("d", "cpu") == 1


def rows_of(shard: ShardSource, measurement: str) -> int:
    request = ScanRequest(measurement, (FieldRequest("v", "v", DataType.FLOAT),))
    return sum(batch.rows for batch in shard.scan(request, ScanStats()))


def test_a_time_stays_in_the_shard_that_covers_it_when_the_width_of_shards_changes(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d", RetentionPolicy("p", 0, DAY))
        write(engine, f"cpu v=1 {4 * DAY}\ncpu v=2 {6 * DAY}")
        engine.change_policy("d", "p", lambda policy: replace(policy, shard_duration=7 * DAY))
        write(engine, "\n".join(f"cpu v=9 {number * DAY}" for number in range(4, 12)))
    with Engine.open(tmp_path) as engine:
        assert engine.policy("d").shard_duration == 7 * DAY
        write(engine, f"cpu v=10 {10 * DAY}\ncpu v=10 {5 * DAY}")
        shards = engine.shards("d")
        ranges = [(shard.time_range.start // DAY, shard.time_range.stop // DAY) for shard in shards]
        assert ranges == [(4, 5), (5, 6), (6, 7), (7, 11), (11, 18)]
        assert [rows_of(shard, "cpu") for shard in shards] == [1, 1, 1, 4, 1]


def test_only_one_policy_is_the_default(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        engine.create_policy("d", RetentionPolicy("p", default=True))
        engine.create_policy("d", RetentionPolicy("q"))
        engine.change_policy("d", "q", lambda policy: replace(policy, duration=WEEK, default=True))
        with pytest.raises(ExecutionError, match="retention policy conflicts with an existing policy"):
            engine.create_policy("d", RetentionPolicy("p", default=True))
        with pytest.raises(NotFound, match="retention policy not found: nope"):
            engine.change_policy("d", "nope", lambda policy: policy)
    with Engine.open(tmp_path) as engine:
        assert [policy.default for policy in engine.policies("d")] == [False, False, True]
        assert engine.policy("d") == RetentionPolicy("q", WEEK)
        engine.drop_policy("d", "q")
        with pytest.raises(NotFound, match="default retention policy not set for: d"):
            engine.policy("d")
        engine.create_policy("d", RetentionPolicy("r"))
        assert engine.default_policy("d") == "r"


def where_host(value: str) -> Expression:
    reference = Reference("h", type=DataType.TAG)
    return Comparison("=", reference, Literal(value, type=DataType.STRING), type=DataType.BOOLEAN)


@pytest.mark.parametrize("flushed", [False, True], ids=["logged", "flushed"])
def test_no_list_has_series_whose_rows_were_dropped_with_a_policy_or_deleted(tmp_path: Path, flushed: bool) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        engine.create_policy("d", RetentionPolicy("brief"))
        write(engine, "cpu,h=both v=1 0\ncpu,h=deleted v=1 0")
        write(engine, "cpu,h=both v=1 0\ncpu,h=dropped,r=x v=1 0\nmem v=1 0", policy="brief")
        if flushed:
            engine.flush()
        engine.delete("d", {"cpu": where_host("deleted")})
        engine.drop_policy("d", "brief")
        assert [shard.present("cpu").tolist() for shard in engine.shards("d")] == [[True, False, False]]
    for _ in range(2):
        with Engine.open(tmp_path) as engine:
            assert engine.measurements("d") == ["cpu"]
            assert engine.series_keys("d", "cpu") == [(("h", "both"),)]
            assert engine.tag_keys("d", "cpu") == ["h"]
            assert (engine.count_series("d", "cpu"), engine.count_series("d", "mem")) == (1, 0)
            assert engine.field_keys("d", "mem") == {}
    with Engine.open(tmp_path) as engine:
        engine.delete("d", {"cpu": None})
        assert engine.measurements("d") == []


def test_dropping_a_policy_brings_no_deleted_series_back(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        engine.create_policy("d", RetentionPolicy("other"))
        write(engine, "cpu,h=a v=1 0\ncpu,h=b v=1 0", policy="other")
        engine.flush()
        engine.delete("d", {"cpu": where_host("a")})
        engine.flush()
        engine.drop_policy("d", "autogen")
    with Engine.open(tmp_path) as engine:
        assert engine.series_keys("d", "cpu") == [(("h", "b"),)]
