"""What the productions share: the shape of PLY's argument, spans, checked numbers and durations."""

from __future__ import annotations

from typing import Any, Protocol

from influxish.influxql.durations import parse_duration
from influxish.influxql.lexer import TokenStream
from influxish.influxql.tokens import Lexeme
from influxish.types import NOWHERE, Span

MAX_INT64 = 2**63 - 1
MAX_UINT64 = 2**64 - 1


class Production(Protocol):
    """PLY's argument to a production: `p[0]` is what it makes, `p[1]…` are its parts, `p.lexer` feeds the parser."""

    lexer: TokenStream

    def __getitem__(self, index: int) -> Any: ...
    def __setitem__(self, index: int, value: object) -> None: ...
    def __len__(self) -> int: ...


def span_of(p: Production) -> Span:
    """From the first part that stands in the text to the last one."""
    spans = [span for index in (*range(1, len(p)),) if (span := _span(p[index])) is not None]
    return spans[0].to(spans[-1]) if spans else NOWHERE


def _span(part: Any) -> Span | None:
    if isinstance(part, list):
        return _span(part[-1]) if len(part) == 1 else _join(part)
    span: Span | None = getattr(part, "span", None)
    return span


def _join(parts: list[Any]) -> Span | None:
    first, last = (_span(parts[0]), _span(parts[-1])) if parts else (None, None)
    return first.to(last) if first and last else None


def to_duration(p: Production, lexeme: Lexeme, *, positioned: bool = True) -> int:
    """Nanoseconds of a DURATIONVAL."""
    if isinstance(lexeme.value, int):
        return lexeme.value
    try:
        return parse_duration(str(lexeme.value))
    except ValueError as problem:
        hint = "a duration is whole numbers with a unit of ns, u, ms, s, m, h, d or w, such as 1h30m"
        raise p.lexer.error(str(problem), lexeme, positioned=positioned, hint=hint) from None


def to_int(p: Production, lexeme: Lexeme, minimum: int, maximum: int) -> int:
    """An INTEGER within bounds."""
    value = int(lexeme.value)
    if not minimum <= value <= maximum:
        raise p.lexer.error(
            f"invalid value {lexeme.found}: must be {minimum} <= n <= {maximum}", lexeme, positioned=True
        )
    return value


def to_uint64(p: Production, lexeme: Lexeme) -> int:
    """An INTEGER within uint64."""
    value = int(lexeme.value)
    if not 0 <= value <= MAX_UINT64:
        problem = "value out of range" if value > 0 else "invalid syntax"
        message = f'strconv.ParseUint: parsing "{lexeme.found}": {problem}'
        raise p.lexer.error(message, lexeme, positioned=True)
    return value
