"""The tokens of InfluxQL: their names, the keywords, and what a token carries to the grammar.

Nothing here reads text; `lexer.py` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from influxish.types import Span

_KEYWORDS = """
    ALL ALTER ANALYZE AND ANY AS ASC BEGIN BY CARDINALITY CONTINUOUS CREATE DATABASE DATABASES DEFAULT DELETE DESC
    DESTINATIONS DIAGNOSTICS DISTINCT DROP DURATION END EVERY EXACT EXPLAIN FALSE FIELD FOR FROM GRANT GRANTS GROUP
    GROUPS IN INF INSERT INTO KEY KEYS KILL LIMIT MEASUREMENT MEASUREMENTS NAME OFFSET ON OR ORDER PASSWORD POLICIES
    POLICY PRIVILEGES QUERIES QUERY READ REPLICATION RESAMPLE RETENTION REVOKE SELECT SERIES SET SHARD SHARDS SHOW
    SLIMIT SOFFSET STATS SUBSCRIPTION SUBSCRIPTIONS TAG TO TRUE USER USERS VALUES WHERE WITH WRITE
"""
KEYWORDS: Final = frozenset(_KEYWORDS.split())
"""Words that are names only in double quotes. Token types of keywords are the keywords themselves."""

OPERATORS: Final = {
    "=": "EQ", "!=": "NEQ", "<>": "NEQ", "<": "LT", "<=": "LTE", ">": "GT", ">=": "GTE", "=~": "EQREGEX",
    "!~": "NEQREGEX", "+": "ADD", "-": "SUB", "|": "BITWISE_OR", "^": "BITWISE_XOR", "*": "MUL", "/": "DIV",
    "%": "MOD", "&": "BITWISE_AND", "(": "LPAREN", ")": "RPAREN", ",": "COMMA", ";": "SEMICOLON", ":": "COLON",
    "::": "DOUBLECOLON", ".": "DOT",
}  # fmt: skip
"""Token type of each operator and punctuation mark."""

STRENGTH: Final = {
    "OR": 1, "AND": 2, "=": 3, "!=": 3, "=~": 3, "!~": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
    "+": 4, "-": 4, "|": 4, "^": 4, "*": 5, "/": 5, "%": 5, "&": 5,
}  # fmt: skip
"""How tightly an operator of `BinaryExpr` binds. All are left associative."""

LITERALS: Final = ("IDENT", "STRING", "INTEGER", "NUMBER", "DURATIONVAL", "REGEX", "BOUNDPARAM")

# `fill(` and `tz(` may follow a complete expression, so they are told from other names here; VERBOSE is a word of its
# own only behind EXPLAIN; CALL is the bracket that follows a name without a gap. BAD is a lexeme of no kind.
CONTEXTUAL: Final = ("FILL", "TZ", "VERBOSE", "CALL", "BAD", "START_STATEMENTS", "START_EXPRESSION")

TOKENS: Final = (*sorted(KEYWORDS), *sorted(set(OPERATORS.values())), *LITERALS, *CONTEXTUAL)


@dataclass(frozen=True, slots=True)
class Lexeme:
    """What a token carries.

    Attributes:
        value: what it means: a name or string without quotes, a number, a duration in ns, a pattern.
        span: where it stands.
        found: how an error message names it.
        quoted: whether it stood in quotes or slashes; InfluxDB reports those one character too early.
    """

    value: str | int | float
    span: Span
    found: str
    quoted: bool = False
