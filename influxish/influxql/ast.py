"""The abstract syntax tree of InfluxQL: immutable, comparable, each node knowing where in the text it stood.

Equality ignores spans, so that parse(print(tree)) == tree is a fair question. No node knows how to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal

from influxish.types import NOWHERE, DataType, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class AstNode:
    """Anything the parser makes. `span` is where it stood in the text; it takes no part in equality."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def children(self) -> Iterator[AstNode]:
        """The nodes directly inside this one, in the order of the fields."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, AstNode):
                yield value
            elif isinstance(value, tuple):
                yield from (element for element in value if isinstance(element, AstNode))

    def walk(self) -> Iterator[AstNode]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children():
            yield from child.walk()


# --- expressions -----------------------------------------------------------------------------------------------


class Expression(AstNode):
    """What can stand in a select list, a condition or an argument."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class VarRef(Expression):
    """A field, a tag or `time`; `type` is the cast after `::`, if there is one (ANY_FIELD for `::field`)."""

    name: str
    type: DataType | None = None


@dataclass(frozen=True, slots=True)
class Wildcard(Expression):
    """`*`, `*::tag` or `*::field`."""

    kind: Literal["tag", "field"] | None = None


@dataclass(frozen=True, slots=True)
class RegexLiteral(Expression):
    """`/pattern/`; the pattern is kept unescaped (`\\/` in the text is `/` here), RE2 syntax."""

    pattern: str


@dataclass(frozen=True, slots=True)
class NumberLiteral(Expression):
    """A number with a decimal point."""

    value: float


@dataclass(frozen=True, slots=True)
class IntegerLiteral(Expression):
    """A number without a decimal point, within int64."""

    value: int


@dataclass(frozen=True, slots=True)
class UnsignedLiteral(Expression):
    """A whole number above the range of int64, within uint64."""

    value: int


@dataclass(frozen=True, slots=True)
class StringLiteral(Expression):
    """Text in single quotes, unescaped."""

    value: str


@dataclass(frozen=True, slots=True)
class BooleanLiteral(Expression):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class DurationLiteral(Expression):
    """`1h30m` and the like, in nanoseconds."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class BoundParameter(Expression):
    """`$name`, to be replaced by a literal before the statement means anything (see `bind`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`name(args…)`. Names are lower case: InfluxQL folds the case of function names."""

    name: str
    args: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Distinct(Expression):
    """`DISTINCT name` without brackets; means `distinct(name)`."""

    name: str


@dataclass(frozen=True, slots=True)
class BinaryExpr(Expression):
    """`left op right`; `op` as in the text, upper case for AND and OR."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class ParenExpr(Expression):
    """`( expression )`."""

    expression: Expression


# --- the parts of SELECT ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field(AstNode):
    """One entry of the select list."""

    expression: Expression
    alias: str = ""


class Source(AstNode):
    """What can stand after FROM."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Measurement(Source):
    """`database.policy.name`, of which the first two may be missing (""); or a regular expression instead of a name."""

    database: str = ""
    retention_policy: str = ""
    name: str = ""
    regex: RegexLiteral | None = None


@dataclass(frozen=True, slots=True)
class SubQuery(Source):
    """`(SELECT …)` after FROM."""

    statement: Select


@dataclass(frozen=True, slots=True)
class Dimension(AstNode):
    """One entry of GROUP BY: a VarRef, a Wildcard, a RegexLiteral, or the call `time(…)`."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Fill(AstNode):
    """`fill(…)`; `value` only for the option "number"."""

    option: Literal["null", "none", "previous", "linear", "number"] = "null"
    value: float | int | None = None


@dataclass(frozen=True, slots=True)
class SortField(AstNode):
    """One entry of ORDER BY. Only `time` is allowed in SELECT; the name is "" for `ORDER BY ASC|DESC`."""

    name: str
    ascending: bool = True


@dataclass(frozen=True, slots=True)
class Target(AstNode):
    """`INTO` something: a measurement whose name is "" when it stands for `:MEASUREMENT`."""

    measurement: Measurement
    same_name: bool = False


# --- statements -----------------------------------------------------------------------------------------------


class Statement(AstNode):
    """What `;` separates."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Select(Statement):
    """SELECT, with every clause. `limit` and the like are 0 when absent, as `LIMIT 0` means no limit."""

    fields: tuple[Field, ...]
    sources: tuple[Source, ...]
    target: Target | None = None
    condition: Expression | None = None
    dimensions: tuple[Dimension, ...] = ()
    fill: Fill | None = None
    sort_fields: tuple[SortField, ...] = ()
    limit: int = 0
    offset: int = 0
    slimit: int = 0
    soffset: int = 0
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    """EXPLAIN [ANALYZE] SELECT …; [VERBOSE] is accepted as InfluxDB 1.x accepts it."""

    statement: Select
    analyze: bool = False
    verbose: bool = False
