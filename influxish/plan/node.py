"""What every node of the graph is: a small immutable description of work, and the edges it reads and writes.

Nodes never run; `exec/build.py` makes an iterator for each. The kinds of node are in `nodes.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any

from influxish.plan.edges import ReadEdge, WriteEdge


@dataclass(frozen=True, eq=False, kw_only=True)
class Node(ABC):
    """A step of the work. Two nodes are equal only if they are one; `same_work` compares what they describe.

    Attributes:
        inputs: the edges it reads, in an order that means something to it.
        outputs: the edges it writes, one for each reader.
    """

    inputs: list[ReadEdge] = field(default_factory=list, init=False, repr=False)
    outputs: list[WriteEdge] = field(default_factory=list, init=False, repr=False)

    @abstractmethod
    def describe(self) -> str:
        """The one line that EXPLAIN and the golden files show. Stable: no addresses, no set order."""

    @property
    def sources(self) -> list[Node]:
        """The nodes it reads from, one for each input edge."""
        return [read.source for read in self.inputs]

    @property
    def readers(self) -> list[Node]:
        """The nodes that read from it, each once, in the order of the edges."""
        return list(dict.fromkeys(write.read.node for write in self.outputs))

    @property
    def source(self) -> Node:
        """The node that its first input comes from."""
        return self.inputs[0].source

    @property
    def settings(self) -> dict[str, Any]:
        """What it is told to do: every field but the edges."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.init}

    def same_work(self, other: Node) -> bool:
        """Whether both are of one kind and told the same."""
        return type(self) is type(other) and self.settings == other.settings
