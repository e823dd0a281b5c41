"""How many hands a query gets: from the rows it will read."""

from __future__ import annotations

from dataclasses import replace

from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Merge, Scan

WORTHWHILE = 200_000
"""Rows below which one thread has answered before a second one is awake (about 1 ms of decoding)."""

PART = 400_000
"""Rows that a part of a scan should have at least."""

LARGEST_PART = 1_000_000
"""Rows that a part should have at most: queries take turns on the workers between parts, and a part is read ahead."""


def parallelize(graph: Graph, node: Node, facts: Facts) -> bool:
    """merge of scans  becomes  merge [w workers] of scans, large ones cut into parts;  a large scan gets a merge.

    Why: decoding releases the GIL, so parts on several workers take all cores; small queries stay on one thread.
    Legal when: the merge reads scans only. Parts are disjoint and together the whole. A scan that a worker will read
        stays as it is: workers that wait for workers could all wait.
    Stops because: it acts on merges with one worker, and leaves them with more.
    """
    if facts.workers < 2:
        return False
    match node:
        case Scan(part=(0, 1)) if not _is_merged(node):
            if _rows(node, facts) < PART:
                return False  # it would stay in one part, and a merge of one is folded away again
            graph.append(node, merge := Merge())
            _spread(graph, merge, facts)
            return True
        case Merge(workers=1) if node.inputs and all(isinstance(source, Scan) for source in node.sources):
            if sum(_rows(source, facts) for source in node.sources) < WORTHWHILE:
                return False
            _spread(graph, node, facts)
            return True
    return False


def _is_merged(node: Node) -> bool:
    """Whether a merge reads the node, or one with workers reads what is made of it."""
    if any(isinstance(reader, Merge) for reader in node.readers):
        return True
    waiting, seen = list(node.readers), set[Node]()
    while waiting:
        reader = waiting.pop()
        if isinstance(reader, Merge) and reader.workers > 1:
            return True
        if reader not in seen:
            seen.add(reader)
            waiting.extend(reader.readers)
    return False


def _spread(graph: Graph, merge: Merge, facts: Facts) -> None:
    scans = list(dict.fromkeys(merge.sources))
    total = sum(_rows(scan, facts) for scan in scans)
    for scan in scans:
        assert isinstance(scan, Scan)
        rows = _rows(scan, facts)
        share = -(-2 * facts.workers * rows // max(1, total))  # two parts a worker even out what estimates get wrong
        parts = max(1, min(share, rows // PART + 1), -(-rows // LARGEST_PART))
        if parts > 1 and len(scan.outputs) == 1:
            graph.split(scan, [replace(scan, part=(i, parts)) for i in range(parts)])
    graph.replace(merge, replace(merge, workers=facts.workers))


def _rows(node: Node, facts: Facts) -> int:
    assert isinstance(node, Scan)
    return facts.rows(node)
