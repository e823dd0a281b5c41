"""Text into tokens: PLY's rules, and the stream that feeds the parser and knows what a rule cannot.

The stream adds the context: whether a slash opens a regular expression or divides, whether a bracket belongs to the
name before it, which values stand in for `$parameters`. It also words errors as InfluxDB does, positions included.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ply import lex

from influxish.errors import ParseError
from influxish.influxql.parameters import convert
from influxish.influxql.tokens import KEYWORDS, OPERATORS, TOKENS, Lexeme
from influxish.types import Span

MAX_NESTING = 200
"""Brackets may be nested this deep. Deeper is no query anybody wrote, and later stages may recurse."""

# Names PLY looks for in this module: `tokens`, `states`, `t_…`.
tokens = TOKENS
states = (("operand", "inclusive"),)
t_ignore = " \t\n\r"

# Behind these a slash opens a regular expression; everywhere else it divides.
_BEFORE_REGEX = frozenset({"SELECT", "FROM", "COMMA", "CALL", "DOT", "EQREGEX", "NEQREGEX"})
_NAMES = frozenset({"IDENT", "FILL", "TZ", "DISTINCT"})
_MAX_SHOWN = 200  # characters of a token in an error message
_BARE_WORDS = KEYWORDS | {"IDENT", "VERBOSE", "BOUNDPARAM"}
_ESCAPE = re.compile(r"\\(.)")
_PRINTABLE_QUOTED = r"(?:[^{0}\\\n\r]|\\[n\\\"\'])*"


def _set(t: Any, kind: str, value: str | int | float, found: str | None = None, *, quoted: bool = False) -> Any:
    span = Span(t.lexpos, t.lexer.lexpos)
    t.type, t.value = kind, Lexeme(value, span, t.value if found is None else found, quoted)
    return t


def unescape(body: str) -> str:
    """The text between quotes with its escapes `\\n \\\\ \\' \\"` resolved."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], body) if "\\" in body else body


@lex.TOKEN(r"--[^\n\r]*")  # type: ignore[untyped-decorator]
def t_line_comment(t: Any) -> None:
    return None


@lex.TOKEN(r"/\*[\s\S]*?\*/")  # type: ignore[untyped-decorator]
def t_block_comment(t: Any) -> None:
    return None


@lex.TOKEN(r"/\*")  # type: ignore[untyped-decorator]
def t_open_comment(t: Any) -> Any:
    return _set(t, "BAD", "comment without an end", "ILLEGAL")


# As in InfluxDB `\/` is always an escaped slash, even when another backslash stands before it.
@lex.TOKEN(r"/(?!\*)(?:\\/|[^/\\\n\r]|\\(?!/))*/")  # type: ignore[untyped-decorator]
def t_operand_regex(t: Any) -> Any:
    return _set(t, "REGEX", t.value[1:-1].replace("\\/", "/"), quoted=True)


@lex.TOKEN(r"/(?!\*)")  # type: ignore[untyped-decorator]
def t_operand_open_regex(t: Any) -> Any:
    return _set(t, "BAD", "regular expression without an end", "", quoted=True)


@lex.TOKEN(r"[A-Za-z_][A-Za-z0-9_]*")  # type: ignore[untyped-decorator]
def t_word(t: Any) -> Any:
    upper = t.value.upper()
    return _set(t, upper, upper, upper) if upper in KEYWORDS else _set(t, "IDENT", t.value)


@lex.TOKEN(r"[0-9]+[A-Za-zµ][A-Za-z0-9µ]*")  # type: ignore[untyped-decorator]
def t_duration(t: Any) -> Any:
    return _set(t, "DURATIONVAL", t.value)


@lex.TOKEN(r"[0-9]*\.[0-9]+|[0-9]+\.")  # type: ignore[untyped-decorator]
def t_number(t: Any) -> Any:
    return _set(t, "NUMBER", float(t.value), t.value.removesuffix("."))


@lex.TOKEN(r"[0-9]+")  # type: ignore[untyped-decorator]
def t_integer(t: Any) -> Any:
    # Python refuses to convert thousands of digits; anything past 64 bits is only known to be too much.
    return _set(t, "INTEGER", int(t.value) if len(t.value.lstrip("0")) <= 20 else 10**20)


@lex.TOKEN(rf"'{_PRINTABLE_QUOTED.format(chr(39))}'")  # type: ignore[untyped-decorator]
def t_string(t: Any) -> Any:
    value = unescape(t.value[1:-1])
    return _set(t, "STRING", value, value or "STRING", quoted=True)


@lex.TOKEN(rf'"{_PRINTABLE_QUOTED.format(chr(34))}"')  # type: ignore[untyped-decorator]
def t_quoted_identifier(t: Any) -> Any:
    value = unescape(t.value[1:-1])
    return _set(t, "IDENT", value, value or "IDENT")


@lex.TOKEN(rf'\$(?:"{_PRINTABLE_QUOTED.format(chr(34))}"|[A-Za-z0-9_]+)?')  # type: ignore[untyped-decorator]
def t_bound_parameter(t: Any) -> Any:
    name = t.value[1:]
    return _set(t, "BOUNDPARAM", unescape(name[1:-1]) if name.startswith('"') else name)


@lex.TOKEN("['\"]")  # type: ignore[untyped-decorator]
def t_bad_string(t: Any) -> Any:
    """A quote that no whole string follows: it has no end on its line, or an escape that means nothing."""
    text, start = t.lexer.lexdata, t.lexer.lexpos
    body = re.compile(_PRINTABLE_QUOTED.format(t.value)).match(text, start)
    assert body is not None  # the pattern matches the empty string
    stop = t.lexer.lexpos = body.end()
    if text[stop : stop + 1] == "\\":
        t.lexpos, t.lexer.lexpos = stop + 1, min(stop + 2, len(text))  # InfluxDB points behind the backslash
        return _set(t, "BAD", "escape that means nothing", text[stop : stop + 2])
    return _set(t, "BAD", f"string without an end {t.value}", unescape(body.group()) or "BADSTRING", quoted=True)


@lex.TOKEN(r"=~|!~|!=|<>|<=|>=|::|[-=<>+|^*/%&(),;:.]")  # type: ignore[untyped-decorator]
def t_operator(t: Any) -> Any:
    return _set(t, OPERATORS[t.value], t.value)


def t_error(t: Any) -> Any:
    character = t.value[0]
    t.lexer.skip(1)
    return _set(t, "BAD", "character", character if character.isprintable() else ascii(character)[1:-1])


_prototype: Any = None


def _new_lexer() -> Any:
    """A PLY lexer of one's own. The master expression is compiled once, at the first call."""
    global _prototype
    if _prototype is None:
        _prototype = lex.lex(module=sys.modules[__name__])  # two threads at once would merely do it twice
    return _prototype.clone()


class TokenStream:
    """The tokens of one text, one after the other; what PLY's parser calls its lexer.

    Args:
        text: the query.
        start: the token that goes first and tells the parser what the text should be.
        parameters: values for `$name`; None leaves bound parameters as they are.
        look: called before each token; what it raises ends the parse.
    """

    def __init__(
        self,
        text: str,
        start: str,
        parameters: Mapping[str, object] | None = None,
        look: Callable[[], None] | None = None,
    ) -> None:
        self.text = text
        self._look = look
        self._start: str | None = start
        self._parameters = parameters
        self._lexer = _new_lexer()
        self._lexer.input(text)
        self._previous, self._before_previous, self._stop = "", "", 0
        self._depth = 0
        self._recent: deque[Lexeme] = deque(maxlen=4)

    def token(self) -> Any:
        """The next token, its value a `Lexeme`; None at the end.

        Raises:
            ParseError: brackets are nested too deep, or a bound parameter has no usable value.
        """
        if self._look is not None:
            self._look()
        if self._start is not None:
            token = lex.LexToken()
            token.type, token.value, token.lineno, token.lexpos = self._start, Lexeme("", Span(0, 0), ""), 0, 0
            self._start = None
            return token
        regex_may_follow = self._previous in _BEFORE_REGEX or (
            self._previous == "BY" and self._before_previous == "GROUP"
        )
        self._lexer.begin("operand" if regex_may_follow else "INITIAL")
        token = self._lexer.token()
        if token is None:
            return None
        lexeme: Lexeme = token.value
        token.type = kind = self._kind_in_context(token.type, lexeme)
        if kind == "BOUNDPARAM":
            kind = self._bind(token, lexeme)
        elif kind in ("LPAREN", "CALL"):
            self._depth += 1
            if self._depth > MAX_NESTING:
                raise self.error(f"brackets nested deeper than {MAX_NESTING} levels", lexeme, positioned=True)
        elif kind == "RPAREN":
            self._depth -= 1
        self._before_previous, self._previous, self._stop = self._previous, kind, lexeme.span.stop
        self._recent.append(lexeme)
        return token

    def _kind_in_context(self, kind: str, lexeme: Lexeme) -> str:
        touches = lexeme.span.start == self._stop
        if kind == "LPAREN":
            return "CALL" if touches and self._previous in _NAMES else kind
        if kind in ("DOT", "DOUBLECOLON"):  # parts of a name: no blank before them
            return kind if touches else "BAD"
        if kind == "IDENT":
            word = str(lexeme.value).upper()
            if word in ("FILL", "TZ") and self.text[lexeme.span.stop : lexeme.span.stop + 1] == "(":
                return word
            if word == "VERBOSE" and self._previous in ("EXPLAIN", "ANALYZE"):
                return word
        return kind

    def _bind(self, token: Any, lexeme: Lexeme) -> str:
        name = str(lexeme.value)
        if not name:
            raise self.error("empty bound parameter", lexeme)
        if self._parameters is None:
            return "BOUNDPARAM"
        kind, value, found = convert(name, self._parameters, lexeme.span, self.text)
        token.type, token.value = kind, Lexeme(value, lexeme.span, found)
        return kind

    # --- errors ---------------------------------------------------------------------------------------------

    def end(self, *, regex_tried: bool) -> Lexeme:
        """What stands behind the last token, for an error there.

        InfluxDB counts the end twice after a bare word, after white space, and where it looked for a regular
        expression: its scanner has then read it already.
        """
        stop = len(self.text)
        gap = self.text[self._stop :]
        if gap:
            read_twice = regex_tried or not gap.endswith("*/")
        else:
            bare_word = self._previous in _BARE_WORDS and not self.text.endswith('"')
            read_twice = regex_tried or bare_word
        return Lexeme("", Span(stop, stop + read_twice), "EOF")

    def before(self, lexeme: Lexeme) -> Lexeme:
        """What stands before one of the last few lexemes."""
        recent = list(self._recent)
        return recent[recent.index(lexeme) - 1]

    def gap(self, lexeme: Lexeme | None) -> Lexeme | None:
        """The white space between a name and the token behind it, where InfluxDB takes none; None if there is none."""
        start = lexeme.span.start if lexeme is not None else len(self.text)
        before = self.text[:start].rstrip()
        return Lexeme("", Span(len(before), start), self.text[len(before) : start]) if len(before) < start else None

    def error(self, message: str, lexeme: Lexeme, *, positioned: bool = False, hint: str = "") -> ParseError:
        """The error `message` about `lexeme`, with InfluxDB's ` at line …, char …` if `positioned`."""
        if positioned:
            line, char = self.position(lexeme)
            message = f"{message} at line {line}, char {char}"
        return ParseError(message, query=self.text, span=lexeme.span, hint=hint)

    def unexpected(self, lexeme: Lexeme, expected: str, hint: str = "") -> ParseError:
        """`found X, expected Y at line L, char C`."""
        found = lexeme.found if len(lexeme.found) <= _MAX_SHOWN else f"{lexeme.found[:_MAX_SHOWN]}…"
        return self.error(f"found {found}, expected {expected}", lexeme, positioned=True, hint=hint)

    def position(self, lexeme: Lexeme) -> tuple[int, int]:
        """Line and character as InfluxDB counts them, both from 1; a quoted token counts from one before its quote."""
        at_end = lexeme.span.start == len(self.text)
        offset = lexeme.span.stop if at_end else max(lexeme.span.start - lexeme.quoted, 0)
        before = self.text[:offset].replace("\r\n", "\n").replace("\r", "\n")
        overhang = max(offset - len(self.text), 0)
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1 + overhang
