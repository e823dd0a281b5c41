"""Merge → aggregate becomes aggregate per shard → merge → combine.

The rule that makes queries parallel. It names no aggregate: one is moved because it declares `pushdown`.
"""

from __future__ import annotations

from dataclasses import replace

from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Merge, Stage


def aggregate_per_shard(graph: Graph, node: Node, facts: Facts) -> bool:
    """merge → f  becomes  f [per shard] for each input → merge → f [final].

    Why: each shard is reduced where it is read, on its own worker, and a few states travel instead of all rows.
    Legal when: a call declares `pushdown` (the others ship what they would have read anyway), the aggregate is WHOLE,
        and nothing else reads the merge.
    Stops because: it matches only WHOLE aggregates and leaves none behind.
    """
    match node:
        case Aggregate(stage=Stage.WHOLE, calls=calls) if any(call.function.pushdown for call in calls):
            merge = node.source
        case _:
            return False
    if not isinstance(merge, Merge) or len(merge.outputs) != 1:
        return False
    for read in list(merge.inputs):
        graph.insert(read, replace(node, stage=Stage.SHARD))
    graph.replace(node, replace(node, stage=Stage.FINAL))
    return True
