"""What every node of the syntax tree can do: list its children, be compared, hashed, printed for debugging, rebuilt.

Nothing here recurses: a condition of ten thousand ORs is a tree ten thousand levels deep, and must not end in a
RecursionError. The nodes themselves are in `ast.py`, `show.py` and `manage.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from typing import Any, Self, TypeVar, dataclass_transform

from influxish.types import NOWHERE, Span

NodeClass = TypeVar("NodeClass")


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(field,))
def node(cls: type[NodeClass]) -> type[NodeClass]:
    """Make the class a frozen dataclass with slots; `AstNode` gives it equality, hash and repr."""
    return dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AstNode:
    """Anything the parser makes. `span` is where it stood in the text; it takes no part in equality."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def children(self) -> Iterator[AstNode]:
        """The nodes directly inside this one, in the order of the fields."""
        for name in _compared_fields(type(self)):
            value = getattr(self, name)
            if isinstance(value, AstNode):
                yield value
            elif isinstance(value, tuple):
                yield from (element for element in value if isinstance(element, AstNode))

    def walk(self) -> Iterator[AstNode]:
        """This node and all below it, parents first."""
        pending: list[AstNode] = [self]
        while pending:
            current = pending.pop()
            yield current
            pending.extend(reversed(tuple(current.children())))

    def with_children(self, children: Sequence[AstNode]) -> Self:
        """This node with others in the places of its children.

        Args:
            children: as many as `children()` gives, in its order.
        """
        if all(old is new for old, new in zip(self.children(), children, strict=True)):
            return self
        remaining = iter(children)
        changed: dict[str, Any] = {}
        for name in _compared_fields(type(self)):
            value = getattr(self, name)
            if isinstance(value, AstNode):
                changed[name] = next(remaining)
            elif isinstance(value, tuple) and any(isinstance(element, AstNode) for element in value):
                changed[name] = tuple(next(remaining) for _ in value)
        return replace(self, **changed)

    def _outline(self) -> Iterator[object]:
        """The tree as a flat sequence: two trees are equal exactly when their outlines are."""
        for current in self.walk():
            yield type(current)
            for name in _compared_fields(type(current)):
                value = getattr(current, name)
                if isinstance(value, AstNode):
                    yield AstNode
                elif isinstance(value, tuple) and value and isinstance(value[0], AstNode):
                    yield len(value)
                else:
                    yield value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AstNode):
            return NotImplemented
        return self is other or all(
            mine == theirs for mine, theirs in zip_longest(self._outline(), other._outline(), fillvalue=AstNode)
        )

    def __hash__(self) -> int:
        return hash(tuple(self._outline()))

    def __repr__(self) -> str:
        parts: list[str] = []
        pending: list[AstNode | str] = [self]
        while pending:
            current = pending.pop()
            if isinstance(current, str):
                parts.append(current)
            else:
                pending.extend(reversed(_repr_pieces(current)))
        return "".join(parts)


def rewrite(root: AstNode, change: Callable[[AstNode], AstNode]) -> AstNode:
    """The tree with `change` applied to every node, children before parents. Untouched parts are shared."""
    finished: list[AstNode] = []
    pending: list[tuple[AstNode, int]] = [(root, -1)]
    while pending:
        current, width = pending.pop()
        if width < 0:
            children = tuple(current.children())
            pending.append((current, len(children)))
            pending.extend((child, -1) for child in reversed(children))
        else:
            first = len(finished) - width
            rebuilt = change(current.with_children(finished[first:]))
            del finished[first:]
            finished.append(rebuilt)
    return finished[0]


_FIELDS: dict[type[AstNode], tuple[str, ...]] = {}


def _compared_fields(cls: type[AstNode]) -> tuple[str, ...]:
    if (names := _FIELDS.get(cls)) is None:
        names = _FIELDS[cls] = tuple(item.name for item in fields(cls) if item.compare)
    return names


def _repr_pieces(current: AstNode) -> list[AstNode | str]:
    pieces: list[AstNode | str] = [f"{type(current).__name__}("]
    separator = ""
    for item in fields(current):
        if not item.repr:
            continue
        value = getattr(current, item.name)
        pieces.append(f"{separator}{item.name}=")
        separator = ", "
        if isinstance(value, AstNode):
            pieces.append(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], AstNode):
            pieces.append("(")
            for element in value:
                pieces += [element, ", "]
            pieces[-1] = ",)" if len(value) == 1 else ")"
        else:
            pieces.append(repr(value))
    return [*pieces, ")"]
