"""Answers as InfluxDB 1.x writes them in JSON: the same keys, order, numbers, escapes and line ends.

Streams: rows already written are never held; an error part-way becomes the `error` of its result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from influxish.batch import Column
from influxish.emit.cells import CellStyle, cell_texts
from influxish.emit.chunks import checked_chunks, checked_results, pieces, rechunk
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.emit.times import rfc3339, time_texts
from influxish.errors import ExecutionError
from influxish.types import DataType


def write_json(
    results: Iterable[StatementResult], *, epoch: str = "", pretty: bool = False, chunk_size: int = 0
) -> Iterator[bytes]:
    """The answers as UTF-8 JSON, piece by piece.

    Args:
        results: one per statement. An error that breaks one off is written into it and stored in its `error`.
        epoch: a name of `types.PRECISIONS` for integer times, or "" for RFC 3339.
        pretty: indent by four blanks.
        chunk_size: > 0: one document of at most so many rows per line, with `partial` flags; 0: one document.

    An infinite value has no JSON: the result ends before the piece that holds it, with an error naming row and column.
    """
    writer = _JsonWriter(epoch, pretty)
    texts = writer.documents(results, chunk_size) if chunk_size > 0 else writer.document(results)
    return (text.encode("utf-8") for text in texts)


def json_error(message: str, *, pretty: bool = False) -> bytes:
    """The document for a request that failed as a whole.

    >>> json_error("missing <db>")
    b'{"error":"missing \\\\u003cdb\\\\u003e"}\\n'
    """
    return (_Layout(pretty).map([("error", json_string(message))], 0) + "\n").encode()


_SPECIAL = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def json_string(text: str) -> str:
    """A JSON string as Go's encoding/json escapes it: also `<`, `>`, `&`, U+2028 and U+2029; no lone surrogates."""
    return f'"{_SPECIAL.sub(_escape, text)}"' if _SPECIAL.search(text) else f'"{text}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        return "\\ufffd"
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}"


# Depth of indentation of each level of a document.
_RESULTS, _RESULT, _RESULT_MEMBER, _SERIES, _SERIES_MEMBER, _ROW, _CELL = range(1, 8)


class _Layout:
    """Where lines break: nowhere, or before everything with four blanks per level."""

    def __init__(self, pretty: bool) -> None:
        self._pretty = pretty

    def line(self, depth: int) -> str:
        return "\n" + "    " * depth if self._pretty else ""

    def member(self, name: str, value: str) -> str:
        return f'"{name}": {value}' if self._pretty else f'"{name}":{value}'

    def array(self, items: Iterable[str], depth: int) -> str:
        """`items` inside an array that stands at `depth`."""
        inner = self.line(depth + 1)
        return f"[{inner}{f',{inner}'.join(items)}{self.line(depth)}]"

    def map(self, members: Iterable[tuple[str, str]], depth: int) -> str:
        """Name and written value of each member inside an object that stands at `depth`."""
        inner = self.line(depth + 1)
        return f"{{{inner}{f',{inner}'.join(self.member(*member) for member in members)}{self.line(depth)}}}"


class _JsonWriter:
    def __init__(self, epoch: str, pretty: bool) -> None:
        self._epoch = epoch
        self._layout = layout = _Layout(pretty)
        line = layout.line
        self._opening = "{" + line(_RESULTS) + layout.member("results", "[")
        self._closing = f"{line(_RESULTS)}]{line(0)}}}\n"
        self._series_end = f"{line(_SERIES)}}}{line(_RESULT_MEMBER)}]"
        self._row_open, self._row_close = f"{line(_ROW)}[{line(_CELL)}", f"{line(_ROW)}]"
        self._between_rows = f"{self._row_close},{self._row_open}"
        self._between_cells = f",{line(_CELL)}"

    def document(self, results: Iterable[StatementResult]) -> Iterator[str]:
        """One document for everything. Without any result it is `{}`, as the server's."""
        before = self._opening
        for result in checked_results(results):
            yield before + self._result_opening(result)
            yield from self._series(result, checked_chunks(result), flags=False)
            yield self._result_closing(result)
            before = ","
        yield self._closing if before == "," else "{}\n"

    def documents(self, results: Iterable[StatementResult], rows: int) -> Iterator[str]:
        """One document for each `rows` rows of a series, and one for a result without rows or with an error."""
        for result in checked_results(results):
            chunks = rechunk(checked_chunks(result), rows)
            held = next(chunks, None)
            answered = False
            while held is not None:
                # One chunk is held back, because its document says whether more follows.
                following = next(chunks, None)
                series = "".join(self._series(result, iter([held]), flags=True))
                answered = following is None and not result.error
                yield self._result_document(result, series, partial=not answered)
                held = None if result.error else following
            if not answered:
                yield self._result_document(result, "", partial=False)

    def _result_document(self, result: StatementResult, series: str, *, partial: bool) -> str:
        ending = self._result_partial() if partial else self._result_closing(result)
        return self._opening + self._result_opening(result) + series + ending + self._closing

    def _result_opening(self, result: StatementResult) -> str:
        line, member = self._layout.line, self._layout.member
        return f"{line(_RESULT)}{{{line(_RESULT_MEMBER)}{member('statement_id', str(result.statement_id))}"

    def _result_partial(self) -> str:
        line, member = self._layout.line, self._layout.member
        return f",{line(_RESULT_MEMBER)}{member('partial', 'true')}{line(_RESULT)}}}"

    def _result_closing(self, result: StatementResult) -> str:
        layout, before, text = self._layout, f",{self._layout.line(_RESULT_MEMBER)}", ""
        if result.messages:
            messages = (
                layout.map((("level", json_string(level)), ("text", json_string(said))), _RESULT_MEMBER + 1)
                for level, said in result.messages
            )
            text += before + layout.member("messages", layout.array(messages, _RESULT_MEMBER))
        if result.error:
            text += before + layout.member("error", json_string(result.error))
        return f"{text}{layout.line(_RESULT)}}}"

    def _series(self, result: StatementResult, chunks: Iterator[SeriesChunk], *, flags: bool) -> Iterator[str]:
        """The member `series` of a result; nothing without chunks. An infinite value ends it and sets the error.

        `flags`: a chunk that is not the last of its series says so.
        """
        style = CellStyle(
            null="null",
            times=time_texts(self._epoch, result.zone, '"'),
            string=json_string,
            exponents=True,
            strings=lambda items: self._layout.array(items, _CELL),
        )
        line, member = self._layout.line, self._layout.member
        closing, values_end, continues, row = "", "", False, 0
        try:
            for chunk in chunks:
                if not continues:
                    yield closing.removesuffix(f"{line(_RESULT_MEMBER)}]") + self._series_opening(chunk, not closing)
                    closing, values_end, row = "", "", 0
                for columns in pieces(chunk):
                    _refuse_infinity(chunk, columns, row)
                    before = "," if values_end else f",{line(_SERIES_MEMBER)}{member('values', '[')}"
                    values_end = f"{line(_SERIES_MEMBER)}]"
                    yield before + self._rows(columns, style)
                    row += len(columns[0])
                continues = chunk.partial
                flag = f",{line(_SERIES_MEMBER)}{member('partial', 'true')}" if flags and continues else ""
                closing = values_end + flag + self._series_end
        except ExecutionError as error:
            result.error = str(error)
            closing = values_end + self._series_end
        yield closing

    def _series_opening(self, chunk: SeriesChunk, first: bool) -> str:
        layout, line = self._layout, self._layout.line
        members = []
        if chunk.name:
            members.append(layout.member("name", json_string(chunk.name)))
        if chunk.tags:
            tags = ((json_string(key)[1:-1], json_string(value)) for key, value in chunk.tags.items())
            members.append(layout.member("tags", layout.map(tags, _SERIES_MEMBER)))
        members.append(layout.member("columns", layout.array(map(json_string, chunk.columns), _SERIES_MEMBER)))
        before = f",{line(_RESULT_MEMBER)}{layout.member('series', '[')}" if first else ","
        inner = line(_SERIES_MEMBER)
        return f"{before}{line(_SERIES)}{{{inner}{f',{inner}'.join(members)}"

    def _rows(self, columns: tuple[Column, ...], style: CellStyle) -> str:
        cells = [cell_texts(column, style) for column in columns]
        rows = self._between_rows.join(map(self._between_cells.join, zip(*cells, strict=True)))
        return self._row_open + rows + self._row_close


def _refuse_infinity(chunk: SeriesChunk, columns: tuple[Column, ...], first_row: int) -> None:
    for heading, column in zip(chunk.columns, columns, strict=True):
        if column.type is not DataType.FLOAT:
            continue
        infinite = np.isinf(column.values) if column.valid is None else np.isinf(column.values) & column.valid
        if infinite.any():
            row = int(np.argmax(infinite))
            value = "+Inf" if column.values[row] > 0 else "-Inf"
            tags = ",".join(f"{key}={text}" for key, text in (chunk.tags or {}).items())
            time = f" ({rfc3339(columns[0].values[row : row + 1])[0]})" if columns[0].type is DataType.TIME else ""
            raise ExecutionError(
                f"json: unsupported value: {value} in column {heading!r}, row {first_row + row + 1}{time} of series "
                f"{chunk.name!r}{' {' + tags + '}' if tags else ''}; ask for CSV or MessagePack, which can write it"
            )
