"""The graph of a query: a root, the nodes below it, and the only verbs that touch edges.

Every verb keeps both halves of every edge consistent and refuses to make a circle; `check` asserts it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from influxish.errors import PlanBug
from influxish.functions.interruption import look
from influxish.plan.node import Node, ReadEdge, WriteEdge, join_halves


class Graph:
    """A directed acyclic graph of nodes that ends in one root, the node that reads the outputs of the query.

    Attributes:
        root: it has no readers.
    """

    def __init__(self, root: Node) -> None:
        self.root = root

    def connect(self, source: Node, reader: Node) -> ReadEdge:
        """Add an edge: `reader` reads `source` as its last input."""
        look()
        if reader is source or (reader.outputs and reader in _below(source)):  # what nobody reads is below nothing
            raise PlanBug(f"an edge from {source.describe()} to {reader.describe()} would close a circle")
        write, read = WriteEdge(source), ReadEdge(reader)
        join_halves(write, read)
        source.outputs.append(write)
        reader.inputs.append(read)
        return read

    def insert(self, read: ReadEdge, node: Node) -> None:
        """source → reader becomes source → node → reader. `read` keeps its place among the reader's inputs."""
        _require_loose(node)
        below, above = ReadEdge(node), WriteEdge(node)
        join_halves(read.write, below)
        join_halves(above, read)
        node.inputs.append(below)
        node.outputs.append(above)

    def append(self, source: Node, node: Node) -> None:
        """Put `node` on top of `source`: it reads `source`, and all that read `source` read `node` instead."""
        _require_loose(node)
        _hand_over(source, node)
        if self.root is source:
            self.root = node
        self.connect(source, node)

    def remove(self, node: Node) -> None:
        """Take out a node with one input: its readers read that input instead."""
        if len(node.inputs) != 1:
            raise PlanBug(f"cannot remove {node.describe()}: it has {len(node.inputs)} inputs, not one")
        source = node.source
        source.outputs.remove(node.inputs[0].write)
        _hand_over(node, source)
        if self.root is node:
            self.root = source
        node.inputs.clear()

    def replace(self, old: Node, new: Node) -> None:
        """Put `new` in the place of `old`: it takes over all inputs and outputs."""
        _require_loose(new)
        for read in old.inputs:
            read.node = new
            new.inputs.append(read)
        old.inputs.clear()
        _hand_over(old, new)
        if self.root is old:
            self.root = new

    def unite(self, nodes: Sequence[Node], new: Node) -> None:
        """Put `new` in the place of nodes that read the same: it reads that once, and is read where they were."""
        first, *others = nodes
        for other in others:
            if other.sources != first.sources:
                raise PlanBug(f"{first.describe()} and {other.describe()} read different things and cannot be one node")
        self.replace(first, new)
        for other in others:
            _hand_over(other, new)
            self.drop(other)

    def split(self, node: Node, parts: Sequence[Node]) -> None:
        """Put `parts` side by side in the place of `node`: each reads what it read and is read where it was read."""
        for part in parts:
            _require_loose(part)
        for write in node.outputs:
            reader = write.read.node
            place = reader.inputs.index(write.read)
            edges = []
            for part in parts:
                own_write, own_read = WriteEdge(part), ReadEdge(reader)
                join_halves(own_write, own_read)
                part.outputs.append(own_write)
                edges.append(own_read)
            reader.inputs[place : place + 1] = edges
        for read in node.inputs:
            read.source.outputs.remove(read.write)
            for part in parts:
                self.connect(read.source, part)
        node.inputs.clear()
        node.outputs.clear()

    def redirect(self, old: Node, new: Node) -> None:
        """All that read `old` read `new` instead; what only `old` needed is no longer part of the graph."""
        if old in _below(new):
            raise PlanBug(f"redirecting {old.describe()} to {new.describe()} would close a circle")
        _hand_over(old, new)
        self.drop(old)

    def disconnect(self, read: ReadEdge) -> None:
        """Take one edge away; what only its reader needed is no longer part of the graph."""
        source = read.source
        read.node.inputs.remove(read)
        source.outputs.remove(read.write)
        self.drop(source)

    def drop(self, node: Node) -> None:
        """Cut off a node that nobody reads, and all below it that nobody else reads."""
        if node.outputs or node is self.root:
            return
        for read in list(node.inputs):
            self.disconnect(read)

    def walk(self) -> Iterator[Node]:
        """Every node once, inputs before readers, left to right: one order for EXPLAIN, the rules and the executor."""
        return walk_down(self.root)

    def copy(self) -> Graph:
        """The same graph out of new nodes, to keep while this one is rewritten."""
        twins: dict[Node, Node] = {}
        for node in self.walk():
            twins[node] = replace(node)
        copied = Graph(twins[self.root])
        for node, twin in twins.items():
            for source in node.sources:
                copied.connect(twins[source], twin)
        return copied

    def check(self) -> None:
        """Raise PlanBug unless the graph can be carried out.

        Every half of every edge agrees with its partner and its node, there are no circles, and no node reads what it
        cannot read.
        """
        nodes = list(self.walk())
        known, done = set(nodes), set()
        writers = {write: node for node in nodes for write in node.outputs}
        for node in nodes:
            for read in node.inputs:
                if read.node is not node or read.write.read is not read or writers.get(read.write) is not read.source:
                    raise PlanBug(f"the edge into {node.describe()} is torn\n{self}")
                if read.source not in done:
                    raise PlanBug(f"{node.describe()} is part of a circle\n{self}")
            for write in node.outputs:
                if write.node is not node or write.read.write is not write or write.read.node not in known:
                    raise PlanBug(f"the edge out of {node.describe()} is torn\n{self}")
            done.add(node)
        for node in nodes:
            try:
                node.check()
            except PlanBug as problem:
                raise PlanBug(f"{problem}\n{self}") from None
        if self.root.outputs:
            raise PlanBug(f"the root {self.root.describe()} has readers")

    def __str__(self) -> str:
        return "\n".join(node.describe() for node in self.walk())


def walk_down(top: Node, *, above: Collection[Node] = ()) -> Iterator[Node]:
    """`top` and what it reads from, each node once, inputs before readers, left to right.

    Args:
        above: nodes to stop at; neither they nor what only they read from is part of it.
    """
    look()
    seen = set(above)
    pending: list[tuple[Node, bool]] = [(top, False)]
    while pending:
        node, inputs_done = pending.pop()
        if inputs_done:
            yield node
        elif node not in seen:
            seen.add(node)
            pending.append((node, True))
            pending.extend((source, False) for source in reversed(node.sources) if source not in seen)


def _below(node: Node) -> set[Node]:
    """All that `node` reads from, directly or not."""
    return {source for source in walk_down(node) if source is not node}


def _hand_over(old: Node, new: Node) -> None:
    """All that read `old` read `new` instead."""
    for write in old.outputs:
        write.node = new
    new.outputs.extend(old.outputs)
    old.outputs.clear()


def _require_loose(node: Node) -> None:
    if node.inputs or node.outputs:
        raise PlanBug(f"{node.describe()} is part of a graph already")
