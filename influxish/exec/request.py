"""Scans, and aggregates right above them, said in storage's words."""

from __future__ import annotations

from influxish.plan.nodes import Aggregate, Scan
from influxish.storage.interface import AggregateRequest, ScanRequest


def scan_request(scan: Scan) -> ScanRequest:
    """The request that a scan node stands for."""
    return ScanRequest(
        measurement=scan.measurement,
        fields=scan.fields,
        tags=scan.tags,
        dimensions=scan.dimensions,
        time_range=scan.time_range,
        series=scan.series,
        predicate=scan.predicate,
        required=scan.required,
        series_limit=scan.series_limit,
        counted=scan.counted,
        limit=scan.limit,
        descending=scan.descending,
        part=scan.part,
    )


def aggregate_request(aggregate: Aggregate, scan: Scan) -> AggregateRequest:
    """The request that stands for an aggregate of a scan's rows."""
    return AggregateRequest(
        rows=scan_request(scan),
        calls=aggregate.calls,
        window=aggregate.window,
        descending=aggregate.descending,
        place=scan.place,
    )
