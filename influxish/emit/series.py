"""What the writers write: series of rows under named columns, in chunks, one result for each statement.

Still columnar: values become Python objects only in a writer, or when a caller iterates rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from influxish.batch import Column


@dataclass(frozen=True, slots=True, eq=False)
class SeriesChunk:
    """Some consecutive rows of one series of an answer.

    Attributes:
        name: the measurement's, or "" where the answer has none (SHOW SERIES).
        tags: GROUP BY tag → value in the order of the tag keys, "" for a missing tag; None without GROUP BY tags.
        columns: headings; in the answer of a SELECT the first is the time.
        values: one column of (rows,) for each heading. Times are of type TIME, int64 ns. Invalid and NaN are null.
        partial: more rows of this same series follow in the next chunk.
    """

    name: str
    tags: Mapping[str, str] | None
    columns: tuple[str, ...]
    values: tuple[Column, ...]
    partial: bool = False

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.values[0]) if self.values else 0


@dataclass(slots=True, eq=False)
class StatementResult:
    """The answer to one statement of a request, to be iterated once.

    Attributes:
        statement_id: its place in the request, from 0.
        chunks: lazily made; iterating may raise an InfluxishError part-way.
        zone: time zone in which times are shown; "" is UTC.
        messages: (level, text) notes for the caller.
        error: what stopped the statement before it had an answer; "" for none.
    """

    statement_id: int
    chunks: Iterable[SeriesChunk] = ()
    zone: str = ""
    messages: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""
