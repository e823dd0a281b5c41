"""Lines that were refused: the first few are shown, all of them go to a file that can be mended and imported again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from influxish.cli.csv_input import REJECTED_LINE, REJECTED_REASON
from influxish.emit.widths import clipped, printable

SHOWN = 10
"""Rejected lines that are shown on the terminal for each file."""

_SHOWN_WIDTH = 300


class Rejects:
    """Collects the refused lines of one input. The file is made when the first one comes.

    Line protocol is kept as it was, below a comment with its number and the reason; CSV with these in two more columns.

    Args:
        source: what the lines came from, for messages.
        path: where to keep them.
        append: several inputs share the file.

    Attributes:
        count: how many there were.
    """

    def __init__(self, source: str, path: Path, *, append: bool) -> None:
        self._source, self._path, self._append = source, path, append
        self._file: IO[bytes] | None = None
        self._failure = ""
        self._first: list[str] = []
        self._header: list[str] = []
        self._delimiter = ","
        self.count = 0

    def begin_csv(self, header: Sequence[str], delimiter: str) -> None:
        """The rejected lines are rows under `header`."""
        self._header, self._delimiter = (
            [name for name in header if name not in (REJECTED_LINE, REJECTED_REASON)],
            delimiter,
        )

    def add(self, line: int, reason: str, text: bytes) -> None:
        """A line of line protocol, without its line feed."""
        self._note(line, reason)
        one_line = " ".join(reason.split())
        self._keep(f"# line {line}: {printable(one_line)[:_SHOWN_WIDTH]}\n".encode() + text + b"\n")

    def add_cells(self, line: int, reason: str, cells: Sequence[str]) -> None:
        """A row of CSV."""
        self._note(line, reason)
        whole = [*cells, *[""] * len(self._header)][: max(len(self._header), len(cells))]
        self._keep(self._csv_row([*whole, str(line), reason]))

    def close(self) -> None:
        """Close the file, if anything was refused."""
        if self._file is not None:
            self._file.close()

    def report(self) -> Iterator[str]:
        """What to tell: the first few with line number and reason, how many more, and where they are."""
        yield from self._first
        if self.count > len(self._first):
            yield f"… and {self.count - len(self._first):,} more of {self._source}"
        if self._failure:
            yield f"error: the rejected lines could not be kept in {self._path}: {self._failure}"
        elif self.count:
            yield f"the rejected lines are in {self._path}"

    def _note(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self._first) < SHOWN:
            self._first.append(clipped(f"{self._source}:{line}: {printable(reason)}", _SHOWN_WIDTH))

    def _keep(self, data: bytes) -> None:
        if self._failure:
            return
        try:
            if self._file is None:
                fresh = not self._append or not self._path.exists()
                self._file = self._path.open("ab" if self._append else "wb")
                if self._header and fresh:
                    self._file.write(self._csv_row([*self._header, REJECTED_LINE, REJECTED_REASON]))
            self._file.write(data)
        except OSError as error:
            self._failure = error.strerror or str(error)

    def _csv_row(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter).writerow(cells)
        return text.getvalue().encode("utf-8", "surrogateescape")
