"""A limit of series stops the reading of series, not only the answering."""

from __future__ import annotations

from dataclasses import replace

from influxish.functions.registry import SelectorFunction
from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph, walk_down
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Fill, Merge, Output, Project, Scan, Sort


def limit_series(graph: Graph, node: Node, facts: Facts) -> bool:
    """scan by host → … → output slimit n  becomes  scan by host up to the n-th group that surely has rows.

    Why: groups are answered in the order of their keys, so those behind the last one wanted need not be read.
    Legal when: groups rise and nothing drops rows on the way, so that of some groups the index alone tells that they
        are answered. Groups that only may be answered lie among these, and are read with them.
    Stops because: it gives scans a last group that have none.
    """
    if not isinstance(node, Output) or node.series_limit is None or node.descending:
        return False
    scans, wanted, fired = _scans(node), node.series_limit + node.series_offset, False
    for measurement in sorted({scan.measurement for scan in scans}):
        own = [scan for scan in scans if scan.measurement == measurement]
        if any(scan.last_group is not None or not scan.dimensions for scan in own):
            continue
        groups = {group for scan in own for group in facts.first_groups(replace(scan, required=scans[scan]), wanted)}
        if len(groups) < wanted:
            continue
        for scan in own:
            graph.replace(scan, replace(scan, last_group=sorted(groups)[wanted - 1]))
            fired = True
    return fired


def _scans(output: Output) -> dict[Scan, tuple[str, ...]]:
    """The scans that an output reads, and for each the columns of which any value makes its group appear.

    None at all if some node in between could drop all rows of a group.
    """
    found: dict[Scan, tuple[str, ...]] = {}
    asked: dict[Node, dict[str, None]] = {output: {}}
    for node in reversed(list(walk_down(output))):  # each once, and all its readers before it
        required = asked[node]
        match node:
            case Scan(predicate=None):
                found[node] = tuple(required)
            case Aggregate(calls=calls):
                # A rank may not exist; all other functions answer something of any value.
                sure = [
                    call for call in calls if not isinstance(call.function, SelectorFunction) or not call.function.pick
                ]
                required = dict.fromkeys(call.argument for call in sure)
            case Project():
                required = dict.fromkeys(node.required) or required
            case Sort() | Fill() | Merge():
                pass
            case _ if node is not output:
                return {}
        for source in node.sources:
            asked.setdefault(source, {}).update(required)
    return found if all(found.values()) else {}
