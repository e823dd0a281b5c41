"""Points to be written need no order."""

from __future__ import annotations

from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Emit, Sort
from influxish.plan.target import Write


def write_unsorted(graph: Graph, node: Node, facts: Facts) -> bool:
    """sort → emit → write  becomes  emit → write.

    Why: a sort holds all rows, so a measurement could only be copied if it fits into memory.
    Legal when: nothing is cut off, and no two rows make the same point, of which the last one would count.
    Stops because: it takes the sort away.
    """
    if not isinstance(node, Write) or not node.distinct:
        return False
    match node.source:
        case Emit(limit=None, offset=0) as emit if len(set(emit.sources)) == 1:
            sort = emit.source
            if isinstance(sort, Sort) and sort.readers == [emit]:
                graph.remove(sort)
                return True
    return False
