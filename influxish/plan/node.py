"""What every node of the graph is: a small immutable description of work, and the edges it reads and writes.

An edge has two halves: the write edge belongs to the node that produces, the read edge to the one that consumes, so
an edit re-points one side and never looks inside the node on the other. Nodes never run; `nodes.py` has their kinds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(eq=False, slots=True)
class WriteEdge:
    """The end of an edge that `node` writes to; `read` is its partner."""

    node: Node
    read: ReadEdge = field(init=False, repr=False)


@dataclass(eq=False, slots=True)
class ReadEdge:
    """The end of an edge that `node` reads from; `write` is its partner."""

    node: Node
    write: WriteEdge = field(init=False, repr=False)

    @property
    def source(self) -> Node:
        """The node that what is read comes from."""
        return self.write.node


@dataclass(frozen=True, eq=False, kw_only=True)
class Node(ABC):
    """A step of the work. Two nodes are equal only if they are one; `settings` is what they describe.

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

    def check(self) -> None:  # noqa: B027 (most kinds of node can read anything)
        """Raise PlanBug if the nodes around it are none that it can work with; `Graph.check` asks every node."""


def join_halves(write: WriteEdge, read: ReadEdge) -> None:
    """Make the two each other's partner."""
    write.read, read.write = read, write
