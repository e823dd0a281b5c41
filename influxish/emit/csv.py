"""Answers as InfluxDB 1.x writes them in CSV: columns name, tags, then those of the answer; a blank line and a new
header where the columns change.

Unlike the server's, an error is written too, under a header `error`; times are RFC 3339 unless an epoch is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from influxish.emit.cells import CellStyle, cell_texts
from influxish.emit.chunks import checked_chunks, checked_results, pieces
from influxish.emit.series import StatementResult
from influxish.emit.times import time_texts


def write_csv(results: Iterable[StatementResult], *, epoch: str = "") -> Iterator[bytes]:
    """The answers as UTF-8 CSV, piece by piece; lines end with a line feed.

    Args:
        results: one per statement. An error that breaks one off is written after its rows and stored in its `error`.
        epoch: a name of `types.PRECISIONS` for integer times (the InfluxDB server writes "ns"), "" for RFC 3339.

    Each statement with series starts with a header. No value and NaN are empty cells; floats have no exponent.
    """
    blank = b""
    for result in checked_results(results):
        style = CellStyle(null="", times=time_texts(epoch, result.zone), string=csv_cell, exponents=False)
        header: tuple[str, ...] | None = None
        for chunk in checked_chunks(result):
            if chunk.columns != header:
                header = chunk.columns
                yield blank + f"name,tags,{','.join(map(csv_cell, header))}\n".encode("utf-8", "replace")
                blank = b"\n"
            prefix = f"{csv_cell(chunk.name)},{csv_cell(_tags_text(chunk.tags or {}))},"
            for columns in pieces(chunk):
                cells = [cell_texts(column, style) for column in columns]
                rows = f"\n{prefix}".join(map(",".join, zip(*cells, strict=True)))
                yield f"{prefix}{rows}\n".encode("utf-8", "replace")
        if result.error:
            yield blank + csv_error(result.error)
            blank = b"\n"


def csv_error(message: str) -> bytes:
    """The document for a request that failed as a whole."""
    return f"error\n{csv_cell(message)}\n".encode("utf-8", "replace")


_SPECIAL = re.compile(r'[",\r\n]|^\s')


def csv_cell(text: str) -> str:
    """One cell, in quotes where Go's encoding/csv puts them: around commas, quotes, line ends and leading blanks.

    Not Python's csv module: before 3.13 it leaves a lone carriage return bare when lines end with a line feed.
    """
    if not _SPECIAL.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


_TAG_SPECIAL = re.compile(r"[,= ]")


def _tags_text(tags: Mapping[str, str]) -> str:
    """`key=value` joined by commas, escaped as in line protocol; tags without a value are left out."""
    escaped = ((_TAG_SPECIAL.sub(r"\\\g<0>", key), _TAG_SPECIAL.sub(r"\\\g<0>", value)) for key, value in tags.items())
    return ",".join(f"{key}={value}" for key, value in escaped if value)
