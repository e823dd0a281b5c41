"""About how many rows each node hands on: from the index, without reading a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from influxish.functions.windows import count_buckets
from influxish.plan.node import Node
from influxish.plan.nodes import Aggregate, Fill, Filter, Limit, Nothing, Output, Scan, Sort, Stage
from influxish.types import ALL_TIME, TimeRange, Window

FILTER_SELECTIVITY = 3
"""One row in so many is thought to pass a condition that nothing is known about (System R's guess for a range)."""


class Extent(NamedTuple):
    """How much a node hands on.

    Attributes:
        rows, groups: about how many.
        span: the times that the rows can have.
    """

    rows: int
    groups: int
    span: TimeRange = ALL_TIME


NO_ROWS = Extent(0, 0, TimeRange(0, 0))


def estimate_rows(scan_extent: Callable[[Scan], Extent]) -> Callable[[Node], int]:
    """A function that estimates the rows of any node of a linked graph.

    Args:
        scan_extent: rows, series and times of a scan, from its shard's index.
    """
    known: dict[Node, Extent] = {}

    def extent(node: Node) -> Extent:
        if node not in known:
            known[node] = _extent(node, [extent(source) for source in node.sources], scan_extent)
        return known[node]

    return lambda node: extent(node).rows


def _extent(node: Node, inputs: list[Extent], scan_extent: Callable[[Scan], Extent]) -> Extent:
    rows = sum(extent.rows for extent in inputs)
    groups = max((extent.groups for extent in inputs), default=0)
    span = _union([extent.span for extent in inputs if extent.rows])
    match node:
        case Scan(limit=limit):
            rows, series, span = scan_extent(node)
            rows = rows if limit is None else min(rows, series * limit)
            return Extent(rows, series if node.dimensions else min(1, series), span)
        case Nothing():
            return NO_ROWS
        case Filter():
            return Extent(-(-rows // FILTER_SELECTIVITY), groups, span)
        case Aggregate(window=window, time_range=time_range, stage=stage):
            buckets = groups * _buckets(window, time_range.intersect(span))
            return Extent(buckets if stage is Stage.FINAL else min(rows, buckets), groups, span)
        case Fill(window=window, time_range=time_range):
            filled = time_range if time_range.has_start else TimeRange(span.start, time_range.stop)
            return Extent(groups * _buckets(window, filled), groups, span)
        case Sort(limit=int(limit)):
            return Extent(min(rows, groups * limit), groups, span)
        case Limit(limit=int(limit)):
            return Extent(min(rows, groups * limit), groups, span)
        case Output(limit=limit):
            rows = max((extent.rows for extent in inputs), default=0)
            return Extent(rows if limit is None else min(rows, groups * limit), groups, span)
    return Extent(rows, groups, span)


def _union(spans: list[TimeRange]) -> TimeRange:
    if not spans:
        return TimeRange(0, 0)
    return TimeRange(min(span.start for span in spans), max(span.stop for span in spans))


def _buckets(window: Window | None, time_range: TimeRange) -> int:
    return 1 if window is None else max(1, count_buckets(window, time_range))
