"""WHERE of the statements that tell the schema: what an index of series, which holds no values, makes of a condition.

Rules observed on InfluxDB 1.6.7; they differ from statement to statement, and from those of SELECT.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from influxish.compiler.conditions import Clock, split_condition
from influxish.errors import CompileError
from influxish.functions.expression import (
    FALSE,
    TRUE,
    Arithmetic,
    Comparison,
    Expression,
    Literal,
    Logical,
    Match,
    Reference,
)
from influxish.influxql import ast
from influxish.regex import compile_regex
from influxish.statements.spelling import begins_with_time, folded, with_names_first
from influxish.types import DataType, TimeRange

NAME, TAG_KEY = "_name", "_tagKey"
_SYSTEM = (NAME, TAG_KEY, "_fieldKey", "_seriesKey", "_tagValue")
"""What stands for a part of the schema where a tag would stand."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on what an index holds, and the time range around it.

    Attributes:
        condition: without its bounds on time; None when there is none.
        timed: whether the text bounds the time, with the word on the left.
    """

    condition: Expression | None
    time_range: TimeRange
    timed: bool

    @staticmethod
    def read(node: ast.Expression | None, *, names_first: bool = False) -> Where:
        """Read a condition.

        Args:
            names_first: comparisons that do not begin with a name, as `'a' = host`, are compared with nothing known.
        Raises:
            CompileError: a condition that is none, or a bound on time that is none.
        """
        simple = node and folded(node)
        simple = simple and (with_names_first(simple) if names_first else simple)
        condition, time_range = split_condition(simple, Clock(time.time_ns()))
        return Where(None if condition is None else _reduced(condition), time_range, begins_with_time(node))

    def check_operators(self, *, arithmetic: bool = True) -> None:
        """Raises: CompileError: an index is asked for more than equality and patterns, and `arithmetic` if allowed."""
        pending = [] if self.condition is None else [self.condition]
        while pending:
            node = pending.pop()
            compares = isinstance(node, Comparison) and node.op not in ("=", "!=")
            if compares or (isinstance(node, Arithmetic) and not arithmetic):
                raise CompileError("invalid tag comparison operator", span=node.span, hint="tags take =, !=, =~ and !~")
            pending.extend(reversed(node.operands()))

    def check_some(self) -> None:
        """Raises: CompileError: nothing can meet the condition. It is the server's error for it."""
        if self.condition == FALSE:
            raise CompileError("&influxql.BooleanLiteral{Val:false}", span=self.condition.span)

    def check_texts(self, system: str) -> None:
        """Raises: CompileError: a system name, such as `_name`, is compared with something other than a text."""
        pending = [] if self.condition is None else [self.condition]
        while pending:
            node = pending.pop()
            if isinstance(node, Logical):
                pending.extend(reversed(node.terms))
            elif isinstance(node, Comparison) and not _takes_text(node):
                subject = _subject(node)
                if subject is not None and subject.name == system:
                    raise CompileError(f"right side of '{node.op}' must be a tag value string", span=node.span)

    def of_tags(self, name: str, fields: Collection[str], *, unknown: bool, selected: bool = True) -> Expression | None:
        """The condition on the tags of one measurement; None when there is none.

        Args:
            name: the measurement.
            fields: its fields.
            unknown: what a comparison of anything but a tag with a text is taken for.
            selected: whether the server makes a SELECT of the statement, which knows no system names.
        """
        if self.condition is None:
            return None
        return _Tags(name, fields, unknown, selected).of(self.condition)

    def of_rows(self, key: str) -> Expression | None:
        """The condition on the tags of a series where one of its tag keys is looked at; None when there is none.

        It is read as one of a SELECT is: what is missing compares with nothing, not even as different.
        """
        return None if self.condition is None else _of_rows(self.condition, key)

    def about(self, system: str) -> Where:
        """Only what it says of one system name, such as `_name`; other comparisons vanish."""
        return replace(self, condition=_kept(self.condition, lambda reference: reference.name == system))

    def beyond(self, *systems: str) -> Where:
        """Without what it says of these system names."""
        return replace(self, condition=_kept(self.condition, lambda reference: reference.name not in systems))

    def meets(self, text: str) -> bool:
        """Whether a text stands up to a condition `about` one system name."""
        return self.condition is None or _meets(self.condition, text)


def _reduced(node: Expression) -> Expression:
    """Without `AND true` and `OR false`, and what they decide."""
    if not isinstance(node, Logical):
        return node
    neutral, deciding = (TRUE, FALSE) if node.op == "AND" else (FALSE, TRUE)
    terms = [term for term in map(_reduced, node.terms) if term != neutral]
    if deciding in terms:
        return deciding
    if len(terms) < 2:
        return terms[0] if terms else neutral
    return replace(node, terms=tuple(terms))


def _kept(node: Expression | None, wanted: Callable[[Reference], bool]) -> Expression | None:
    if isinstance(node, Logical):
        terms = tuple(term for term in (_kept(term, wanted) for term in node.terms) if term is not None)
        return replace(node, terms=terms) if len(terms) > 1 else (terms[0] if terms else None)
    subject = None if node is None else _subject(node)
    return node if subject is not None and wanted(subject) else None


def _subject(node: Expression) -> Reference | None:
    match node:
        case Comparison(left=Reference() as reference) | Match(operand=Reference() as reference):
            return reference
    return None


def _takes_text(node: Expression) -> bool:
    """Whether it compares with a text or a pattern."""
    match node:
        case Match() | Comparison(op="=" | "!=", right=Literal(value=str())):
            return True
    return False


def _meets(node: Expression, text: str) -> bool:
    match node:
        case Logical(op=op, terms=terms):
            return (all if op == "AND" else any)(_meets(term, text) for term in terms)
        case Comparison(op="=" | "!=" as op, right=Literal(value=str() as value)):
            return (text == value) == (op == "=")
        case Match(pattern=pattern, negated=negated):
            return (compile_regex(pattern).search(text) is not None) != negated
    return True


@dataclass(frozen=True, slots=True)
class _Tags:
    """Turns a condition into one on the tags of a measurement."""

    name: str
    fields: Collection[str]
    unknown: bool
    selected: bool

    def of(self, node: Expression) -> Expression:
        match node:
            case Logical(terms=terms):
                return replace(node, terms=tuple(map(self.of, terms)))
            case Literal() | Comparison(left=Literal(), right=Literal()):
                return node
            case Comparison() | Match():
                return self._comparison(node)
        return self._verdict(self.unknown)

    def _comparison(self, node: Comparison | Match) -> Expression:
        key = _subject(node)
        if key is None or self._is_field(key):
            return self._verdict(self.unknown)
        other = node.right if isinstance(node, Comparison) else None
        if key.name == NAME and not isinstance(other, Reference):
            return self._verdict(_meets(node, self.name) if _takes_text(node) else self.unknown)
        if any(name in _SYSTEM and name != NAME for name in self._dropped(key, other)):
            return TRUE
        tag = Reference(key.name, type=DataType.TAG, span=key.span)
        match node:
            case Match():
                return replace(node, operand=tag)
            case Comparison(op="=" | "!=", right=Literal(value=str())):
                return replace(node, left=tag)
            case Comparison(op="=" | "!=" as op, right=Reference() as other) if not self._is_field(other):
                return self._two_tags(op, tag, Reference(other.name, type=DataType.TAG, span=other.span))
        return self._verdict(self.unknown)

    def _dropped(self, key: Reference, other: Expression | None) -> Sequence[str]:
        """Names of which one that is a system name makes the comparison mean nothing."""
        return (key.name, other.name) if self.selected and isinstance(other, Reference) else (key.name,)

    def _two_tags(self, op: str, left: Reference, right: Reference) -> Expression:
        """An index intersects the series that have either tag, or takes those of one from the other's.

        Read as values they are equal where both are there and are the same.
        """
        if self.unknown:
            has_left, has_right = _compared("!=", left), _compared("!=" if op == "=" else "=", right)
            return Logical("AND", (has_left, has_right), type=DataType.BOOLEAN)
        alike = Comparison(op, left, right, type=DataType.BOOLEAN)
        both = _compared("!=" if op == "=" else "=", left)
        return Logical("AND" if op == "=" else "OR", (alike, both), type=DataType.BOOLEAN)

    def _is_field(self, reference: Reference) -> bool:
        return reference.name in self.fields and reference.cast is not DataType.TAG

    @staticmethod
    def _verdict(verdict: bool) -> Expression:
        return TRUE if verdict else FALSE


def _of_rows(node: Expression, key: str) -> Expression:
    match node:
        case Logical(terms=terms):
            return replace(node, terms=tuple(_of_rows(term, key) for term in terms))
        case Literal() | Comparison(left=Literal(), right=Literal()):
            return node
        case Comparison(op=op, left=Literal() as left, right=Reference() as right):
            return _of_rows(Comparison(op, right, left, type=DataType.BOOLEAN), key)
        case Comparison(left=Reference(name=name), right=Reference(name=other)) if TAG_KEY in (name, other):
            return TRUE if name == other and node.op == "=" else FALSE
    subject = _subject(node)
    if subject is None or not _takes_value(node):
        return FALSE
    if subject.name == TAG_KEY:
        return TRUE if _meets(node, key) else FALSE
    if subject.name in _SYSTEM:
        return FALSE
    tags = [Reference(subject.name, type=DataType.TAG, span=subject.span)]
    if isinstance(node, Match):
        found: Expression = replace(node, operand=tags[0])
    else:
        assert isinstance(node, Comparison)
        if isinstance(node.right, Reference):
            tags.append(Reference(node.right.name, type=DataType.TAG, span=node.right.span))
        found = replace(node, left=tags[0], right=tags[-1] if len(tags) > 1 else node.right)
    present = tuple(_compared("!=", tag) for tag in tags)
    return Logical("AND", (*present, found), type=DataType.BOOLEAN)


def _takes_value(node: Expression) -> bool:
    """Whether it compares with a text, a pattern, or another tag."""
    match node:
        case Comparison(op="=" | "!=", right=Reference(name=name)):
            return name not in _SYSTEM
    return _takes_text(node)


def _compared(op: str, tag: Reference) -> Expression:
    return Comparison(op, tag, Literal("", type=DataType.STRING), type=DataType.BOOLEAN)
