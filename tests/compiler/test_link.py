"""Linking: the symbols of a compiled SELECT meet what is stored. A real store, in memory; nothing is run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from influxish import influxql
from influxish.compiler.link import Linked, link
from influxish.compiler.select import compile_select
from influxish.errors import CompileError, NotFound
from influxish.influxql import ast
from influxish.plan.columns import writes
from influxish.plan.nodes import Aggregate, Derive, Filter, Nothing, Scan
from influxish.plan.render import to_text
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy
from influxish.types import DAY, DataType, FieldRequest
from tests.storage.helpers import write

NOW = 40 * DAY
LATER = 30 * DAY  # another shard than time 0

POINTS = f"""
cpu,host=a,region=eu usage=1.5,cores=4i,up=true,note="x" 0
cpu,host=b usage=2.5 {LATER}
mem,host=a free=7i 0
disk,path=/ free=1.5 {LATER}
"""


@pytest.fixture
def store() -> Iterator[Engine]:
    with Engine.open(None) as engine:
        engine.create_database("d")
        write(engine, POINTS)
        yield engine


def linked(store: Engine, text: str, database: str = "d") -> Linked:
    (select,) = influxql.parse(text)
    assert isinstance(select, ast.Select)
    return link(compile_select(select, now=NOW), store, database)


def scans(found: Linked) -> list[Scan]:
    return [node for node in found.graph.walk() if isinstance(node, Scan)]


def columns(found: Linked) -> dict[str, DataType]:
    """Name → type of the columns that the query answers."""
    return writes(found.graph.root)


def test_every_shard_of_the_measurement_gets_a_scan_under_a_merge(store: Engine) -> None:
    found = linked(store, "SELECT count(usage) FROM cpu")
    assert to_text(found.graph) == (
        "emit\n"
        "└── count(usage)\n"
        "    └── merge\n"
        "        ├── scan cpu.{cores, note, up, usage} [shard 1] tags host, region\n"
        "        └── scan cpu.{cores, note, up, usage} [shard 2] tags host, region"
    )
    assert list(found.shards) == ["shard 1", "shard 2"]


def test_a_scan_of_one_shard_needs_no_merge(store: Engine) -> None:
    assert to_text(linked(store, "SELECT free FROM mem").graph).splitlines()[-1] == (
        "        └── scan mem.free [shard 1] tags host"
    )


def test_shards_outside_the_time_range_are_not_scanned(store: Engine) -> None:
    (scan,) = scans(linked(store, "SELECT usage FROM cpu WHERE time < 1d"))
    assert scan.shard == "shard 1"
    assert scan.time_range.stop == DAY
    assert not scans(linked(store, "SELECT usage FROM cpu WHERE time > 20d AND time < 21d"))


def test_a_measurement_by_pattern_is_every_one_that_matches(store: Engine) -> None:
    found = scans(linked(store, "SELECT free FROM /^(mem|disk)$/"))
    assert [(scan.shard, scan.measurement) for scan in found] == [("shard 1", "mem"), ("shard 2", "disk")]
    assert not scans(linked(store, "SELECT free FROM /^none$/"))


def test_a_measurement_that_does_not_exist_is_nothing(store: Engine) -> None:
    nodes = list(linked(store, "SELECT mean(usage) FROM gpu").graph.walk())
    assert any(isinstance(node, Nothing) for node in nodes)
    assert not any(isinstance(node, Scan | Aggregate) for node in nodes)


def test_columns_get_the_types_of_their_fields(store: Engine) -> None:
    text = "SELECT usage, cores, up, note, host, cores + 1, cores / 2, usage::integer FROM cpu"
    assert list(columns(linked(store, text)).values()) == [
        DataType.FLOAT,
        DataType.INTEGER,
        DataType.BOOLEAN,
        DataType.STRING,
        DataType.TAG,
        DataType.INTEGER,
        DataType.FLOAT,
        DataType.INTEGER,
    ]


def test_results_of_calls_get_the_types_that_functions_declare(store: Engine) -> None:
    assert columns(linked(store, "SELECT count(note), mean(cores), max(cores), first(up) FROM cpu")) == {
        "count": DataType.INTEGER,
        "mean": DataType.FLOAT,
        "max": DataType.INTEGER,
        "first": DataType.BOOLEAN,
    }


def test_a_wildcard_is_all_fields_and_tags_by_name(store: Engine) -> None:
    assert list(columns(linked(store, "SELECT * FROM cpu"))) == ["cores", "host", "note", "region", "up", "usage"]
    assert list(columns(linked(store, "SELECT *::field FROM cpu"))) == ["cores", "note", "up", "usage"]
    assert list(columns(linked(store, "SELECT /^(us|ho)/ FROM cpu"))) == ["host", "usage"]


def test_tags_grouped_by_are_left_out_of_a_wildcard(store: Engine) -> None:
    found = linked(store, "SELECT * FROM cpu GROUP BY host")
    assert list(columns(found)) == ["cores", "note", "region", "up", "usage"]
    assert {scan.dimensions for scan in scans(found)} == {("host",)}


def test_group_by_wildcard_and_pattern_mean_tags(store: Engine) -> None:
    assert {scan.dimensions for scan in scans(linked(store, "SELECT usage FROM cpu GROUP BY *"))} == {
        ("host", "region")
    }
    assert {scan.dimensions for scan in scans(linked(store, "SELECT usage FROM cpu GROUP BY /^r/"))} == {("region",)}


def test_a_wildcard_in_a_call_is_the_fields_that_the_function_takes(store: Engine) -> None:
    assert list(columns(linked(store, "SELECT mean(*) FROM cpu"))) == ["mean_cores", "mean_usage"]
    assert list(columns(linked(store, "SELECT count(/^[nu]/) FROM cpu"))) == ["count_note", "count_up", "count_usage"]


def test_the_condition_reads_tags_and_fields_of_their_types(store: Engine) -> None:
    graph = linked(store, "SELECT usage FROM cpu WHERE host = 'a' AND cores > 2 AND note > 1").graph
    (condition,) = [node.condition for node in graph.walk() if isinstance(node, Filter)]
    types = {reference.name: reference.type for reference in condition.references()}
    assert types == {"host": DataType.TAG, "cores": DataType.INTEGER}
    assert str(condition).endswith("AND false")  # text is not compared with numbers


def test_a_field_of_two_types_has_the_one_that_comes_first_in_every_shard(store: Engine) -> None:
    write(store, f"mem,host=a free=1.5 {LATER}")
    found = linked(store, "SELECT max(free) FROM mem")
    assert {scan.shard: scan.fields for scan in scans(found)} == dict.fromkeys(
        ("shard 1", "shard 2"), (FieldRequest("free", "free", DataType.FLOAT),)
    )
    assert columns(found) == {"max": DataType.FLOAT}


def test_a_cast_asks_for_the_other_type_of_the_field(store: Engine) -> None:
    write(store, f'mem,host=a free="text" {LATER}')
    found = linked(store, "SELECT free::string FROM mem")
    assert columns(found) == {"free": DataType.STRING}
    assert all(FieldRequest("free::string", "free", DataType.STRING) in scan.fields for scan in scans(found))


def test_a_name_that_is_field_and_tag_is_the_field_unless_cast(store: Engine) -> None:
    write(store, "mixed,rank=tag rank=1.5 0")
    assert list(columns(linked(store, "SELECT rank FROM mixed")).values()) == [DataType.FLOAT]
    assert list(columns(linked(store, "SELECT rank::tag, rank::field FROM mixed")).values()) == [
        DataType.TAG,
        DataType.FLOAT,
    ]


def test_columns_of_a_subquery_are_the_fields_around_it(store: Engine) -> None:
    found = linked(store, "SELECT max(m), host FROM (SELECT mean(usage) AS m FROM cpu GROUP BY host)")
    assert columns(found) == {"max": DataType.FLOAT, "host": DataType.TAG}
    (derive,) = [node for node in found.graph.walk() if isinstance(node, Derive)]
    assert writes(derive) == {"m": DataType.FLOAT, "host": DataType.TAG}


def test_a_wildcard_over_a_subquery_is_its_columns_and_dimensions(store: Engine) -> None:
    text = "SELECT * FROM (SELECT mean(usage), max(cores) FROM cpu GROUP BY host)"
    assert columns(linked(store, text)) == {"host": DataType.TAG, "max": DataType.INTEGER, "mean": DataType.FLOAT}


def test_a_subquery_beside_a_measurement_gets_its_columns(store: Engine) -> None:
    found = linked(store, "SELECT free FROM mem, (SELECT max(usage) AS free FROM cpu)")
    assert columns(found) == {"free": DataType.FLOAT}
    assert {request.type for scan in scans(found) if scan.measurement == "mem" for request in scan.fields} == {
        DataType.FLOAT
    }


@pytest.mark.parametrize(
    ("text", "database", "message"),
    [
        ("SELECT usage FROM cpu", "", "database name required"),
        ("SELECT usage FROM cpu", "nowhere", "database not found: nowhere"),
        ("SELECT usage FROM nowhere..cpu", "d", "database not found: nowhere"),
        ("SELECT usage FROM never.cpu", "d", "retention policy not found: never"),
        ("SELECT usage FROM d.never.cpu", "", "retention policy not found: never"),
    ],
)
def test_a_database_or_policy_that_does_not_exist_is_named(
    store: Engine, text: str, database: str, message: str
) -> None:
    with pytest.raises(NotFound) as caught:
        linked(store, text, database)
    assert str(caught.value).splitlines()[0] == message


def test_sources_may_name_other_databases_and_policies(store: Engine) -> None:
    store.create_database("e")
    store.create_policy("e", RetentionPolicy("long"))
    write(store, "cpu,zone=z load=1 0", "e", "long")
    found = linked(store, "SELECT * FROM cpu, e.long.cpu")
    assert sorted(columns(found)) == ["cores", "host", "load", "note", "region", "up", "usage", "zone"]
    assert len(scans(found)) == len(found.shards) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT mean(note) FROM cpu", "unsupported mean iterator type: *query.stringInterruptIterator"),
        ("SELECT note + 1 FROM cpu", "type error: note::string + 1: incompatible types: string and integer"),
    ],
)
def test_types_that_do_not_fit_are_refused_with_their_place(store: Engine, text: str, words: str) -> None:
    with pytest.raises(CompileError) as caught:
        linked(store, text)
    message = str(caught.value.located(text)).splitlines()
    assert message[0] == words
    assert "^" in message[2]


def test_two_sources_of_one_policy_see_one_snapshot(store: Engine) -> None:
    found = linked(store, "SELECT usage FROM cpu, (SELECT usage FROM cpu)")
    assert len(scans(found)) == 4
    assert len(found.shards) == 2
