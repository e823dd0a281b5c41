"""A scan node said in storage's words."""

from __future__ import annotations

from influxish.plan.nodes import Scan
from influxish.storage.interface import ScanRequest


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
        last_group=scan.last_group,
        limit=scan.limit,
        descending=scan.descending,
        part=scan.part,
    )
