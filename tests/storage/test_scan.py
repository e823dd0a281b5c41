"""Scans against a plain dict: whatever lies where, a request answers the rows that it asks for, once, in order."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.functions.expression import Comparison, Expression, Literal, Logical, Match, Reference
from influxish.storage import pieces, segment_writer
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.interface import ScanRequest, ScanStats
from influxish.storage.points import PointBatch
from influxish.types import DataType, FieldRequest, SeriesLimit, TimeRange
from tests.storage.helpers import Model, request, rows, write

POINT = st.tuples(
    st.sampled_from(["", "a", "b", "c", "d"]),
    st.integers(0, 12),
    st.fixed_dictionaries(
        {}, optional={"v": st.sampled_from([-1.0, 0.0, 2.5, 9.0]), "i": st.integers(-3, 3), "s": st.sampled_from("xy")}
    ).filter(bool),
)
STEP = st.one_of(st.lists(POINT, min_size=1, max_size=12), st.just("flush"))


def field(name: str, type_: DataType) -> Reference:
    return Reference(name, type=type_)


def number(value: float) -> Literal:
    return Literal(value, type=DataType.FLOAT if isinstance(value, float) else DataType.INTEGER)


def condition(kind: type[Expression], *arguments: Any) -> Expression:
    return kind(*arguments, type=DataType.BOOLEAN)


COMPARISON = st.builds(
    lambda op, name, value, flipped: condition(
        Comparison,
        op,
        *((number(value), field(*name)) if flipped else (field(*name), number(value))),
    ),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.sampled_from([("v", DataType.FLOAT), ("i", DataType.INTEGER)]),
    st.sampled_from([-1, 0, 1.5, 2.5, 9]),
    st.booleans(),
)
PREDICATE = st.one_of(
    COMPARISON,
    st.lists(COMPARISON, min_size=2, max_size=3).map(lambda terms: condition(Logical, "AND", tuple(terms))),
    st.lists(COMPARISON, min_size=2, max_size=3).map(lambda terms: condition(Logical, "OR", tuple(terms))),
)
SERIES = st.one_of(
    st.builds(
        lambda op, value: condition(Comparison, op, field("h", DataType.TAG), Literal(value, type=DataType.STRING)),
        st.sampled_from(["=", "!="]),
        st.sampled_from(["", "a", "c", "zz"]),
    ),
    st.builds(lambda negated: condition(Match, field("h", DataType.TAG), "^[ab]$", negated), st.booleans()),
)


def true_for(node: Expression, row: dict[str, Any]) -> bool:
    """A naive reading of a condition."""
    if isinstance(node, Logical):
        verdicts = [true_for(term, row) for term in node.terms]
        return all(verdicts) if node.op == "AND" else any(verdicts)
    if isinstance(node, Match):
        return (row["h"] in ("a", "b")) != node.negated
    assert isinstance(node, Comparison)
    left, right = (
        row.get(side.name) if isinstance(side, Reference) else side.value for side in (node.left, node.right)
    )
    if left is None or right is None:
        return False
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[node.op]


def build(steps: list[Any], engine: Engine) -> Model:
    """Carry out the steps on the engine and on a dict."""
    engine.create_database("d")
    model: Model = {}
    for step in steps:
        if step == "flush":
            engine.flush()
            continue
        lines = []
        for host, time, values in step:
            texts = {"v": "{}", "i": "{}i", "s": '"{}"'}
            pairs = ",".join(f"{name}={texts[name].format(value)}" for name, value in values.items())
            lines.append(f"m{',h=' + host if host else ''} {pairs} {time}")
            model.setdefault((host, time), {}).update(values)
        write(engine, "\n".join(lines))
    return model


def expected(model: Model, asked: ScanRequest) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """Per series, the rows in order."""
    names = {f.name for f in asked.fields}
    wanted = set(asked.required) or names
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    within = _within(model, asked)
    for (host, time), values in sorted(model.items(), reverse=asked.descending):
        row = {name: value for name, value in values.items() if name in names}
        if not asked.time_range.start <= time < asked.time_range.stop or not wanted & set(row):
            continue
        if asked.series is not None and not true_for(asked.series, {"h": host}):
            continue
        if asked.series_limit is not None and host not in within:
            continue
        if asked.predicate is not None and not true_for(asked.predicate, row):
            continue
        if asked.tags and host:
            row["h"] = host
        found.setdefault(host, []).append((time, row))
    return {host: listed[: asked.limit] for host, listed in found.items()}


def _within(model: Model, asked: ScanRequest) -> list[str]:
    if asked.series_limit is None:
        return []
    hosts = sorted({host for host, _ in model if asked.counted is None or true_for(asked.counted, {"h": host})})
    offset = asked.series_limit.offset
    return hosts[offset : offset + asked.series_limit.limit]


def answered(engine: Engine, asked: ScanRequest, stats: ScanStats | None = None) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for shard in engine.shards("d"):
        for (host, time), values in rows(shard, asked, stats):
            found.setdefault(host, []).append((time, values))
    return found


FIELDS = st.sampled_from([None, [FieldRequest("v", "v", DataType.FLOAT), FieldRequest("i", "i", DataType.INTEGER)]])
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "time_range": st.builds(TimeRange, st.integers(-1, 8), st.integers(4, 14)),
        "series": SERIES,
        "series_limit": st.builds(SeriesLimit, st.just(("h",)), st.integers(0, 3), st.integers(0, 3)),
        "counted": SERIES,
        "predicate": PREDICATE,
        "limit": st.integers(1, 4),
        "descending": st.booleans(),
        "required": st.sampled_from([("v",), ("i", "v")]),
        "tags": st.just(("h",)),
        "batch_rows": st.integers(1, 5),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=8), FIELDS, REQUEST, st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_any_scan_of_any_history_equals_a_dict(
    steps: list[Any], fields: Any, asked: dict[str, Any], piece_rows: int, parts: int, merging: bool
) -> None:
    options = StorageOptions(merge_segments=2 if merging else 100)
    with (
        patch.object(pieces, "PIECE_ROWS", piece_rows),
        patch.object(segment_writer, "PIECE_ROWS", piece_rows),
        Engine.open(None, options) as engine,
    ):
        model = build(steps, engine)
        wanted = request(fields=fields, **asked)
        assert answered(engine, wanted) == expected(model, wanted)
        unlimited = request(fields=fields, **{**asked, "limit": None})
        whole: dict[Any, Any] = {}
        for number_ in range(parts):
            asked_part = request(fields=fields, **{**asked, "limit": None, "part": (number_, parts)})
            for host, listed in answered(engine, asked_part).items():
                for time, row in listed:
                    assert (host, time) not in whole
                    whole[host, time] = row
        assert whole == {(h, t): row for h, listed in expected(model, unlimited).items() for t, row in listed}
        for shard in engine.shards("d"):
            count = sum(batch.rows for batch in shard.scan(wanted, ScanStats()))
            assert shard.estimate(wanted).rows >= count


@pytest.fixture
def large():
    """30 hosts × 10,000 regular rows in one segment, v rising with time."""
    with Engine.open(None) as engine:
        engine.create_database("d")
        hosts = np.repeat([f"h{n:02}" for n in range(30)], 10_000)
        times = np.tile(np.arange(10_000) * 1_000_000_000, 30)
        values = {"v": times / 1e9, "i": np.ones(len(times), np.int64), "rare": np.where(times == 0, 1.0, np.nan)}
        engine.write("d", "", PointBatch.from_columns("m", times, {"h": hosts}, values))
        engine.flush()
        yield engine


V = [FieldRequest("v", "v", DataType.FLOAT)]


def scanned(engine: Engine, asked: ScanRequest) -> tuple[int, ScanStats]:
    stats = ScanStats()
    (shard,) = engine.shards("d")
    return sum(batch.rows for batch in shard.scan(asked, stats)), stats


def test_regular_times_take_no_block_and_only_asked_columns_are_read(large: Engine) -> None:
    count, stats = scanned(large, request(fields=V))
    assert count == 300_000
    assert stats.bytes_decoded == 300_000 * 8
    assert stats.blocks_read == 5


def test_blocks_are_skipped_by_series_time_predicate_and_absent_fields(large: Engine) -> None:
    tag = condition(Comparison, "=", field("h", DataType.TAG), Literal("h07", type=DataType.STRING))
    count, stats = scanned(large, request(fields=V, series=tag))
    assert (count, stats.blocks_read, stats.blocks_skipped) == (10_000, 1, 4)
    count, stats = scanned(
        large, request(fields=V, predicate=condition(Comparison, ">", field("v", DataType.FLOAT), number(1e9)))
    )
    assert (count, stats.blocks_read) == (0, 0)
    count, stats = scanned(large, request(fields=[FieldRequest("x", "nope", DataType.FLOAT)]))
    assert (count, stats.blocks_read) == (0, 0)
    count, stats = scanned(large, request(fields=V, time_range=TimeRange(10**15, 10**16)))
    assert (count, stats.blocks_read) == (0, 0)


def test_a_limit_stops_reading_series_that_have_given_enough(large: Engine) -> None:
    count, _ = scanned(large, request(fields=V, limit=3))
    assert count == 90
    (shard,) = large.shards("d")
    first = next(iter(shard.scan(request(fields=V, limit=3, descending=True), ScanStats())))
    assert first.times[:3].tolist() == [9_999_000_000_000, 9_998_000_000_000, 9_997_000_000_000]


@pytest.mark.parametrize("parts", [2, 3, 4, 7])
def test_parts_are_of_about_equal_size(large: Engine, parts: int) -> None:
    sizes = [scanned(large, request(fields=V, part=(number_, parts)))[0] for number_ in range(parts)]
    assert sum(sizes) == 300_000
    assert max(sizes) <= 300_000 / parts * 1.5
    one = condition(Comparison, "=", field("h", DataType.TAG), Literal("h07", type=DataType.STRING))
    sizes = [scanned(large, request(fields=V, series=one, part=(number_, parts)))[0] for number_ in range(parts)]
    assert sum(sizes) == 10_000
    assert max(sizes) <= 10_000 / parts * 1.5


def test_numbers_convert_to_the_asked_type_and_other_types_have_no_value(large: Engine) -> None:
    fields = [
        FieldRequest("a", "v", DataType.INTEGER),
        FieldRequest("b", "i", DataType.FLOAT),
        FieldRequest("c", "v", DataType.STRING),
        FieldRequest("d", "v", DataType.FLOAT),
    ]
    (shard,) = large.shards("d")
    batch = next(iter(shard.scan(request(fields=fields), ScanStats())))
    assert batch.columns["a"].values.dtype == np.int64
    assert batch.columns["b"].values.dtype == np.float64
    assert not batch.columns["c"].mask.any()
    assert np.array_equal(batch.columns["d"].values, batch.times / 1e9)


def test_segments_that_follow_each_other_in_time_are_read_without_merging() -> None:
    with Engine.open(None, StorageOptions(merge_segments=100)) as engine:
        engine.create_database("d")
        for step in range(3):
            # Hosts are out of step, so the segments overlap in time but no series does.
            for host in range(4):
                times = np.arange(100) + step * 100 + host * 37
                engine.write("d", "", PointBatch.from_columns("m", times, {"h": str(host)}, {"v": times * 1.0}))
            engine.flush()
        (shard,) = engine.shards("d")
        layers = shard.layers("m")  # type: ignore[attr-defined]
        assert [len(group) for group in pieces.clusters(layers)] == [1, 1, 1]
        write(engine, "m,h=0 v=5 150")
        layers = engine.shards("d")[0].layers("m")  # type: ignore[attr-defined]
        assert [len(group) for group in pieces.clusters(layers)] == [1, 2, 1]


def test_a_row_group_of_thousands_of_short_series_round_trips() -> None:
    with Engine.open(None) as engine:
        engine.create_database("d")
        series = np.repeat([f"s{n:05}" for n in range(20_000)], 10)
        times = np.tile(np.arange(10) * 10, 20_000) + np.repeat(np.arange(20_000) % 7, 10)
        engine.write("d", "", PointBatch.from_columns("m", times, {"h": series}, {"v": np.arange(200_000) * 0.5}))
        engine.flush()
        (shard,) = engine.shards("d")
        batches = list(shard.scan(request(fields=V), ScanStats()))
        assert np.array_equal(np.concatenate([b.times for b in batches]), times)
        assert np.array_equal(np.concatenate([b.columns["v"].values for b in batches]), np.arange(200_000) * 0.5)
        assert shard.estimate(request(fields=V)).series == 20_000


def test_groups_behind_the_last_one_wanted_are_not_read(large: Engine) -> None:
    count, stats = scanned(large, request(fields=V, series_limit=SeriesLimit(("h",), 3)))
    assert (count, stats.blocks_read, stats.blocks_skipped) == (30_000, 1, 4)
