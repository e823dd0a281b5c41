"""The two halves of an edge: the write edge belongs to the node that produces, the read edge to the one that consumes.

Because the halves are separate, an edit re-points one side and never looks inside the node on the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from influxish.plan.node import Node


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


def join_halves(write: WriteEdge, read: ReadEdge) -> None:
    """Make the two each other's partner."""
    write.read, read.write = read, write
