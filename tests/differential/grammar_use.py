"""Which productions of the grammar a text uses: what the questions never use is not compared with the real server."""

from __future__ import annotations

import copy
from collections import Counter
from contextlib import suppress
from typing import Any

from influxish.errors import ParseError
from influxish.influxql import parser
from influxish.influxql.lexer import TokenStream
from tests.differential.questions import Question
from tools.build_parser_tables import grammar


class GrammarUse:
    """Counts, for each production, how many texts use it.

    Attributes:
        productions: all of them as they are written, in the order of the grammar.
        texts: production → how many texts used it.
    """

    def __init__(self) -> None:
        self.productions = [str(production) for production in grammar().Productions[1:]]
        self.texts: Counter[str] = Counter()

    def add(self, question: Question) -> None:
        """Count the productions of one text; of one with a fault, those that came before it."""
        self.texts.update(self.productions[number - 1] for number in _reductions(question))

    def unused(self) -> list[str]:
        """The productions that no text used."""
        return [written for written in self.productions if not self.texts[written]]


def _reductions(question: Question) -> set[int]:
    """The numbers of the productions that the parser reduces by."""
    machine = copy.copy(parser._machine())
    used: set[int] = set()
    machine.productions = [_Noted(production, number, used) for number, production in enumerate(machine.productions)]
    stream = TokenStream(question.text, "START_STATEMENTS", None, None)

    def fail(token: Any) -> None:
        raise ParseError("not InfluxQL")

    machine.errorfunc = fail
    with suppress(ParseError):  # some questions are wrong on purpose
        machine.parse(lexer=stream)
    return used


class _Noted:
    """A production that notes its number when it is reduced by."""

    def __init__(self, production: Any, number: int, used: set[int]) -> None:
        self.name, self.len = production.name, production.len
        self._production, self._number, self._used = production, number, used

    def callable(self, parts: Any) -> None:
        self._used.add(self._number)
        self._production.callable(parts)
