"""A limit stops the reading, not only the answering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Merge, Output, Project, Scan, Sort, Stage


def push_limit(graph: Graph, node: Node, facts: Facts) -> bool:
    """sort → output limit n  becomes  sort limit n;  scan → … → sort limit n  becomes  scan limit n for each series.

    Also first() and last() over all of time: one row of each series, read from the end it stands at, is enough.

    Why: the first n rows of a group are among the first n rows of its series, so a scan can stop there.
    Legal when: no filter stands between (its rows would be counted before it drops some), nothing else reads the
        scan, and the scan counts only rows that the projection keeps.
    Stops because: it only acts where no limit is set yet.
    """
    match node:
        case Output(limit=int(limit), offset=offset):
            sources = set(node.sources)
            if len(sources) != 1 or not isinstance(node.source, Sort) or not node.source.by_time:
                return False
            if node.source.limit is not None or len(node.source.readers) != 1:
                return False
            graph.replace(node.source, replace(node.source, limit=limit + offset))
            return True
        case Sort(limit=int(limit), by_time=True):
            project = node.source
            if not isinstance(project, Project) or not project.required or len(project.outputs) != 1:
                return False
            return _limit_scans(graph, project, limit, project.required, descending=node.descending)
        case Aggregate(calls=(call,), window=None, stage=Stage.WHOLE) if call.function.edge:
            return _limit_scans(graph, node, 1, (call.argument,), descending=call.function.edge == "last")
    return False


def _limit_scans(graph: Graph, above: Node, limit: int, required: Sequence[str], *, descending: bool) -> bool:
    below = above.source
    if len(below.outputs) != 1:
        return False
    sources = below.sources if isinstance(below, Merge) else [below]
    scans = [source for source in sources if isinstance(source, Scan)]
    if len(scans) != len(sources) or any(scan.limit is not None or len(scan.outputs) != 1 for scan in scans):
        return False
    for scan in scans:
        graph.replace(scan, replace(scan, limit=limit, required=tuple(required), descending=descending))
    return True
