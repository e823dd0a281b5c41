"""Regular expressions as InfluxDB reads them: RE2 syntax in, something to search texts with out.

Python's matcher is fast but backtracks. Where that could take too long, `automaton.py` matches; `syntax.py` reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from influxish.regex.automaton import Automaton, Chain, Tree, cost
from influxish.regex.syntax import START, Translation

MAX_STEPS = 5_000_000
"""What backtracking may try for one text, some 0.1 s; longer texts are matched by an automaton."""

LONG_TEXT = 65_535
"""A tag value or name is no longer than this."""

MAX_SIZE = 200_000
"""Places that an automaton may have."""


class Regex(Protocol):
    """A compiled pattern."""

    def search(self, text: str, /) -> object | None:
        """Something true if the pattern matches anywhere in the text, else None."""


@lru_cache(maxsize=1024)
def compile_regex(pattern: str) -> Regex:
    """The pattern for `.search(text)`: unanchored and case sensitive, unless it says otherwise itself.

    Searching takes time that grows with the length of the text and no faster, or at most `MAX_STEPS` steps.

    Args:
        pattern: RE2 syntax, without the slashes around it.

    Raises:
        ParseError: `error parsing regexp: …`, in the words of Go's regexp package.

    >>> bool(compile_regex("(?i)^SERVER[0-9]+$").search("server12"))
    True
    """
    translation = Translation(pattern)
    text = translation.run()
    flags = re.NOFLAG
    if translation.saw_caseless and not translation.saw_exact:  # the usual `(?i)…`: one flag is faster than many
        text, flags = Translation(pattern, wrap_caseless=False).run(), re.IGNORECASE
    try:
        backtracking = re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as problem:
        raise translation.error(str(problem), pattern) from None
    longest, size = _reach(translation.tree)
    if longest >= LONG_TEXT:
        return backtracking
    if size > MAX_SIZE:
        raise translation.error("expression too large", pattern)
    return _Guarded(backtracking, longest, pattern)


def pattern_tree(pattern: str) -> Tree:
    """The pattern for an automaton.

    Raises:
        ParseError: as `compile_regex`.
    """
    translation = Translation(pattern)
    translation.run()
    return translation.tree


def _reach(tree: Tree) -> tuple[int, int]:
    """How long a text may be for backtracking to take no more than `MAX_STEPS`; and the size of the pattern."""
    bound = cost(tree)
    anchored = isinstance(tree, Chain) and tree.parts[:1] == (START,)
    power = bound.degree + (not anchored)  # one more, because the pattern is tried at every place of the text
    if bound.ways > MAX_STEPS or power > 20:
        return 0, bound.size
    return (int((MAX_STEPS / bound.ways) ** (1 / power)) if power else LONG_TEXT), bound.size


@dataclass(eq=False)
class _Guarded:
    """Backtracking for texts so short that it cannot take long, an automaton for all others."""

    backtracking: re.Pattern[str]
    longest: int
    pattern: str

    @cached_property
    def automaton(self) -> Automaton:
        return Automaton(pattern_tree(self.pattern))

    def search(self, text: str, /) -> object | None:
        if len(text) <= self.longest:
            return self.backtracking.search(text)
        return self.automaton.search(text)
