"""The verbs that edit a graph keep both halves of every edge consistent, and refuse circles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from influxish.errors import PlanBug
from influxish.functions import FUNCTIONS, GroupFunction
from influxish.functions.expression import TRUE
from influxish.functions.state import GroupCall
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Emit, Filter, Merge, Nothing, Scan, Sort, Stage
from influxish.types import DataType, Window


def scan(shard: int) -> Scan:
    return Scan(shard=f"shard {shard}", measurement="cpu", fields=())


def fan(*sources: Node) -> tuple[Graph, Merge]:
    """emit ← merge ← sources"""
    graph = Graph(Emit(columns=()))
    merge = Merge()
    graph.connect(merge, graph.root)
    for source in sources:
        graph.connect(source, merge)
    graph.check()
    return graph, merge


def shape(graph: Graph) -> list[str]:
    return [node.describe() for node in graph.walk()]


def test_walk_yields_inputs_before_readers_left_to_right_and_each_node_once() -> None:
    first, second = scan(1), scan(2)
    graph, merge = fan(first, second, first)
    assert list(graph.walk()) == [first, second, merge, graph.root]


def test_insert_keeps_the_place_among_the_inputs() -> None:
    first, second = scan(1), scan(2)
    graph, merge = fan(first, second)
    sort = Sort()
    graph.insert(merge.inputs[0], sort)
    graph.check()
    assert merge.sources == [sort, second]
    assert sort.source is first


def test_append_takes_over_every_reader() -> None:
    only = scan(1)
    graph, merge = fan(only, only)
    condition = Filter(condition=TRUE)
    graph.append(only, condition)
    graph.check()
    assert merge.sources == [condition, condition]
    assert condition.sources == [only]


def test_append_on_the_root_makes_a_new_root() -> None:
    graph, _ = fan(scan(1))
    old, new = graph.root, Emit(columns=())
    graph.append(old, new)
    graph.check()
    assert graph.root is new
    assert new.source is old


def test_remove_undoes_insert() -> None:
    graph, merge = fan(scan(1), scan(2))
    before = shape(graph)
    sort = Sort()
    graph.insert(merge.inputs[1], sort)
    graph.remove(sort)
    graph.check()
    assert shape(graph) == before


def test_remove_refuses_a_node_with_two_inputs() -> None:
    graph, merge = fan(scan(1), scan(2))
    with pytest.raises(PlanBug, match="2 inputs"):
        graph.remove(merge)


def test_replace_takes_over_inputs_and_outputs() -> None:
    first, second = scan(1), scan(2)
    graph, merge = fan(first, second)
    wider = Merge(workers=2)
    graph.replace(merge, wider)
    graph.check()
    assert wider.sources == [first, second]
    assert graph.root.source is wider
    assert not merge.inputs
    assert not merge.outputs


def test_split_puts_parts_side_by_side_in_every_reader() -> None:
    first, last = scan(1), scan(3)
    middle = scan(2)
    graph, merge = fan(first, middle, last)
    parts = [scan(21), scan(22)]
    graph.split(middle, parts)
    graph.check()
    assert merge.sources == [first, *parts, last]


def test_split_parts_read_what_the_node_read() -> None:
    source = scan(1)
    sort = Sort()
    graph, merge = fan(sort)
    graph.connect(source, sort)
    parts = [Sort(descending=True), Sort(limit=1)]
    graph.split(sort, parts)
    graph.check()
    assert [part.source for part in parts] == [source, source]
    assert merge.sources == parts


def test_unite_reads_once_and_is_read_where_the_nodes_were() -> None:
    source = scan(1)
    nodes = [Sort(limit=1), Sort(limit=2), Sort(limit=3)]
    graph, merge = fan(nodes[0], scan(2), *nodes[1:])
    for node in nodes:
        graph.connect(source, node)
    new = Sort(limit=6)
    graph.unite(nodes, new)
    graph.check()
    assert new.sources == [source]
    assert [node is new for node in merge.sources] == [True, False, True, True]
    assert [write.read.node for write in source.outputs] == [new]


def test_unite_refuses_nodes_that_read_different_things() -> None:
    sorts = [Sort(), Sort()]
    graph, merge = fan(*sorts)
    for number, sort in enumerate(sorts):
        graph.connect(scan(number), sort)
    with pytest.raises(PlanBug, match="different things"):
        graph.unite(sorts, Sort())
    graph.check()
    assert merge.sources == sorts


def test_redirect_drops_what_nobody_reads_any_more() -> None:
    first, second = scan(1), scan(2)
    sort = Sort()
    graph, merge = fan(sort, second)
    graph.connect(first, sort)
    nothing = Nothing()
    graph.redirect(sort, nothing)
    graph.check()
    assert merge.sources == [nothing, second]
    assert first not in list(graph.walk())
    assert not first.outputs


def test_redirect_keeps_what_others_read() -> None:
    shared = scan(1)
    sort = Sort()
    graph, merge = fan(sort, shared)
    graph.connect(shared, sort)
    graph.redirect(sort, shared)
    graph.check()
    assert merge.sources == [shared, shared]


def test_a_circle_is_refused() -> None:
    graph, merge = fan(scan(1))
    sort = Sort()
    graph.connect(merge, sort)
    with pytest.raises(PlanBug, match="circle"):
        graph.connect(sort, merge)
    with pytest.raises(PlanBug, match="circle"):
        graph.connect(merge, merge)


def test_check_finds_a_torn_edge() -> None:
    graph, merge = fan(scan(1))
    merge.inputs[0].write.node = scan(2)
    with pytest.raises(PlanBug, match="torn"):
        graph.check()


def test_copy_is_equal_and_apart() -> None:
    only = scan(1)
    graph, merge = fan(only, only, scan(2))
    twin = graph.copy()
    twin.check()
    assert shape(twin) == shape(graph)
    graph.insert(merge.inputs[0], Sort())
    assert shape(twin) != shape(graph)


def test_a_node_cannot_be_put_in_twice() -> None:
    graph, merge = fan(scan(1))
    sort = Sort()
    graph.insert(merge.inputs[0], sort)
    with pytest.raises(PlanBug, match="part of a graph"):
        graph.insert(merge.inputs[0], sort)


def call(name: str) -> GroupCall:
    function = FUNCTIONS[name]
    assert isinstance(function, GroupFunction)
    return GroupCall(function=function, argument="value", type=DataType.FLOAT, label=f"{name}(value)")


def in_parts(*parts: Aggregate, final: Aggregate) -> Graph:
    """emit ← final ← merge ← parts"""
    graph = Graph(Emit(columns=()))
    merge = Merge()
    graph.connect(final, graph.root)
    graph.connect(merge, final)
    for part in parts:
        graph.connect(part, merge)
        graph.connect(scan(1), part)
    return graph


COUNT_AND_MAX = (call("count"), call("max"))


def test_partial_states_are_finished_by_the_same_calls() -> None:
    part = Aggregate(calls=COUNT_AND_MAX, stage=Stage.SHARD)
    graph = in_parts(part, final=Aggregate(calls=COUNT_AND_MAX, stage=Stage.FINAL))
    graph.connect(Nothing(), graph.root.source.source)
    graph.check()


@pytest.mark.parametrize(
    "other",
    [
        Aggregate(calls=COUNT_AND_MAX[::-1], stage=Stage.SHARD),
        Aggregate(calls=COUNT_AND_MAX[:1], stage=Stage.SHARD),
        Aggregate(calls=(*COUNT_AND_MAX, call("min")), stage=Stage.SHARD),
        Aggregate(calls=COUNT_AND_MAX, window=Window.tumbling(60), stage=Stage.SHARD),
        Aggregate(calls=COUNT_AND_MAX, stage=Stage.WHOLE),
    ],
    ids=["another order", "too few", "too many", "other buckets", "no states"],
)
def test_check_refuses_other_calls_below_their_end(other: Aggregate) -> None:
    part = Aggregate(calls=COUNT_AND_MAX, stage=Stage.SHARD)
    graph = in_parts(part, replace(other), final=Aggregate(calls=COUNT_AND_MAX, stage=Stage.FINAL))
    with pytest.raises(PlanBug, match="no partial states of its calls"):
        graph.check()


def test_check_refuses_partial_states_that_nobody_finishes() -> None:
    part = Aggregate(calls=COUNT_AND_MAX, stage=Stage.SHARD)
    graph = in_parts(part, final=Aggregate(calls=COUNT_AND_MAX, stage=Stage.FINAL))
    graph.connect(part, graph.root)
    with pytest.raises(PlanBug, match=r"partial states of .* are read by emit"):
        graph.check()
