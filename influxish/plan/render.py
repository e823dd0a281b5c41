"""A graph as text, DOT and JSON. The same graph always gives the same text: golden files rely on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Merge

Notes = Callable[[Node], str]
"""What to say beside a node: estimated rows, or what a run of it did."""

MOST_SHOWN_AGAIN = 120
"""Characters of a description where its node is named a second time; a thousand calls may share a node."""


def to_text(graph: Graph, notes: Notes = lambda node: "") -> str:
    """The graph as an indented tree, the root first; a node that is read twice is drawn once and then named."""
    drawings = Counter(source for node in graph.walk() for source in _drawn_below(node))
    shared = [node for node in graph.walk() if drawings[node] > 1]
    numbers = {node: i + 1 for i, node in enumerate(shared)}
    lines: list[tuple[str, str]] = []
    drawn: set[Node] = set()
    names: dict[Node, str] = {}

    def draw(node: Node, first: str, rest: str) -> None:
        if node in drawn:
            lines.append((f"{first}see #{numbers[node]}: {names[node]}", ""))
            return
        drawn.add(node)
        mark = ""
        if node in numbers:
            mark, names[node] = f"  (#{numbers[node]})", _shortened(node.describe())
        lines.append((f"{first}{node.describe()}{mark}", notes(node)))
        sources = _drawn_below(node)
        for i, source in enumerate(sources):
            last = i == len(sources) - 1
            draw(source, rest + ("└── " if last else "├── "), rest + ("    " if last else "│   "))

    draw(graph.root, "", "")
    width = max((len(line) for line, note in lines if note), default=0)
    return "\n".join(f"{line.ljust(width)}  {note}" if note else line for line, note in lines)


def _shortened(text: str) -> str:
    """The beginning of a description, enough to know it by."""
    return text if len(text) <= MOST_SHOWN_AGAIN else f"{text[: MOST_SHOWN_AGAIN - 2]} …"


def _drawn_below(node: Node) -> list[Node]:
    """What is drawn under a node: its sources, of several edges from one source only the first, but for a merge."""
    return node.sources if isinstance(node, Merge) else list(dict.fromkeys(node.sources))


def to_picture(graph: Graph, width: int = 110) -> str | None:
    """A simple graph drawn from left to right, as on a whiteboard; None if it is not simple or too wide.

    Simple is a row of nodes in which at most one joins two to eight inputs, each of them a row of nodes itself.

    shard [1] ─▶ count(v) ─╲
    shard [2] ─▶ count(v) ──▶ merge ─▶ sum(v)
    shard [3] ─▶ count(v) ─╱
    """
    trunk: list[str] = []
    node = graph.root
    while len(set(node.sources)) == 1 and (len(node.inputs) == 1 or node is graph.root):
        trunk.append(node.describe())
        node = node.source
    trunk.append(node.describe())
    trunk.reverse()
    if len(node.inputs) == 1 or len(node.inputs) > 8:
        return None
    branches = [_branch(source) for source in node.sources]
    if any(branch is None for branch in branches):
        return None
    tail = " ─▶ ".join(trunk)
    lines = _fan([branch for branch in branches if branch is not None], tail) if branches else [tail]
    return "\n".join(lines) if max(map(len, lines)) <= width else None


def _branch(node: Node) -> str | None:
    """A row of nodes from its source to `node`; None if the row forks."""
    names = [node.describe()]
    while node.inputs:
        if len(node.inputs) > 1 or len(node.outputs) > 1:
            return None
        node = node.source
        names.append(node.describe())
    return None if len(node.outputs) > 1 else " ─▶ ".join(reversed(names))


def _fan(branches: Sequence[str], tail: str) -> list[str]:
    width = max(map(len, branches))
    middle = (len(branches) - 1) // 2 if len(branches) % 2 else len(branches) // 2
    lines = []
    for i, branch in enumerate(branches):
        padded = branch + " " + "─" * (width - len(branch))
        if i == middle:
            lines.append(f"{padded}──▶ {tail}")
        else:
            lines.append(f"{padded}{'─╲' if i < middle else '─╱'}")
    return lines


def to_dot(graph: Graph, notes: Notes = lambda node: "") -> str:
    """The graph in Graphviz' language; edges point the way the rows go."""
    ids = {node: f"n{i}" for i, node in enumerate(graph.walk())}
    lines = ["digraph plan {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="Helvetica"];']
    for node, name in ids.items():
        label = "\\n".join(_escape(part) for part in (node.describe(), notes(node)) if part)
        lines.append(f'  {name} [label="{label}"];')
    for node, name in ids.items():
        lines += [f"  {ids[source]} -> {name};" for source in node.sources]
    return "\n".join([*lines, "}"])


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def to_json(graph: Graph, details: Callable[[Node], Mapping[str, Any]] = lambda node: {}) -> dict[str, Any]:
    """The graph as plain data: nodes by number, inputs before readers, the root last."""
    ids = {node: i for i, node in enumerate(graph.walk())}
    nodes = [
        {
            "id": i,
            "kind": type(node).__name__.lower(),
            "describe": node.describe(),
            "inputs": [ids[source] for source in node.sources],
            **details(node),
        }
        for node, i in ids.items()
    ]
    return {"root": ids[graph.root], "nodes": nodes}
