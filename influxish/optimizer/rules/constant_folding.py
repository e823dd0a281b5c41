"""What is known before any row is read is worked out now; what can have no rows is not read."""

from __future__ import annotations

from dataclasses import replace

from influxish.functions.expression import (
    FALSE,
    TRUE,
    Comparison,
    Expression,
    Literal,
    Logical,
    Match,
    holds,
)
from influxish.optimizer.rule import Facts
from influxish.plan.abreast import Abreast
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Derive, Fill, Filter, Limit, Merge, Nothing, Project, Sort


def fold_constants(graph: Graph, node: Node, facts: Facts) -> bool:
    """1 = 1 AND v > 2  becomes  v > 2;  filter true vanishes;  filter false and all above it: nothing.

    Why: constants are compared once instead of once a row, and a query that can have no answer reads no block.
    Legal when: always; constants are compared by the same code that would compare them for rows. What can be computed
        from constants alone was computed before: the languages do that while they compile, as names depend on it.
    Stops because: every firing leaves fewer operators or fewer nodes.
    """
    match node:
        case Filter(condition=condition):
            folded = fold(condition)
            if folded == TRUE:
                graph.remove(node)
                return True
            if folded == FALSE:
                return _nothing(graph, node)
            if folded == condition:
                return _over_nothing(graph, node)
            graph.replace(node, Filter(condition=folded))
            return True
        case Merge():
            return _prune_merge(graph, node)
        case Project() | Sort() | Aggregate() | Fill() | Limit() | Abreast() | Derive():
            return _over_nothing(graph, node)
    return False


def _over_nothing(graph: Graph, node: Node) -> bool:
    if node.inputs and all(isinstance(source, Nothing) for source in node.sources):
        return _nothing(graph, node)
    return False


def _nothing(graph: Graph, node: Node) -> bool:
    graph.redirect(node, Nothing())
    return True


def _prune_merge(graph: Graph, node: Merge) -> bool:
    empty = [read for read in node.inputs if isinstance(read.source, Nothing)]
    if len(empty) == len(node.inputs):
        return _nothing(graph, node)
    for read in empty:
        graph.disconnect(read)
    if len(node.inputs) == 1:
        graph.remove(node)
        return True
    return bool(empty)


def fold(condition: Expression) -> Expression:
    """The condition with every term worked out that compares constants."""
    match condition:
        case Logical(op=op, terms=terms):
            return _fold_logical(op, [fold(term) for term in terms], condition)
        case Comparison() | Match() if all(isinstance(operand, Literal) for operand in condition.operands()):
            return TRUE if bool(holds(condition, {}, 1)[0]) else FALSE
    return condition


def _fold_logical(op: str, terms: list[Expression], node: Logical) -> Expression:
    decides, idle = (FALSE, TRUE) if op == "AND" else (TRUE, FALSE)
    if decides in terms:
        return decides
    left = [term for term in terms if term != idle]
    if not left:
        return idle
    if len(left) == 1:
        return left[0]
    return replace(node, terms=tuple(left))
