"""About how many rows each node hands on: from the index, without reading a block."""

from __future__ import annotations

from collections.abc import Callable

from influxish.functions.windows import count_buckets
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Fill, Filter, Nothing, Output, Scan, Sort, Stage
from influxish.types import TimeRange, Window

FILTER_SELECTIVITY = 3
"""One row in so many is thought to pass a condition that nothing is known about (System R's guess for a range)."""

Extent = tuple[int, int]
"""(rows, groups)"""


def estimate_rows(scan_extent: Callable[[Scan], Extent]) -> Callable[[Node], int]:
    """A function that estimates the rows of any node of a linked graph.

    Args:
        scan_extent: rows and series of a scan, from its shard's index.
    """
    known: dict[Node, Extent] = {}

    def extent(node: Node) -> Extent:
        if node not in known:
            known[node] = _extent(node, [extent(source) for source in node.sources], scan_extent)
        return known[node]

    return lambda node: extent(node)[0]


def _extent(node: Node, inputs: list[Extent], scan_extent: Callable[[Scan], Extent]) -> Extent:
    rows = sum(rows for rows, _ in inputs)
    groups = max((groups for _, groups in inputs), default=0)
    match node:
        case Scan(limit=limit):
            rows, series = scan_extent(node)
            rows = rows if limit is None else min(rows, series * limit)
            return rows, series if node.dimensions else min(1, series)
        case Nothing():
            return 0, 0
        case Filter():
            return -(-rows // FILTER_SELECTIVITY), groups
        case Aggregate(window=window, time_range=time_range, stage=stage):
            most = rows if stage is not Stage.FINAL else max((r for r, _ in inputs), default=0)
            return min(most, groups * _buckets(window, time_range)), groups
        case Fill(window=window, time_range=time_range):
            filled = groups * _buckets(window, time_range)
            return (filled if time_range.has_start else max(rows, min(filled, rows))), groups
        case Sort(limit=int(limit)):
            return min(rows, groups * limit), groups
        case Output(limit=limit):
            rows = max((rows for rows, _ in inputs), default=0)
            return (rows if limit is None else min(rows, groups * limit)), groups
    return rows, groups


def _buckets(window: Window | None, time_range: TimeRange) -> int:
    return 1 if window is None else max(1, count_buckets(window, time_range))
