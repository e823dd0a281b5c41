"""What a rule is, and what rules may know beside the graph."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any

from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Scan


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules go by.

    Attributes:
        rows: about how many rows a scan would answer, from the index.
        workers: threads that can work at the same time.
        memo: of the running pass of one rule; the driver empties it before each pass.
    """

    rows: Callable[[Scan], int]
    workers: int = 1
    memo: dict[Hashable, Any] = field(default_factory=dict)


Rewrite = Callable[[Graph, Node, Facts], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite with a name. Looks at one node, edits the graph around it or does not, and says which.

    Attributes:
        name: what `disable=` takes and EXPLAIN shows.
        rewrite: all its matching precedes any editing; its docstring says shape, reason, when legal, why it stops.
    """

    name: str
    rewrite: Rewrite

    @property
    def reason(self) -> str:
        """The docstring of the rewrite."""
        return cleandoc(self.rewrite.__doc__ or "")
