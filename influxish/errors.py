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


_REDACTED = "[REDACTED]"
_NAME = r'(?:"(?:\\.|[^"\\])*"|\w+(?!\w))'
_ABOUT_PASSWORDS = re.compile(r"\bpassword\b|\bcreate\s+user\b|\bwith\s+pas\w*|(?:^|;)\s*set\b", re.IGNORECASE)
_QUOTED = re.compile(r""" "(?:\\.|[^"\\])*"? | (?P<secret>'(?:\\.|[^'\\\n])*'?) """, re.VERBOSE)
_UNQUOTED = re.compile(
    rf"""(?:\bcreate\s+user\s+{_NAME}\s+(?:with\s+)?(?!all\b|with\b)\w+(?!\w)
    | \bwith\s+pas\w*(?!\w)
    | (?:^|;)\s*set\s+\w+\s+(?:for\s+)?(?!for\b){_NAME}(?!\w))
    \s*=?\s*(?P<secret>"(?:\\.|[^"\\])*"?|[^\s'";=]+)""",
    re.VERBOSE | re.IGNORECASE,
)
_IN_URL = re.compile(r"://[^/?#:@\s'\"]{0,300}:(?!\d+[/?#])(?P<secret>[^'\"\n]{0,300})@")  # bounds keep it linear

_URL = re.compile(r"^([A-Za-z]+://[^/?#:@]*|(?![A-Za-z]+://)[^/?#:@]*):(?!\d+[/?#]).*@", re.DOTALL)


def without_password(url: str) -> str:
    """A URL, or what was meant for one, with `[REDACTED]` for a password in it.

    >>> without_password("http://jdoe:secret@host:8086")
    'http://jdoe:[REDACTED]@host:8086'
    """
    return _URL.sub(rf"\1:{_REDACTED}@", url)


def _redacted(query: str, start: int, stop: int) -> tuple[str, int, int]:
    """The text without its passwords, and where a part of it stands now.

    The text is one at fault, so a password may stand where none is read: behind a word that was to be PASSWORD, without
    quotes, or in the wrong ones. Any string behind such a word may be one.
    """
    secrets = [found.span("secret") for pattern in (_UNQUOTED, _IN_URL) for found in pattern.finditer(query)]
    about = _ABOUT_PASSWORDS.search(query)
    if about:
        secrets += [found.span("secret") for found in _QUOTED.finditer(query, about.end()) if found["secret"]]
    merged: list[tuple[int, int]] = []
    for first, end in sorted(secrets):
        if merged and first < merged[-1][1]:
            first, end = merged[-1][0], max(merged.pop()[1], end)
        merged.append((first, end))
    for first, end in reversed(merged):
        query = f"{query[:first]}{_REDACTED}{query[end:]}"
        longer = first + len(_REDACTED) - end
        if start >= end:
            start, stop = start + longer, stop + longer
        elif stop > first:
            start, stop = min(start, first), max(stop, end) + longer
    return query, start, stop
