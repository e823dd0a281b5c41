"""WHERE of the statements that tell the schema: what an index of series, which holds no values, makes of a condition.

Rules observed on InfluxDB 1.6.7; they differ from statement to statement, and from those of SELECT.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
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
from influxish.types import DataType, TimeRange

NAME, TAG_KEY = "_name", "_tagKey"
_SYSTEM = (NAME, TAG_KEY, "_fieldKey", "_seriesKey", "_tagValue")
"""What stands for a part of the schema where a tag would stand."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on what an index holds, and the time range around it.

    Attributes:
        condition: without its bounds on time; None when there is none.
        timed: whether the text bounds the time.
    """

    condition: Expression | None
    time_range: TimeRange
    timed: bool

    @staticmethod
    def read(node: ast.Expression | None) -> Where:
        """Raises: CompileError: a condition that is none, or a bound on time that is none."""
        condition, time_range = split_condition(node, Clock(0))
        return Where(None if condition is None else _reduced(condition), time_range, mentions_time(node))

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

    def check_names(self) -> None:
        """Raises: CompileError: the name of the measurement is compared with something other than a text."""
        pending = [] if self.condition is None else [self.condition]
        while pending:
            node = pending.pop()
            if isinstance(node, Logical):
                pending.extend(reversed(node.terms))
            elif isinstance(node, Comparison) and not _takes_text(node):
                subject = _subject(node)
                if subject is not None and subject.name == NAME:
                    raise CompileError(f"right side of '{node.op}' must be a tag value string", span=node.span)

    def of_tags(self, name: str, fields: Collection[str], *, unknown: bool) -> Expression | None:
        """The condition on the tags of one measurement; None when there is none.

        Args:
            name: the measurement.
            fields: its fields.
            unknown: what a comparison of anything but a tag with a text is taken for.
        """
        if self.condition is None:
            return None
        return _Tags(name, fields, unknown).of(self.condition)

    def about(self, system: str) -> Where:
        """Only what it says of one system name, such as `_name`; other comparisons vanish."""
        return replace(self, condition=_kept(self.condition, lambda reference: reference.name == system))

    def beyond(self, *systems: str) -> Where:
        """Without what it says of these system names."""
        return replace(self, condition=_kept(self.condition, lambda reference: reference.name not in systems))

    def meets(self, text: str) -> bool:
        """Whether a text stands up to a condition `about` one system name."""
        return self.condition is None or _meets(self.condition, text)


def mentions_time(node: ast.Expression | None) -> bool:
    """Whether a condition compares the time."""
    return node is not None and any(isinstance(part, ast.VarRef) and _is_time(part) for part in node.walk())


def _is_time(node: ast.VarRef) -> bool:
    return node.name.lower() == "time" and node.type is None


def check_left_sides(node: ast.Expression | None) -> None:
    """Raises: CompileError: a comparison does not begin with the name of a tag."""
    for part in node.walk() if node is not None else ():
        if isinstance(part, ast.BinaryExpr) and part.op in ("=", "!=", "<>", "=~", "!~"):
            right_is_time = isinstance(part.right, ast.VarRef) and _is_time(part.right)
            if not isinstance(part.left, ast.VarRef) and not right_is_time:
                raise wrong_left(part)


def wrong_left(node: ast.BinaryExpr) -> CompileError:
    """The error of a comparison that does not begin with the name of a tag."""
    op = "!=" if node.op == "<>" else node.op
    return CompileError(f"left side of '{op}' must be a tag key", span=node.left.span)


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
        if key.name == NAME:
            return self._verdict(_meets(node, self.name) if _takes_text(node) else self.unknown)
        if key.name in _SYSTEM:
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


def _compared(op: str, tag: Reference) -> Expression:
    return Comparison(op, tag, Literal("", type=DataType.STRING), type=DataType.BOOLEAN)
