"""Aggregation in a shard: whatever the request, its partial states finish to what a dict of the rows gives."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.functions import FUNCTIONS
from influxish.functions.registry import GroupFunction
from influxish.functions.state import GroupCall, finish_states, merge_states
from influxish.storage.engine import Engine
from influxish.storage.interface import AggregateRequest, ScanStats
from influxish.types import DataType, FieldRequest, Window
from tests.storage.helpers import request, write
from tests.storage.test_scan import FIELDS, REQUEST, STEP, answered, build

NAMES = ("count", "sum", "max", "last", "median")
V = [FieldRequest("v", "v", DataType.FLOAT)]


def calls(names: tuple[str, ...] = NAMES) -> tuple[GroupCall, ...]:
    found = []
    for name in names:
        function = FUNCTIONS[name]
        assert isinstance(function, GroupFunction)
        found.append(GroupCall(function, "v", DataType.FLOAT, label=name))
    return tuple(found)


def reduced(engine: Engine, asked: AggregateRequest) -> dict[str, dict[tuple[str, int], Any]]:
    """Function → (value of the first dimension, bucket) → result, over all shards."""
    found: dict[str, dict[tuple[str, int], Any]] = {call.label: {} for call in asked.calls}
    for shard in engine.shards("d"):
        batches = list(shard.aggregate(asked, ScanStats()))
        for i, call in enumerate(asked.calls):
            if not batches:
                continue
            assert all(batch.groups is batches[0].groups for batch in batches)
            done = finish_states(call, merge_states(call, [batch.tables[i] for batch in batches]))
            hosts = [batches[0].groups.key(group)[1] for group in done.groups.tolist()]
            values = done.columns[call.label].values.tolist()
            found[call.label] |= dict(zip(zip(hosts, done.buckets.tolist(), strict=True), values, strict=True))
    return found


def middle(values: list[float]) -> float:
    half, odd = divmod(len(values), 2)
    return sorted(values)[half] if odd else sum(sorted(values)[half - 1 : half + 1]) / 2


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=8), FIELDS, REQUEST, st.integers(1, 6))
def test_any_aggregate_of_any_history_equals_a_dict(steps: list[Any], fields: Any, asked: Any, every: int) -> None:
    with Engine.open(None) as engine:
        build(steps, engine)
        wanted = request(fields=fields, **asked)
        values: dict[tuple[str, int], list[float]] = {}
        for host, listed in answered(engine, wanted).items():
            for time, row in sorted(listed, key=lambda item: item[0]):
                if "v" in row:
                    values.setdefault((host, time // every * every), []).append(row["v"])
        assert reduced(engine, AggregateRequest(wanted, calls(), Window.tumbling(every))) == {
            "count": {key: len(listed) for key, listed in values.items()},
            "sum": {key: math.fsum(listed) for key, listed in values.items()},
            "max": {key: max(listed) for key, listed in values.items()},
            "last": {key: listed[-1] for key, listed in values.items()},
            "median": {key: middle(listed) for key, listed in values.items()},
        }


def test_the_rows_behind_the_states_are_counted() -> None:
    with Engine.open(None) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1\nm,h=a v=2 2\nm,h=b v=3 1\nm,h=c i=1i 1")
        [shard] = engine.shards("d")
        stats = ScanStats()
        states = list(shard.aggregate(AggregateRequest(request(fields=V), calls(("mean",))), stats))
        assert stats.rows == 3
        assert stats.batches == len(states)
        assert stats.seconds > 0


def test_states_left_alone_let_the_scan_go() -> None:
    with Engine.open(None) as engine:
        engine.create_database("d")
        write(engine, "\n".join(f"m,h=a v={n} {n}" for n in range(100)))
        [shard] = engine.shards("d")
        stats = ScanStats()
        states = shard.aggregate(AggregateRequest(request(fields=V, batch_rows=10), calls(("sum",))), stats)
        next(states)
        states.close()  # type: ignore[attr-defined]
        assert next(states, None) is None
        assert stats.rows == 10
