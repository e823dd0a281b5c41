"""A progress bar for long work on standard error: drawn only for a person, at most ten times a second."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

_REDRAW_SECONDS = 0.1
_BAR_CELLS = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Progress:
    """Shows how much of `total` is done, beside a count of something and its rate.

    Args:
        label: what is going on.
        total: units of work in all, 0 when unknown: then there is no bar and no time left.
        counted: what the count counts, such as "points".
        stream: where to draw; nothing is drawn when it is no terminal.
    """

    def __init__(self, label: str, total: int, counted: str, stream: TextIO | None = None) -> None:
        self._label, self._total, self._counted = label, total, counted
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._started = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def update(self, done: int, count: int) -> None:
        """`done` units of the work are finished, and `count` things were made."""
        now = time.monotonic()
        if not self._shown or now - self._drawn < _REDRAW_SECONDS:
            return
        self._drawn = now
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{self.text(done, count, now - self._started)[: columns - 1]}")
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar away, so that other text can be written."""
        if self._shown and self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = 0.0

    def text(self, done: int, count: int, seconds: float) -> str:
        """The line to show after so many seconds."""
        rate = count / seconds if seconds > 0 else 0.0
        parts = [self._label]
        if self._total:
            share = min(done / self._total, 1.0)
            parts.append(f"{bar(share, _BAR_CELLS)} {share:4.0%}")
        parts.append(f"{short(count)} {self._counted}")
        parts.append(f"{short(rate)}/s")
        if self._total and 0 < done < self._total and seconds > 0.5:
            parts.append(f"{clock(seconds * (self._total - done) / done)} left")
        return "  ".join(parts)


def bar(share: float, cells: int) -> str:
    """A bar of `cells` characters, filled to `share` (0 to 1) in steps of an eighth of a character.

    >>> bar(0.5, 4)
    '██  '
    """
    eighths = round(share * cells * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part] if full < cells else "")).ljust(cells)[:cells]


def short(number: float) -> str:
    """A count in at most four digits.

    >>> short(999), short(12_345), short(5_875_200)
    ('999', '12.3 k', '5.88 M')
    """
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.0f}"


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where needed.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
