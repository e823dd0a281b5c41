"""Every exception a caller may see, and the renderer that puts a caret under the words at fault.

Each message says what was wrong, where, and what to do. Nothing of influxish is imported here, and numpy is not, so
that a command line can report an error without loading the engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of character offsets [start, stop) in a query's text."""

    start: int
    stop: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))


NOWHERE = Span(0, 0)


class InfluxishError(Exception):
    """Root of what a caller may catch. `str(error)` is the whole user-facing message."""

    code: ClassVar[str] = "internal"


class QueryError(InfluxishError):
    """The text of the query is at fault.

    Attributes:
        message: one line, InfluxDB's wording where it has one.
        query: the whole text of the query ("" when unknown).
        span: the characters at fault.
        hint: what to do, or "".
    """

    code = "bad-query"

    def __init__(self, message: str, *, query: str = "", span: Span = NOWHERE, hint: str = "") -> None:
        self.message, self.query, self.span, self.hint = message, query, span, hint
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message]
        if self.query and self.span is not NOWHERE:
            lines.append(underline(self.query, self.span))
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def located(self, query: str) -> QueryError:
        """The same error, knowing the text its span points into."""
        if not self.query:
            self.query = query
        return self


class ParseError(QueryError):
    """The text is not a statement of the language. `message` is InfluxDB's text without its `error parsing query: `."""

    code = "parse-error"


class CompileError(QueryError):
    """The statement parses but means nothing: a wrong argument, a mix that is not allowed, a type that does not fit."""

    code = "bad-query"


class UnsupportedStatement(QueryError):
    """The statement is understood but this version does not execute it."""

    code = "unsupported"


class NotFound(InfluxishError):
    """A database, retention policy, user or the like that does not exist."""

    code = "not-found"


class ExecutionError(InfluxishError):
    """A sound query could not be finished."""

    code = "execution"


class QueryCancelled(ExecutionError):
    """Somebody cancelled the query."""

    code = "cancelled"


class LimitExceeded(ExecutionError):
    """A query asked for more than it may: time, memory, buckets, series or rows. The message names the limit."""

    code = "limit"

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class WriteError(InfluxishError):
    """Points that cannot be written. `line` counts from 1 within the text that was given, 0 when there is none."""

    code = "bad-write"

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class PartialWrite(WriteError):
    """Some points were refused; all others were written and are as durable as those of a write without error.

    Attributes:
        rejected: (line number or 0, reason) of each refused point, in order.
        written: how many points were written.
    """

    code = "partial-write"

    def __init__(self, message: str, *, rejected: list[tuple[int, str]], written: int) -> None:
        super().__init__(message, line=rejected[0][0] if rejected else 0)
        self.rejected, self.written = rejected, written


class StorageError(InfluxishError):
    """A file cannot be read or written. The message names the file, and the block where one is at fault."""

    code = "storage"


class CorruptData(StorageError):
    """Stored bytes fail their checksum or make no sense. Never served as data."""

    code = "corrupt"


class PlanBug(AssertionError):
    """Our fault, never the user's: a graph that breaks its own rules. Outside the tree above, so nobody hides it."""


def underline(query: str, span: Span) -> str:
    """The line of `query` that `span` starts in, numbered, with carets under the span.

    >>> print(underline("SELECT maen(v)", Span(7, 11)))
    1 | SELECT maen(v)
               ^^^^
    """
    start = min(max(span.start, 0), len(query))
    query, start, stop = _redacted(query, start, max(span.stop, start))
    line_start = query.rfind("\n", 0, start) + 1
    line_stop = query.find("\n", start)
    line_stop = len(query) if line_stop < 0 else line_stop
    number, column = query.count("\n", 0, start) + 1, start - line_start
    text = query[line_start:line_stop].replace("\t", " ")
    width = max(1, min(stop, line_stop) - start)
    if len(text) > 160:  # a megabyte on one line must not flood the screen
        cut = max(0, column - 60)
        text = ("…" if cut else "") + text[cut : cut + 120] + ("…" if cut + 120 < len(text) else "")
        column = column - cut + bool(cut)
        width = min(width, 60)
    prefix = f"{number} | "
    return f"{prefix}{text}\n{' ' * (len(prefix) + column)}{'^' * width}"


_PASSWORD = re.compile(r"\bpassword\b", re.IGNORECASE)
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'?")
_REDACTED = "[REDACTED]"


def _redacted(query: str, start: int, stop: int) -> tuple[str, int, int]:
    """The text without its passwords, and where a part of it stands now. Any string behind PASSWORD may be one."""
    found = _PASSWORD.search(query)
    for string in reversed(list(_STRING.finditer(query, found.end())) if found else []):
        query = f"{query[: string.start()]}{_REDACTED}{query[string.end() :]}"
        longer = string.start() + len(_REDACTED) - string.end()
        if start >= string.end():
            start, stop = start + longer, stop + longer
        elif stop > string.start():
            start, stop = min(start, string.start()), max(stop, string.end()) + longer
    return query, start, stop
