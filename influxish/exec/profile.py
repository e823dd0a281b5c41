"""What a run of a graph did, node by node: the figures of EXPLAIN ANALYZE. Counting only; no operator is known here."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from influxish.plan.node import Node
from influxish.storage.interface import ScanStats


@dataclass(slots=True)
class NodeProfile:
    """One node's figures, summed over every iterator that was built for it.

    Attributes:
        rows, batches: what it handed on.
        seconds: wall time inside it and all below it on the same thread.
        workers: names of the threads that ran it.
        scan: what a scan read and skipped.
    """

    rows: int = 0
    batches: int = 0
    seconds: float = 0.0
    workers: set[str] = field(default_factory=set)
    scan: ScanStats = field(default_factory=ScanStats)


class Profile:
    """The figures of every node of one run."""

    def __init__(self) -> None:
        self._nodes: dict[Node, NodeProfile] = {}
        self._lock = threading.Lock()

    def of(self, node: Node) -> NodeProfile:
        """The node's figures, zero before it ran. An iterator adds to them from one thread at a time."""
        with self._lock:
            return self._nodes.setdefault(node, NodeProfile())
