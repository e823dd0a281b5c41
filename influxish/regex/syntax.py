"""RE2's syntax read: a pattern in, the same in Python's spelling and as a tree out.

What RE2 refuses (look-around, back-references) is refused with its words, and what Python would read differently is
spelled out. Groups capture nothing: InfluxQL only asks whether a text matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from influxish.errors import ParseError
from influxish.regex.automaton import Chain, Choice, Item, Repeat, Tree
from influxish.regex.classes import MAX_CHARACTER, PERL_CLASSES, POSIX_CLASSES, Ranges, complement, unicode_class

START: Final = Item(r"(?:\A)", is_assertion=True)
"""The place where a text begins."""

MAX_NESTING = 100
"""Groups may be nested this deep. RE2 allows 1000; Python's own parser of patterns recurses."""

_MAX_REPEAT = 1000
_MAX_SHOWN = 200
_ESCAPES: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_REPEAT = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_PLAIN_REPEATS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CAPTURE_NAME = re.compile(r"[A-Za-z0-9_]+\Z")


@dataclass(slots=True)
class _Piece:
    """Something a repetition operator can follow, translated.

    Attributes:
        text: Python's spelling, one item in its own right.
        tree: the same for an automaton.
        repeated: (the item inside, `*` or `+` or `?`) when the piece is a plain repetition or a group of just one.
        weight: the largest product of nested counts, which RE2 bounds.
    """

    text: str
    tree: Tree
    repeated: tuple[str, str] | None = None
    weight: int = 1


@dataclass(slots=True)
class _Group:
    """An open group: its finished alternatives, the current one, and the flags to restore behind it."""

    flags: frozenset[str]
    alternatives: list[list[_Piece]]

    @property
    def current(self) -> list[_Piece]:
        return self.alternatives[-1]

    @property
    def tree(self) -> Tree:
        """The group for an automaton; one of a single piece is that piece."""
        chains: list[Tree] = [
            pieces[0].tree if len(pieces) == 1 else Chain(tuple(piece.tree for piece in pieces))
            for pieces in self.alternatives
        ]
        return chains[0] if len(chains) == 1 else Choice(tuple(chains))


class Translation:
    """One pass over a pattern. Follows Go's regexp/syntax, parse.go, without its stack of partial results.

    Attributes:
        saw_caseless, saw_exact: whether there is an item that the flag `i` is on for, and one that it is off for.
        tree: the pattern for an automaton, once it is read.
    """

    def __init__(self, pattern: str, *, wrap_caseless: bool = True) -> None:
        self.saw_caseless = self.saw_exact = False
        self.tree: Tree = Chain(())
        self._pattern = pattern
        self._wrap_caseless = wrap_caseless
        self._position = 0
        self._flags: frozenset[str] = frozenset()
        self._groups = [_Group(self._flags, [[]])]
        self._last_repeat = -1  # where the repetition operator just read began, -1: none

    def run(self) -> str:
        """The pattern in Python's spelling.

        Raises:
            ParseError: `error parsing regexp: …`, in the words of Go's regexp package.
        """
        pattern = self._pattern
        while self._position < len(pattern):
            last_repeat, self._last_repeat = self._last_repeat, -1
            match pattern[self._position]:
                case "(":
                    self._open()
                case ")":
                    self._close()
                case "|":
                    self._groups[-1].alternatives.append([])
                    self._position += 1
                case "*" | "+" | "?" as operator:
                    self._repeat(operator, self._position + 1, last_repeat)
                case "{" if counts := _REPEAT.match(pattern, self._position):
                    self._repeat(self._checked_counts(counts), counts.end(), last_repeat)
                case "[":
                    self._class()
                case "\\":
                    self._escape()
                case character:
                    self._symbol(character)
        if len(self._groups) > 1:
            raise self.error("missing closing )", pattern)
        self.tree = self._groups[0].tree
        return _join(self._groups[0])

    def error(self, problem: str, where: str) -> ParseError:
        """The error in the form of Go's regexp package; `where` is the part of the pattern at fault."""
        shown = where if len(where) <= _MAX_SHOWN else f"{where[:_MAX_SHOWN]}…"
        return ParseError(f"error parsing regexp: {problem}: `{shown}`")

    def _add(self, text: str, *, is_assertion: bool = False) -> None:
        self._groups[-1].current.append(_Piece(text, Item(text, is_assertion)))

    # --- single characters ----------------------------------------------------------------------------------

    def _symbol(self, character: str) -> None:
        self._position += 1
        match character:
            case "^":
                self._add("(?m:^)" if "m" in self._flags else START.text, is_assertion=True)
            case "$":
                self._add("(?m:$)" if "m" in self._flags else r"(?:\Z)", is_assertion=True)
            case ".":
                self._add("(?s:.)" if "s" in self._flags else r"[^\n]")
            case _:
                self._literal(character)

    def _literal(self, character: str) -> None:
        if character.lower() == character.upper():
            self._add(re.escape(character))
        else:
            self._cased(re.escape(character))

    def _cased(self, text: str) -> None:
        """An item that the flag `i` makes a difference to."""
        if "i" not in self._flags:
            self.saw_exact = True
            self._add(text)
        else:
            self.saw_caseless = True
            self._add(f"(?i:{text})" if self._wrap_caseless else text)

    def _escape(self) -> None:
        pattern, start = self._pattern, self._position
        after = pattern[start + 1 : start + 2]
        # Python's own \B does not match in an empty text.
        assertion = {"A": START.text, "z": r"(?:\Z)", "b": r"(?a:\b)", "B": r"(?a:(?!\b))"}.get(after)
        if assertion:
            self._position += 2
            self._add(assertion, is_assertion=True)
        elif after == "Q":
            stop = pattern.find("\\E", start)
            for character in pattern[start + 2 : stop if stop >= 0 else len(pattern)]:
                self._literal(character)
            self._position = stop + 2 if stop >= 0 else len(pattern)
        elif (ranges := self._class_escape()) is not None:
            self._cased(_spell(ranges, negated=False))
        else:
            self._literal(self._character_escape())

    def _class_escape(self) -> Ranges | None:
        """The characters of `\\d`, `\\pL`, `\\p{Greek}` and the like at this place, None if there is no such thing."""
        pattern, start = self._pattern, self._position
        kind = pattern[start + 1 : start + 2]
        if kind and kind in PERL_CLASSES:
            self._position += 2
            return PERL_CLASSES[kind]
        if kind not in ("p", "P"):
            return None
        name, stop = pattern[start + 2 : start + 3], start + 3
        if name == "{":
            stop = pattern.find("}", start) + 1
            if stop == 0:
                raise self.error("invalid character class range", pattern[start:])
            name = pattern[start + 3 : stop - 1]
        ranges = unicode_class(name.removeprefix("^"))
        if ranges is None:
            raise self.error("invalid character class range", pattern[start:stop])
        self._position = stop
        return complement(ranges) if (kind == "P") != name.startswith("^") else ranges

    def _character_escape(self) -> str:
        """The character that an escape such as `\\n`, `\\x41` or `\\.` stands for."""
        pattern, start = self._pattern, self._position
        if start + 1 == len(pattern):
            raise self.error("trailing backslash at end of expression", "")
        character = pattern[start + 1]
        self._position += 2
        if character in _ESCAPES:
            return _ESCAPES[character]
        if octal := _OCTAL.match(pattern, start + 1):
            self._position = octal.end()
            return chr(int(octal.group(), 8))
        if hexadecimal := _HEX.match(pattern, start + 1):
            digits = hexadecimal[1] or hexadecimal[2]
            if len(digits.lstrip("0")) <= 6 and int(digits, 16) <= MAX_CHARACTER:
                self._position = hexadecimal.end()
                return chr(int(digits, 16))
            raise self.error("invalid escape sequence", pattern[start : hexadecimal.end()])
        if character.isascii() and not character.isalnum():
            return character
        raise self.error("invalid escape sequence", pattern[start : start + 2])

    # --- character classes ------------------------------------------------------------------------------------

    def _class(self) -> None:
        pattern, start = self._pattern, self._position
        self._position += 1
        negated = pattern.startswith("^", self._position)
        self._position += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not pattern.startswith("]", self._position):
            first = False
            named = self._named_class()
            if named is None and pattern.startswith("\\", self._position):
                named = self._class_escape()
            ranges += named if named is not None else [self._range(start)]
        self._position += 1
        self._cased(_spell(tuple(ranges), negated=negated))

    def _named_class(self) -> Ranges | None:
        """`[:alpha:]` or `[:^alpha:]` within a class."""
        pattern, start = self._pattern, self._position
        if not pattern.startswith("[:", start):
            return None
        stop = pattern.find(":]", start + 2) + 2
        if stop == 1:
            return None
        name = pattern[start + 2 : stop - 2]
        ranges = POSIX_CLASSES.get(name.removeprefix("^"))
        if ranges is None:
            raise self.error("invalid character class range", pattern[start:stop])
        self._position = stop
        return complement(ranges) if name.startswith("^") else ranges

    def _range(self, class_start: int) -> tuple[int, int]:
        pattern, start = self._pattern, self._position
        low = high = self._class_character(class_start)
        rest = pattern[self._position : self._position + 2]
        if len(rest) == 2 and rest[0] == "-" and rest[1] != "]":
            self._position += 1
            high = self._class_character(class_start)
            if high < low:
                raise self.error("invalid character class range", pattern[start : self._position])
        return low, high

    def _class_character(self, class_start: int) -> int:
        if self._position >= len(self._pattern):
            raise self.error("missing closing ]", self._pattern[class_start:])
        if self._pattern[self._position] == "\\":
            return ord(self._character_escape())
        self._position += 1
        return ord(self._pattern[self._position - 1])

    # --- groups and repetitions ---------------------------------------------------------------------------------

    def _open(self) -> None:
        pattern, start = self._pattern, self._position
        outer = self._flags
        if pattern.startswith("(?P<", start):
            stop = pattern.find(">", start) + 1
            if stop == 0 or not _CAPTURE_NAME.match(pattern[start + 4 : stop - 1]):
                raise self.error("invalid named capture", pattern[start : stop or len(pattern)])
            self._position = stop
        elif pattern.startswith("(?", start):
            if not self._read_flags():
                return
        else:
            self._position += 1
        if len(self._groups) > MAX_NESTING:
            raise self.error("expression nests too deeply", pattern)
        self._groups.append(_Group(outer, [[]]))

    def _read_flags(self) -> bool:
        """Read `(?flags)` or `(?flags:`; whether it opens a group."""
        pattern, start = self._pattern, self._position
        flags, negative, saw_flag = set(self._flags), False, False
        for position in range(start + 2, len(pattern)):
            character = pattern[position]
            if character in "imsU":
                saw_flag = True
                (flags.discard if negative else flags.add)(character)
            elif character == "-" and not negative:
                negative, saw_flag = True, False
            elif character in ":)" and (saw_flag or not negative):
                self._flags = frozenset(flags)
                self._position = position + 1
                return character == ":"
            else:
                raise self.error("invalid or unsupported Perl syntax", pattern[start : position + 1])
        raise self.error("missing closing )", pattern)

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise self.error("unexpected )", self._pattern)
        group = self._groups.pop()
        self._flags = group.flags
        self._position += 1
        only = group.current[0] if len(group.alternatives) == 1 and len(group.current) == 1 else None
        weight = max((piece.weight for alternative in group.alternatives for piece in alternative), default=1)
        piece = _Piece(f"(?:{_join(group)})", group.tree, only.repeated if only else None, weight)
        self._groups[-1].current.append(piece)

    def _checked_counts(self, counts: re.Match[str]) -> str:
        low = counts[1]
        high = counts[3] if counts[2] else low
        too_big = any(len(digits) > 4 or int(digits) > _MAX_REPEAT for digits in (low, high) if digits)
        if too_big or (high and int(low) > int(high)):
            raise self.error("invalid repeat count", counts.group())
        return counts.group()

    def _repeat(self, operator: str, stop: int, last_repeat: int) -> None:
        pattern, start = self._pattern, self._position
        lazy = pattern.startswith("?", stop)
        stop += lazy
        if last_repeat >= 0:
            raise self.error("invalid nested repetition operator", pattern[last_repeat:stop])
        pieces = self._groups[-1].current
        if not pieces:
            raise self.error("missing argument to repetition operator", pattern[start:stop])
        piece = pieces.pop()
        weight = piece.weight
        if operator[0] == "{":
            counts = [int(count) for count in re.findall("[0-9]+", operator)]
            weight *= max(1, counts[-1])
            if weight > _MAX_REPEAT:
                raise self.error("invalid repeat count", pattern[start:stop])
        pieces.append(_repeated(piece, operator, weight))
        self._position, self._last_repeat = stop, start


def _repeated(piece: _Piece, operator: str, weight: int) -> _Piece:
    """The piece with the operator. Laziness is dropped: it cannot change whether a text matches.

    A repetition of a repetition, `(a+)*`, becomes one: it means the same, and a backtracking matcher would need
    exponential time for it.
    """
    if operator not in _PLAIN_REPEATS:
        counts = re.findall("[0-9]+", operator)
        most = None if operator.endswith(",}") else int(counts[-1])
        return _Piece(f"(?:{piece.text}{operator})", Repeat(piece.tree, int(counts[0]), most), None, weight)
    inner, before = piece.repeated or (piece.text, "")
    tree = piece.tree
    if before:
        assert isinstance(tree, Repeat)
        tree, operator = tree.part, before if before == operator else "*"
    return _Piece(f"(?:{inner}{operator})", Repeat(tree, *_PLAIN_REPEATS[operator]), (inner, operator), weight)


def _join(group: _Group) -> str:
    return "|".join("".join(piece.text for piece in alternative) for alternative in group.alternatives)


def _spell(ranges: Ranges, *, negated: bool) -> str:
    """A character class in Python's spelling, every character by its number."""
    body = "".join(_code(low) if low == high else f"{_code(low)}-{_code(high)}" for low, high in ranges)
    return f"[{'^' if negated else ''}{body}]" if body else (r"[\s\S]" if negated else "(?!)")


def _code(character: int) -> str:
    return chr(character) if chr(character).isascii() and chr(character).isalnum() else f"\\U{character:08x}"
