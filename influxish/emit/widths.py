"""How wide text is on a terminal, how to cut it, and how to share a width among columns.

Wide characters take two cells, combining ones none. Control characters are shown, never sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LEAST_WIDTH = 4
ELLIPSIS = "…"


def printable(text: str) -> str:
    """`text` with whatever could move the cursor or hide other text spelled out.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return _UNPRINTABLE.sub(_escaped, text) if _UNPRINTABLE.search(text) else text


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def text_width(text: str) -> int:
    """How many terminal cells printable text takes.

    >>> text_width("温度"), text_width("e\u0301")
    (4, 1)
    """
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def clipped(text: str, width: int) -> str:
    """`text`, or as much of it as fits `width` cells with an ellipsis at its end; a width of 0 cuts nothing.

    >>> clipped("hostname", 5)
    'host…'
    """
    if not width or text_width(text) <= width:
        return text
    used, kept = 1, 0
    for character in text:
        used += _character_width(character)
        if used > width:
            break
        kept += 1
    return text[:kept] + ELLIPSIS


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """What decides the width of one column.

    Attributes:
        name: its heading.
        texts: its cells, printable.
        numeric: cells are ASCII numbers, of which only decimals may be cut.
        whole: keep all of it as long as other columns can give.
    """

    name: str
    texts: Sequence[str]
    numeric: bool = False
    whole: bool = False

    def bounds(self) -> tuple[int, int]:
        """The width it would like, and the least it can do with."""
        widest = max(map(len if self.numeric else text_width, self.texts), default=0)
        natural = max(widest, text_width(self.name), 1)
        if self.whole:
            return natural, natural
        uncut = max(map(_uncut, self.texts), default=0) if self.numeric else 0
        return natural, min(natural, max(uncut, _LEAST_WIDTH))


def fitted_widths(columns: Sequence[ColumnLayout], width: int, gap: int) -> list[int]:
    """A width for each column so that all fit `width` with gaps between them; the last ones get none if they cannot.

    The widest columns give first, each down to its least width. A `width` of 0 sets no limit.
    """
    bounds = [column.bounds() for column in columns]
    if width == 0:
        return [natural for natural, _ in bounds]
    shown = len(columns)
    while shown > 1 and sum(least + gap for _, least in bounds[:shown]) - gap > width:
        shown -= 1
    if shown <= 1:
        return [max(min(natural, width), 1) for natural, _ in bounds[:1]]
    return _shared_out(bounds[:shown], width - gap * (shown - 1))


def _uncut(text: str) -> int:
    """The least width that keeps every digit that matters: up to one decimal and an ellipsis."""
    point = text.find(".")
    return len(text) if point < 0 or "e" in text else min(len(text), point + 3)


def _shared_out(bounds: list[tuple[int, int]], width: int) -> list[int]:
    """The largest ceiling under which all columns fit, and what is left over given from the left."""
    low, high = 0, max(natural for natural, _ in bounds)
    while low < high:
        ceiling = (low + high + 1) // 2
        if sum(max(least, min(natural, ceiling)) for natural, least in bounds) <= width:
            low = ceiling
        else:
            high = ceiling - 1
    widths = [max(least, min(natural, low)) for natural, least in bounds]
    spare = width - sum(widths)
    for column, (natural, _) in enumerate(bounds):
        if spare > 0 and widths[column] == low < natural:
            widths[column] += 1
            spare -= 1
    return widths
