"""Only the columns that something reads are decoded."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from influxish.optimizer.rule import Facts
from influxish.plan.columns import names_in, reads
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Filter, Project, Scan


def project_columns(graph: Graph, node: Node, facts: Facts) -> bool:
    """scan of all columns  becomes  scan of those that are read above it, or by its own condition.

    Why: every column is stored and decoded alone; what is not read costs nothing.
    Legal when: always. Rows in which none of the columns left has a value vanish, and no reader wanted them.
    Stops because: every firing takes columns away.
    """
    match node:
        case Scan(fields=fields, tags=tags, predicate=predicate):
            wanted = _wanted(node, facts) | names_in(predicate)
            kept_fields = tuple(field for field in fields if field.label in wanted)
            kept_tags = tuple(tag for tag in tags if tag in wanted)
            if (kept_fields, kept_tags) == (fields, tags) or not kept_fields:
                return False
            graph.replace(node, replace(node, fields=kept_fields, tags=kept_tags))
            return True
        case Project(columns=columns):
            wanted = _wanted(node, facts)
            kept = tuple(column for column in columns if column.label in wanted)
            if kept == columns or not kept:
                return False
            graph.replace(node, replace(node, columns=kept))
            return True
    return False


def _wanted(node: Node, facts: Facts) -> Set[str]:
    """Labels that the readers of a node read, directly or through nodes that hand rows on."""
    if node not in facts.memo:
        read = [_read_by(reader, facts) for reader in node.readers]
        facts.memo[node] = read[0] if len(read) == 1 else set().union(*read)
    found: Set[str] = facts.memo[node]
    return found


def _read_by(reader: Node, facts: Facts) -> Set[str]:
    """Labels that a reader takes from below: worked out once, however many nodes it reads."""
    key = ("read by", reader)
    if key not in facts.memo:
        own = reads(reader)
        read = _wanted(reader, facts) if own is None else own
        facts.memo[key] = read | names_in(reader.condition) if isinstance(reader, Filter) else read
    found: Set[str] = facts.memo[key]
    return found
