"""Chunks cut and joined to a wanted number of rows, and what all writers do when an answer breaks off.

Columns are sliced, never copied, except where a chunk is put together from two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from influxish.batch import Column
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import InfluxishError, ParseError, QueryError

PIECE_ROWS = 16_384
"""How many rows a writer turns into Python objects at once."""


def checked_chunks(result: StatementResult) -> Iterator[SeriesChunk]:
    """The chunks of a result; an error that ends them early becomes `result.error` instead of an exception.

    The writers use this because what was written before cannot be taken back: the error is part of the document.
    """
    if result.error:
        return
    try:
        yield from result.chunks
    except InfluxishError as error:
        result.error = error_text(error)


def checked_results(results: Iterable[StatementResult]) -> Iterator[StatementResult]:
    """The results; an error in place of the next one becomes a result with that error, and the last."""
    statement = 0
    try:
        for result in results:
            yield result
            statement = result.statement_id + 1
    except InfluxishError as error:
        yield StatementResult(statement, error=error_text(error))


def error_text(error: InfluxishError) -> str:
    """What a client is told: InfluxDB's one line where there is one, without the picture of the query."""
    if isinstance(error, ParseError):
        return f"error parsing query: {error.message}"
    return error.message if isinstance(error, QueryError) else str(error)


def pieces(chunk: SeriesChunk, rows: int = PIECE_ROWS) -> Iterator[tuple[Column, ...]]:
    """The columns of a chunk in slices of at most `rows` rows; nothing for a chunk without rows."""
    if 0 < chunk.rows <= rows:
        yield chunk.values
        return
    for start in range(0, chunk.rows, rows):
        yield tuple(column.take(slice(start, start + rows)) for column in chunk.values)


def rechunk(chunks: Iterator[SeriesChunk], rows: int) -> Iterator[SeriesChunk]:
    """The same series in chunks of exactly `rows` rows, save the last of each series; `rows` > 0.

    `partial` is set on all but the last chunk of a series.
    """
    held: SeriesChunk | None = None
    for chunk in chunks:
        held = chunk if held is None else _joined(held, chunk)
        while held is not None and held.rows > rows:
            yield _rows_of(held, 0, rows, partial=True)
            held = _rows_of(held, rows, held.rows, partial=held.partial)
        if held is not None and not held.partial:
            yield held
            held = None
    if held is not None:  # broken off: the rest of this series never came
        yield held


def _joined(first: SeriesChunk, second: SeriesChunk) -> SeriesChunk:
    values = tuple(Column.concat(pair) for pair in zip(first.values, second.values, strict=True))
    return SeriesChunk(first.name, first.tags, first.columns, values, second.partial)


def _rows_of(chunk: SeriesChunk, start: int, stop: int, *, partial: bool) -> SeriesChunk:
    values = tuple(column.take(slice(start, stop)) for column in chunk.values)
    return SeriesChunk(chunk.name, chunk.tags, chunk.columns, values, partial)
