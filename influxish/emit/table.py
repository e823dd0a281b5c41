"""Answers as tables for people: aligned, fitted to the width of a terminal, honest about what was left out.

A series is drawn in blocks of rows, so a long one streams; series of one row each share a table, their tags as columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from influxish.batch import Column, object_array
from influxish.emit.cells import CellStyle, cell_texts
from influxish.emit.chunks import checked_chunks, checked_results, pieces
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.emit.times import time_texts
from influxish.emit.widths import ColumnLayout, clipped, fitted_widths, printable, text_width
from influxish.types import NUMERIC, DataType

BLOCK_ROWS = 1_000
"""Rows whose cells decide the width of the columns; a longer series may widen its columns from block to block."""

NULL = "-"
_GAP = "  "
_SHARED_ROWS = 10_000
_RIGHT_ALIGNED = NUMERIC | {DataType.DURATION}


def write_table(
    results: Iterable[StatementResult], *, width: int = 0, epoch: str = "", max_rows: int = 0
) -> Iterator[str]:
    """The answers as lines of text, piece by piece.

    Args:
        results: one per statement. An error that breaks one off is stored in its `error`, and not written.
        width: columns of the terminal, 0 for as wide as needed. Wide cells are cut with an ellipsis (numbers only in
            their decimals), and columns that still do not fit are named below the table instead.
        epoch: a name of `types.PRECISIONS` for integer times, or "" for RFC 3339.
        max_rows: > 0: show so many rows of an answer and count the rest.

    No value and NaN show as `-`.
    """
    blank = ""
    for result in checked_results(results):
        style = CellStyle(null=NULL, times=time_texts(epoch, result.zone), string=printable, exponents=True)
        drawn = False
        for text in filter(None, _TableWriter(style, width, max_rows).lines(checked_chunks(result))):
            yield blank + text
            blank, drawn = "", True
        for level, said in result.messages:
            yield f"{printable(level)}: {printable(said)}\n"
        blank = "\n" if drawn else blank


class _TableWriter:
    """Draws the series of one answer."""

    def __init__(self, style: CellStyle, width: int, max_rows: int) -> None:
        self._style, self._width = style, width
        self._left = max_rows or None
        self._left_out: list[str] = []

    def lines(self, chunks: Iterator[SeriesChunk]) -> Iterator[str]:
        shared: list[SeriesChunk] = []
        hidden_rows, hidden_series, blank, continues = 0, 0, "", False
        for chunk in chunks:
            single = bool(chunk.tags) and chunk.rows == 1 and not chunk.partial and not continues
            joins = single and self._left != 0 and len(shared) < _SHARED_ROWS
            if shared and not (joins and _same_shape(shared[0], chunk)):
                yield blank + self._shared(shared)
                shared, blank = [], "\n"
            if self._left == 0:
                hidden_rows, hidden_series = hidden_rows + chunk.rows, hidden_series + (not continues)
            elif single:
                shared.append(chunk)
                self._take(1)
            else:
                yield blank + ("" if continues else _heading(chunk, self._width))
                rows = self._take(chunk.rows)
                hidden_rows += chunk.rows - rows
                yield from self._blocks(chunk, rows, head=not continues)
                blank = "\n"
            continues = chunk.partial
            blank = "" if continues else blank
            if not continues:
                yield self._note()
        if shared:
            yield blank + self._shared(shared)
        if hidden_rows:
            yield self._note() + _hidden_text(hidden_rows, hidden_series)

    def _take(self, rows: int) -> int:
        """How many of `rows` may be shown."""
        if self._left is None:
            return rows
        taken = min(self._left, rows)
        self._left -= taken
        return taken

    def _blocks(self, chunk: SeriesChunk, rows: int, *, head: bool) -> Iterator[str]:
        if not chunk.rows and head:
            yield self._grid(chunk.columns, chunk.values, [[] for _ in chunk.columns], head=True)
        for columns in pieces(chunk, BLOCK_ROWS):
            if rows <= 0:
                return
            columns = tuple(column.take(slice(0, rows)) for column in columns)
            rows -= len(columns[0])
            yield self._grid(chunk.columns, columns, [cell_texts(column, self._style) for column in columns], head=head)
            head = False

    def _shared(self, chunks: list[SeriesChunk]) -> str:
        """One table for series of one row each."""
        first, tags = chunks[0], tuple(chunks[0].tags or ())
        if len(chunks) == 1:
            return _heading(first, self._width) + "".join(self._blocks(first, 1, head=True)) + self._note()
        columns = [
            *(Column(DataType.TAG, object_array((chunk.tags or {})[tag] for chunk in chunks)) for tag in tags),
            *(Column.concat(column) for column in zip(*(chunk.values for chunk in chunks), strict=True)),
        ]
        cells = [cell_texts(column, self._style) for column in columns]
        name = f"{clipped(printable(first.name), self._width)}\n" if first.name else ""
        return name + self._grid((*tags, *first.columns), columns, cells, head=True) + self._note()

    def _grid(
        self, headings: Sequence[str], columns: Sequence[Column], cells: Sequence[list[str]], *, head: bool
    ) -> str:
        """Lines of aligned cells; with `head`, column names and a rule above them."""
        names = [printable(heading) for heading in headings]
        layouts = [
            ColumnLayout(name, texts, numeric=column.type in _RIGHT_ALIGNED, whole=column.type is DataType.TIME)
            for name, column, texts in zip(names, columns, cells, strict=True)
        ]
        widths = fitted_widths(layouts, self._width, len(_GAP))
        drawn = [
            [_padded(text, size, layout.numeric) for text in ([layout.name, "─" * size] if head else [])]
            + [_padded(text, size, layout.numeric) for text in layout.texts]
            for layout, size in zip(layouts, widths, strict=False)
        ]
        self._left_out = names[len(widths) :]
        return "".join(_GAP.join(row).rstrip() + "\n" for row in zip(*drawn, strict=True))

    def _note(self) -> str:
        """What the width left out of the table above, said once."""
        names, self._left_out = self._left_out, []
        if not names:
            return ""
        more = "1 more column does" if len(names) == 1 else f"{len(names)} more columns do"
        return clipped(f"… {more} not fit: {', '.join(names)}", self._width) + "\n"


def _same_shape(one: SeriesChunk, other: SeriesChunk) -> bool:
    return (one.name, one.columns, [*(one.tags or ())]) == (other.name, other.columns, [*(other.tags or ())]) and all(
        mine.type is theirs.type for mine, theirs in zip(one.values, other.values, strict=True)
    )


def _heading(chunk: SeriesChunk, width: int) -> str:
    """`name  tag=value  tag=value`, or nothing for an answer without a name."""
    tags = (f"{printable(key)}={printable(value)}" for key, value in (chunk.tags or {}).items())
    text = _GAP.join(filter(None, (printable(chunk.name), *tags)))
    return f"{clipped(text, width)}\n" if text else ""


def _padded(text: str, size: int, right: bool) -> str:
    text = clipped(text, size)
    blanks = " " * (size - text_width(text))
    return blanks + text if right else text + blanks


def _hidden_text(rows: int, series: int) -> str:
    of_series = f" (and {series:,} more series)" if series else ""
    return f"… {rows:,} more row{'s' if rows != 1 else ''}{of_series}\n"
