"""A matcher whose time grows with the length of the text and no faster, for patterns that backtracking could choke on.

All ways a text may go through a pattern are followed at once (Thompson's construction), and where a character leads
from a set of places is remembered (an automaton made on demand). Who matches is decided by the package.
Source: R. Cox, "Regular Expression Matching Can Be Simple And Fast", 2007.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MOST = 10**9
"""Where counting ways and steps stops: more than anybody has time for."""


@dataclass(frozen=True, slots=True)
class Item:
    """One character of some class, or an assertion about the characters on both sides, in Python's spelling."""

    text: str
    is_assertion: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """One part after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the parts."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`part` from `least` to `most` times; `most` None: without end."""

    part: Tree
    least: int
    most: int | None


Tree = Item | Chain | Choice | Repeat


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backtracking matcher may have to try from one place of a text: at most ways · length ** degree.

    Attributes:
        ways, degree: at most MOST.
        size: how many places the pattern has when its counted repetitions are written out.
    """

    ways: int
    degree: int
    size: int


def cost(tree: Tree) -> Cost:
    """An upper bound, from the shape alone: what the items match is not looked at."""
    match tree:
        case Item():
            return Cost(1, 0, 1)
        case Chain(parts) | Choice(parts):
            costs = [cost(part) for part in parts]
            ways, degree = 1, sum(part.degree for part in costs)
            for part in costs:
                ways = min(ways * part.ways, MOST)
            if isinstance(tree, Choice):
                ways, degree = sum(part.ways for part in costs), max(part.degree for part in costs)
            return Cost(min(ways, MOST), min(degree, MOST), min(sum(part.size + 2 for part in costs), MOST))
        case Repeat(part, least, most):
            inner = cost(part)
            copies = least + 1 if most is None else most
            size = min((inner.size + 1) * max(copies, 1), MOST)
            if most is None:  # a body with one way through it has one for each number of rounds; else they multiply
                return Cost(1, 1 if (inner.ways, inner.degree) == (1, 0) else MOST, size)
            ways = 0
            for rounds in range(least, most + 1):
                ways = min(ways + _power(inner.ways, rounds), MOST)
            return Cost(ways, min(inner.degree * most, MOST), size)


def _power(ways: int, rounds: int) -> int:
    return 1 if ways == 1 else min(ways ** min(rounds, 30), MOST)


# A program is a list of places: an item to pass, or a fork to the places where matching goes on. The last is the end.
_Fork = tuple[int, ...]
_Place = Item | _Fork


def _program(tree: Tree) -> list[_Place]:
    places: list[_Place] = []
    _write(tree, places)
    return [*places, ()]


def _write(tree: Tree, places: list[_Place]) -> None:
    match tree:
        case Item():
            places.append(tree)
        case Chain(parts):
            for part in parts:
                _write(part, places)
        case Choice(parts):
            exits = []
            for number, part in enumerate(parts, 1):
                fork = len(places)
                places.append(())
                _write(part, places)
                exits.append(len(places))
                places.append(())
                places[fork] = (fork + 1, len(places)) if number < len(parts) else (fork + 1,)
            for place in exits:
                places[place] = (len(places),)
        case Repeat(part, least, most):
            for _ in range(least):
                _write(part, places)
            forks = []
            for _ in range(1 if most is None else most - least):
                forks.append(len(places))
                places.append(())
                _write(part, places)
            if most is None:
                places.append((forks[0],))
            for fork in forks:
                places[fork] = (fork + 1, len(places))


@dataclass(eq=False, slots=True)
class _State:
    """Places reached, and a character like the one before; `after` is where characters lead, as far as is known."""

    places: frozenset[int]
    before: str
    after: dict[str, _State] = field(default_factory=dict)


_MATCHED: Final = _State(frozenset(), "")
_REMEMBERED = 10_000


class Automaton:
    """A pattern to search texts for. Safe to use from several threads: what they remember is the same for all."""

    def __init__(self, tree: Tree) -> None:
        self._program = _program(tree)
        texts = {place.text for place in self._program if isinstance(place, Item)}
        self._items = {text: re.compile(text) for text in texts}
        self._forget()

    def search(self, text: str) -> bool | None:
        """True if the pattern matches anywhere in the text, else None, as other matchers have it."""
        state = self._start
        for character in text:
            state = state.after.get(character) or self._step(state, character)
            if state is _MATCHED:
                return True
        return True if (state.after.get("") or self._step(state, "")) is _MATCHED else None

    def _forget(self) -> None:
        self._start = _State(frozenset(), "")
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._known = 0

    def _step(self, state: _State, character: str) -> _State:
        """Where a character leads ("" is the end of the text). The pattern may also begin here."""
        if self._known >= _REMEMBERED:
            self._forget()
        places = self._reached({0, *state.places}, state.before, character)
        if len(self._program) - 1 in places:
            following = _MATCHED
        else:
            passed = frozenset(place + 1 for place in places if self._passes(place, character))
            key = passed, _like(character)
            following = self._states.setdefault(key, _State(*key))
        state.after[character] = following
        self._known += 1
        return following

    def _reached(self, starts: Iterable[int], before: str, character: str) -> set[int]:
        """The places that can be got to from `starts` without a character passing."""
        reached = set(starts)
        pending = list(reached)
        while pending:
            place = self._program[number := pending.pop()]
            further: tuple[int, ...] = ()
            if not isinstance(place, Item):
                further = place
            elif place.is_assertion and self._items[place.text].match(before + character, len(before)):
                further = (number + 1,)
            new = [other for other in further if other not in reached]
            reached.update(new)
            pending.extend(new)
        return reached

    def _passes(self, number: int, character: str) -> bool:
        place = self._program[number]
        if not isinstance(place, Item) or place.is_assertion:
            return False
        return self._items[place.text].match(character) is not None


def _like(character: str) -> str:
    """A character that is the same to every assertion."""
    if character == "\n":
        return character
    return "a" if character.isascii() and (character.isalnum() or character == "_") else "-"
