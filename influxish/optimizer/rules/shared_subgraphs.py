"""Calls that read the same rows share one pass over them."""

from __future__ import annotations

from dataclasses import replace

from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Fill, Stage


def share_subgraphs(graph: Graph, node: Node, facts: Facts) -> bool:
    """f(a) and g(a) over one input  become  f(a), g(a) in one node; so do fills over one input.

    Why: rows are read, decoded and cut into buckets once for all calls of a SELECT. Equal scans in different places
        stay apart: the other rules then fit each to its reader, and a node with two readers would be run twice.
    Legal when: the nodes read the same input, and are told the same but for the columns they add.
    Stops because: every firing leaves one node fewer.
    """
    if not isinstance(node, Aggregate | Fill):
        return False
    key = _key(node)
    first = facts.memo.setdefault(key, node)
    if first is node:
        return False
    # The survivor is a new description in the place of the first.
    together = _together(first, node)
    graph.replace(first, together)
    graph.redirect(node, together)
    facts.memo[key] = together
    return True


def _key(node: Node) -> tuple[object, ...]:
    settings = dict(node.settings)
    if isinstance(node, Aggregate):
        # A call with several rows for a bucket, or with times of its own, cannot stand beside another.
        # And partial states are read back in the order of the calls, so only whole aggregates may take calls in.
        whole = node.stage is Stage.WHOLE
        if whole and all(call.function.single_row for call in node.calls) and not node.point_times:
            settings.pop("calls")
    elif isinstance(node, Fill):
        settings.pop("columns")
    return (type(node), *settings.values(), *node.sources)


def _together(first: Node, second: Node) -> Node:
    match first, second:
        case (Aggregate(), Aggregate()):
            return replace(first, calls=tuple(dict.fromkeys((*first.calls, *second.calls))))
        case (Fill(), Fill()):
            return replace(first, columns=tuple(dict.fromkeys((*first.columns, *second.columns))))
    raise AssertionError("nodes of one key are of one kind")
