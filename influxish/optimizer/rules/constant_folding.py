"""What is known before any row is read is worked out now; what can have no rows is not read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from influxish.functions.expression import (
    FALSE,
    TRUE,
    Arithmetic,
    Comparison,
    Expression,
    Literal,
    Logical,
    Match,
    MathCall,
    Reference,
    evaluate,
    holds,
)
from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Derive, Fill, Filter, Merge, Nothing, Project, Scan, Sort


def fold_constants(graph: Graph, node: Node, facts: Facts) -> bool:
    """4 / 2 + v  becomes  2 + v;  filter true vanishes;  filter false, an empty time range and all above it: nothing.

    Why: work on constants is done once instead of once a row, and a query that can have no answer reads no block.
    Legal when: always; the constants are folded by the same code that would evaluate them for rows.
    Stops because: every firing leaves fewer operators or fewer nodes.
    """
    match node:
        case Scan(time_range=time_range) if time_range.is_empty:
            return _nothing(graph, node)
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
        case Project(columns=columns):
            new = tuple(replace(column, expression=fold(column.expression)) for column in columns)
            if new != columns:
                graph.replace(node, replace(node, columns=new))
                return True
            return _over_nothing(graph, node)
        case Merge():
            return _prune_merge(graph, node)
        case Sort() | Aggregate() | Fill() | Derive():
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


def fold(node: Expression) -> Expression:
    """The expression with everything constant worked out."""
    match node:
        case Literal() | Reference():
            return node
        case Logical(op=op, terms=terms):
            return _fold_logical(op, [fold(term) for term in terms], node)
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            new: Expression = replace(node, left=fold(left), right=fold(right))
        case Match(operand=operand):
            new = replace(node, operand=fold(operand))
        case MathCall(arguments=arguments):
            new = replace(node, arguments=tuple(fold(argument) for argument in arguments))
        case _:
            return node
    if not all(isinstance(operand, Literal) for operand in new.operands()):
        return new
    if isinstance(new, Comparison | Match):
        return TRUE if bool(holds(new, {}, 1)[0]) else FALSE
    value = evaluate(new, {}, 1)
    if value.valid is not None and not value.valid[0]:
        return replace_literal(new, None)
    result = value.values[0]
    return replace_literal(new, result.item() if isinstance(result, np.generic) else result)


def replace_literal(node: Expression, value: object) -> Literal:
    """A literal of the node's type, standing where the node stood."""
    return Literal(value, type=node.type, span=node.span)


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
