"""What a query will do, or did: its graph before and after the rules, with estimates and, if it was run, figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from influxish.batch import Column, object_array
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.exec.profile import NodeProfile, Profile
from influxish.optimizer.driver import Firing
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Scan
from influxish.plan.render import to_dot, to_json, to_picture, to_text
from influxish.storage.interface import ScanStats
from influxish.types import DataType


@dataclass(frozen=True, slots=True)
class Explanation:
    """A query's graph before and after the optimizer.

    Attributes:
        statement: the query, in canonical form.
        before, after: the linked graph, and what the rules made of it.
        firings: which rule changed what, in order.
        rows: about how many rows a node of `after` hands on.
        profile: what a run did; None if the query was not run.
        seconds: wall time of the run, 0 without one.
        peak_memory: bytes held at most by the run.
    """

    statement: str
    before: Graph
    after: Graph
    firings: tuple[Firing, ...]
    rows: Callable[[Node], int]
    profile: Profile | None = None
    seconds: float = 0.0
    peak_memory: int = 0

    def ran(self, profile: Profile, seconds: float, peak_memory: int) -> Explanation:
        """The same explanation with the figures of a run."""
        return replace(self, profile=profile, seconds=seconds, peak_memory=peak_memory)

    def result(self) -> StatementResult:
        """The text as the answer of an EXPLAIN statement: one row a line."""
        lines = Column(DataType.STRING, object_array(self.text().splitlines()))
        return StatementResult(0, [SeriesChunk("", None, ("QUERY PLAN",), (lines,))])

    def text(self) -> str:
        """For people: pictures where the graph is simple, trees otherwise."""
        parts = [self.statement, "", "before the rules", "", _draw(self.before), ""]
        counts = Counter(firing.rule for firing in self.firings)
        fired = ", ".join(f"{name} ({count}×)" if count > 1 else name for name, count in counts.items())
        parts += [f"rules that fired: {fired or 'none'}", "", "after the rules", ""]
        picture = to_picture(self.after)
        if picture is not None:
            parts += [picture, ""]
        parts.append(to_text(self.after, self._note))
        if self.profile is not None:
            parts += ["", f"ran in {_time(self.seconds)}, held at most {_size(self.peak_memory)} of memory"]
        return "\n".join(parts)

    def dot(self) -> str:
        """The graph after the rules in Graphviz' language: `… | dot -Tsvg > plan.svg`."""
        return to_dot(self.after, self._note)

    def json(self) -> dict[str, Any]:
        """Everything as plain data, ready for `json.dumps`."""
        found: dict[str, Any] = {
            "statement": self.statement,
            "before": to_json(self.before),
            "rules": [{"rule": firing.rule, "node": firing.node} for firing in self.firings],
            "after": to_json(self.after, self._details),
        }
        if self.profile is not None:
            found["seconds"] = self.seconds
            found["peak_memory"] = self.peak_memory
        return found

    def _note(self, node: Node) -> str:
        if self.profile is None:
            return f"~{_rows(self.rows(node))}"
        seen = self.profile.of(node)
        handed = _handed_on(seen, node)
        batches = "1 batch" if handed.batches == 1 else f"{handed.batches:,} batches"
        words = [f"{_rows(handed.rows)} (estimated {self.rows(node):,})", batches, _time(handed.seconds)]
        if isinstance(node, Scan):
            words += [
                f"{seen.scan.blocks_read:,} blocks read, {seen.scan.blocks_skipped:,} skipped",
                f"{_size(seen.scan.bytes_decoded)} decoded from {_size(seen.scan.bytes_read)}",
            ]
        words.append(" ".join(sorted(seen.workers)) or "not run")
        return " · ".join(words)

    def _details(self, node: Node) -> dict[str, Any]:
        details: dict[str, Any] = {"estimated_rows": self.rows(node)}
        if isinstance(node, Scan):
            details |= {"fields": [field.label for field in node.fields], "tags": list(node.tags)}
        if self.profile is not None:
            details |= _figures(self.profile.of(node), node)
        return details


def _handed_on(seen: NodeProfile, node: Node) -> NodeProfile | ScanStats:
    """Where the rows, batches and seconds of a node are: those of a scan may never have left the shard."""
    return seen.scan if isinstance(node, Scan) else seen


def _figures(seen: NodeProfile, node: Node) -> dict[str, Any]:
    handed = _handed_on(seen, node)
    figures: dict[str, Any] = {
        "rows": handed.rows,
        "batches": handed.batches,
        "seconds": handed.seconds,
        "workers": sorted(seen.workers),
    }
    if isinstance(node, Scan):
        figures |= {
            "blocks_read": seen.scan.blocks_read,
            "blocks_skipped": seen.scan.blocks_skipped,
            "bytes_decoded": seen.scan.bytes_decoded,
            "bytes_read": seen.scan.bytes_read,
        }
    return figures


def _draw(graph: Graph) -> str:
    picture = to_picture(graph)
    return to_text(graph) if picture is None else picture


def _rows(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _size(nbytes: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if nbytes >= factor:
            return f"{nbytes / factor:.1f} {unit}"
    return f"{nbytes} B"
