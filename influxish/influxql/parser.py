"""Tokens into a tree: PLY's LALR machine on the shipped tables, and the words for what it cannot read.

The tables are loaded at the first parse, never built (`tools/build_parser_tables.py` builds them). Each parse has its
own machine and token stream, so threads may parse at the same time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from influxish.errors import ParseError
from influxish.influxql.ast import Expression, Statement
from influxish.influxql.grammar.expected import expected_text
from influxish.influxql.lexer import TokenStream
from influxish.influxql.tokens import KEYWORDS, Lexeme

_prototype: Any = None


def parse(
    text: str, params: Mapping[str, object] | None = None, look: Callable[[], None] | None = None
) -> list[Statement]:
    """The statements of a text, without the empty ones between semicolons.

    Args:
        text: InfluxQL.
        params: values for `$name` wherever a name, number, string, duration or regular expression may stand, in the
            forms of InfluxDB 1.8 (see `parameters.convert`). Without it bound parameters in expressions stay in the
            tree as `BoundParameter`, for `bind` to replace.
        look: called every few microseconds; what it raises ends the parse.

    Raises:
        ParseError: with InfluxDB's text where it has one, and the place.

    >>> [statement.limit for statement in parse("SELECT v FROM cpu LIMIT 1;;")]
    [1]
    """
    statements: list[Statement] = _run(text, "START_STATEMENTS", params, look)
    return statements


def parse_expression(text: str, params: Mapping[str, object] | None = None) -> Expression:
    """The expression that the whole text is, such as a condition. Arguments and errors are those of `parse`."""
    expression: Expression = _run(text, "START_EXPRESSION", params)
    return expression


def _run(text: str, start: str, params: Mapping[str, object] | None, look: Callable[[], None] | None = None) -> Any:
    machine = copy.copy(_machine())
    stream = TokenStream(text, start, params, look)

    def fail(token: Any) -> None:
        raise _syntax_error(stream, machine, token)

    machine.errorfunc = fail
    try:
        return machine.parse(lexer=stream)
    finally:
        machine.token = machine.errorfunc = machine.statestack = machine.symstack = None  # no circle to collect


def _machine() -> Any:
    """PLY's parser with the shipped tables; made once, copied for each parse."""
    global _prototype
    if _prototype is None:
        from ply import yacc

        from influxish.influxql.grammar import tables
        from influxish.influxql.grammar.query import PRODUCTIONS

        loaded = yacc.LRTable()
        loaded.lr_action, loaded.lr_goto = _by_state(tables.ACTIONS), _by_state(tables.GOTOS)
        productions = [line.split() for line in tables.PRODUCTIONS.strip().splitlines()]
        loaded.lr_productions = [
            yacc.MiniProduction(name, name, int(length), None if function == "None" else function, "", 0)
            for name, length, function in productions
        ]
        loaded.bind_callables(PRODUCTIONS)
        _prototype = yacc.LRParser(loaded, None)  # two threads at once would merely do it twice
    return _prototype


def _by_state(table: str) -> dict[int, dict[str, int]]:
    """A table of `tables.py`, lines of `SYMBOL state:target state:target …` that may go on indented, by state."""
    rows: dict[int, dict[str, int]] = {}
    symbol = ""
    for word in table.split():
        state, _, target = word.partition(":")
        if target:
            rows.setdefault(int(state), {})[symbol] = int(target)
        else:
            symbol = word
    return rows


# --- errors -------------------------------------------------------------------------------------------------------


def _syntax_error(stream: TokenStream, machine: Any, token: Any) -> ParseError:
    acceptable = {
        terminal for terminal in machine.action[machine.state] if _accepts(machine, machine.statestack, terminal)
    }
    expected = expected_text(acceptable)
    if acceptable == {"DOT"} and (gap := stream.gap(token.value if token is not None else None)):
        return stream.unexpected(gap, expected)
    if token is None:
        return stream.unexpected(stream.end(regex_tried="REGEX" in acceptable), expected)
    lexeme: Lexeme = token.value
    if token.type == "BAD" and lexeme.quoted and not lexeme.found:
        return stream.error("bad regex: ", lexeme, positioned=True, hint="close the regular expression with /")
    if token.type == "REGEX":  # InfluxDB looks for one only where it may stand; here it saw a division
        lexeme = Lexeme("/", lexeme.span, "/")
    word = str(lexeme.value).lower()
    if expected == "(, identifier" and stream.text[lexeme.span.start - 1].isspace():
        expected = "identifier"  # the bracket of DISTINCT( would have to follow at once
    if token.type == "IDENT" and word in ("fill", "tz") and word.upper() in acceptable:
        return stream.error(f"{word} must be a function call", lexeme)
    return stream.unexpected(lexeme, expected, _hint(token.type, lexeme, acceptable, stream.text))


def _hint(kind: str, lexeme: Lexeme, acceptable: set[str], text: str) -> str:
    if kind == "BAD" and isinstance(lexeme.value, str):
        if lexeme.value.startswith("string without an end"):
            return f"close the {'string' if lexeme.value[-1] == chr(39) else 'name'} with {lexeme.value[-1]}"
        if lexeme.value.startswith("escape"):
            return "a backslash escapes only \\, n, ' and \""
        if lexeme.value.startswith("comment"):
            return "close the comment with */"
    if kind in KEYWORDS and "IDENT" in acceptable:
        name = text[lexeme.span.start : lexeme.span.stop]
        return f'{kind} is a keyword; as a name it needs double quotes: "{name}"'
    return ""


def _accepts(machine: Any, stack: list[int], terminal: str) -> bool:
    """Whether the machine with this stack of states would, after the reductions it may need, shift `terminal`."""
    states = list(stack)
    while True:
        action = machine.action[states[-1]].get(terminal)
        if action is None:
            return False
        if action >= 0:  # 0: accept
            return True
        production = machine.productions[-action]
        if production.len:
            del states[-production.len :]
        states.append(machine.goto[states[-1]][production.name])
