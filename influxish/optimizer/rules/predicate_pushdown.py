"""Conditions move to where the data is: onto the index, the blocks, and only then onto rows."""

from __future__ import annotations

from dataclasses import replace

from influxish.functions.expression import Expression, all_of, conjuncts
from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Filter, Merge, Scan
from influxish.types import DataType


def push_predicate(graph: Graph, node: Node, facts: Facts) -> bool:
    """merge → filter  becomes  filter for each input → merge;  scan → filter  becomes  scan where ….

    Why: conditions on tags choose series from the index before anything is read; conditions on fields let whole
        blocks be skipped by their smallest and largest values, and rows are masked before other columns are copied.
    Legal when: nothing else reads the merge or the scan. A condition on tags alone becomes the scan's `series`.
    Stops because: every firing moves a filter one node down, or takes one out.
    """
    if not isinstance(node, Filter) or len(node.source.outputs) != 1:
        return False
    source = node.source
    if isinstance(source, Merge):
        for read in list(source.inputs):
            graph.insert(read, replace(node))
        graph.remove(node)
        return True
    if not isinstance(source, Scan) or source.limit is not None:
        return False
    terms = conjuncts(node.condition)
    series = [term for term in terms if _only_tags(term)]
    rows = [term for term in terms if not _only_tags(term)]
    pushed = replace(
        source,
        series=all_of([*conjuncts(source.series), *series]),
        predicate=all_of([*conjuncts(source.predicate), *rows]),
    )
    graph.remove(node)
    graph.replace(source, pushed)
    return True


def _only_tags(condition: Expression) -> bool:
    references = list(condition.references())
    return bool(references) and all(reference.type is DataType.TAG for reference in references)
