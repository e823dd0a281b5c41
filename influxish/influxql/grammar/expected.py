"""What InfluxDB says it expected where a text goes wrong.

InfluxDB's parser is written by hand: at each place it looks for optional clauses in turn and then names what it
cannot do without. Our tables know every token that could follow; the rows below, in order, say which of them stand
for a place, and what InfluxDB calls it. A place no row describes is listed token by token.

Source of the words: influxdata/influxql 1.x, parser.go and parse_tree.go.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_EXPECTED: Final[tuple[tuple[str, str], ...]] = (
    ("STRING NUMBER LPAREN", "identifier, string, number, bool"),
    ("NUMBER LPAREN", "identifier, number, duration, ("),
    ("SELECT DELETE KILL", "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL"),
    ("$end", ";"),
    ("END", "END"),
    ("RPAREN", ")"),
    ("FROM COMMA", "FROM"),
    ("INTO COMMA", "INTO"),
    ("WITH FROM", "WITH"),
    ("WITH COMMA", "WITH"),
    ("FROM DOT", "FROM"),
    ("FROM WHERE", "FROM, WHERE"),
    ("EQ IN", "IN, =, =~"),
    ("EQ EQREGEX", "=, =~"),
    ("REGEX BOUNDPARAM", "regex"),
    ("REGEX IDENT", "identifier"),
    ("IDENT ASC", "identifier, ASC, DESC"),
    ("IDENT CALL", "(, identifier"),
    ("IDENT FIELD", "float, integer, unsigned, string, boolean, field, tag"),
    ("IDENT COLON", "identifier"),
    ("ANALYZE SELECT", "SELECT"),
    ("BEGIN", "BEGIN"),
    ("ON TO", "ON, TO"),
    ("ON FROM", "ON, FROM"),
    ("READ WRITE", "READ, WRITE, ALL [PRIVILEGES]"),
    ("DURATION NAME", "DURATION, NAME, REPLICATION, SHARD"),
    ("DURATION DEFAULT", "DURATION, REPLICATION, SHARD, DEFAULT"),
    ("DURATIONVAL", "duration"),
    ("DATABASE RETENTION USER SUBSCRIPTION CONTINUOUS SHARD",
     "CONTINUOUS, DATABASE, MEASUREMENT, RETENTION, SERIES, SHARD, SUBSCRIPTION, USER"),
    ("DATABASE RETENTION USER SUBSCRIPTION CONTINUOUS", "CONTINUOUS, DATABASE, USER, RETENTION, SUBSCRIPTION"),
    ("EXACT CARDINALITY", "EXACT, CARDINALITY"),
)  # fmt: skip
_ROWS: Final = tuple((frozenset(witnesses.split()), text) for witnesses, text in _EXPECTED)

_NAMES: Final = {
    "IDENT": "identifier", "STRING": "string", "INTEGER": "integer", "REGEX": "regex", "DOT": ".", "EQ": "=",
    "LPAREN": "(", "RPAREN": ")", "COMMA": ",", "SEMICOLON": ";", "COLON": ":", "CALL": "(",
    "FIELD": "field", "TAG": "tag",
}  # fmt: skip


def expected_text(acceptable: Collection[str]) -> str:
    """InfluxDB's words for a place at which the tokens `acceptable` could follow."""
    for witnesses, text in _ROWS:
        if witnesses.issubset(acceptable):
            return text
    if "KEYS" in acceptable or "DATABASES" in acceptable:  # SHOW …: TAG and FIELD are keywords here, no casts
        return ", ".join(sorted(acceptable))
    return ", ".join(sorted(_NAMES.get(terminal, terminal) for terminal in acceptable))
