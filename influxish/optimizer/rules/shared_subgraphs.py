"""Calls that read the same rows share one pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Fill, Limit, Stage


def share_subgraphs(graph: Graph, node: Node, facts: Facts) -> bool:
    """f(a) and g(a) over one input  become  f(a), g(a) in one node; so do fills over one input.

    Why: rows are read, decoded and cut into buckets once for all calls of a SELECT. Equal scans in different places
        stay apart: the other rules then fit each to its reader, and a node with two readers would be run twice.
    Legal when: the nodes read the same input, and are told the same but for the columns they add.
    Stops because: every firing leaves fewer nodes.
    """
    if not isinstance(node, Aggregate | Fill) or _is_counted(node):
        return False
    alike = _readers_by_key(node.source, facts)[_key(node)]
    if len(alike) == 1:
        return False
    # All at once: one after the other, the growing node would be described anew for each.
    graph.unite(alike, _together(alike))
    return True


def _readers_by_key(source: Node, facts: Facts) -> dict[tuple[object, ...], list[Node]]:
    """The aggregates and fills that read a node; those with the same key can be one."""
    if source not in facts.memo:
        groups: dict[tuple[object, ...], list[Node]] = {}
        for reader in source.readers:
            if isinstance(reader, Aggregate | Fill) and not _is_counted(reader):
                groups.setdefault(_key(reader), []).append(reader)
        facts.memo[source] = groups
    found: dict[tuple[object, ...], list[Node]] = facts.memo[source]
    return found


def _is_counted(node: Node) -> bool:
    """Whether every row it fills counts for a limit: then it must not have rows for the columns of others."""
    return isinstance(node, Fill) and any(isinstance(reader, Limit) for reader in node.readers)


def _key(node: Node) -> tuple[object, ...]:
    settings = dict(node.settings)
    if isinstance(node, Aggregate):
        # A call with several rows for a bucket, or with times of its own, cannot stand beside another.
        # And partial states are read back in the order of the calls, so only whole aggregates may take calls in.
        whole = node.stage is Stage.WHOLE
        if whole and all(call.function.single_row for call in node.calls) and not node.point_times:
            settings.pop("calls")
    elif isinstance(node, Fill):
        # Rows that are filled for others must not be taken for rows of a call whose stream may stop, nor the reverse.
        settings["columns"] = any(column.stops for column in node.columns)
    return (type(node), *settings.values())


def _together(nodes: Sequence[Node]) -> Node:
    first = nodes[0]
    match first:
        case Aggregate():
            calls = dict.fromkeys(call for node in nodes if isinstance(node, Aggregate) for call in node.calls)
            return replace(first, calls=tuple(calls))
        case Fill():
            columns = dict.fromkeys(column for node in nodes if isinstance(node, Fill) for column in node.columns)
            return replace(first, columns=tuple(columns))
    raise AssertionError("nodes of one key are of one kind")
