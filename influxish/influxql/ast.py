"""The abstract syntax tree of InfluxQL: immutable, comparable, each node knowing where in the text it stood.

Equality ignores spans, so that parse(print(tree)) == tree is a fair question. No node knows how to run.
"""

from __future__ import annotations

from typing import Final, Literal

from influxish.influxql.node import AstNode, node
from influxish.types import DataType

# --- expressions -----------------------------------------------------------------------------------------------


class Expression(AstNode):
    """What can stand in a select list, a condition or an argument."""

    __slots__ = ()


@node
class VarRef(Expression):
    """A field, a tag or `time`; `type` is the cast after `::`, if there is one (ANY_FIELD for `::field`)."""

    name: str
    type: DataType | None = None


@node
class Wildcard(Expression):
    """`*`, `*::tag` or `*::field`."""

    kind: Literal["tag", "field"] | None = None


@node
class RegexLiteral(Expression):
    """`/pattern/`; the pattern is kept unescaped (`\\/` in the text is `/` here), RE2 syntax."""

    pattern: str


@node
class NumberLiteral(Expression):
    """A number with a decimal point."""

    value: float


@node
class IntegerLiteral(Expression):
    """A number without a decimal point, within int64."""

    value: int


@node
class UnsignedLiteral(Expression):
    """A whole number above the range of int64, within uint64."""

    value: int


@node
class StringLiteral(Expression):
    """Text in single quotes, unescaped."""

    value: str


@node
class BooleanLiteral(Expression):
    """`true` or `false`."""

    value: bool


@node
class DurationLiteral(Expression):
    """`1h30m` and the like, in nanoseconds."""

    nanoseconds: int


@node
class BoundParameter(Expression):
    """`$name`, to be replaced by a literal before the statement means anything (see `bind`)."""

    name: str


DISTINCT: Final = "distinct"
"""The function that the keyword DISTINCT calls."""


@node
class Call(Expression):
    """`name(args…)`. Names are lower case: InfluxQL folds the case of function names."""

    name: str
    args: tuple[Expression, ...] = ()

    @property
    def is_keyword(self) -> bool:
        """Whether the name is a keyword of the language, not one that would need quotes."""
        return self.name == DISTINCT


@node
class Distinct(Expression):
    """`DISTINCT name` without brackets; means `distinct(name)`."""

    name: str

    @property
    def call(self) -> Call:
        """The call that it means."""
        return Call(DISTINCT, (VarRef(self.name, span=self.span),), span=self.span)


@node
class BinaryExpr(Expression):
    """`left op right`; `op` as in the text, upper case for AND and OR."""

    op: str
    left: Expression
    right: Expression


@node
class ParenExpr(Expression):
    """`( expression )`."""

    expression: Expression


# --- the parts of SELECT ------------------------------------------------------------------------------------------


@node
class Field(AstNode):
    """One entry of the select list."""

    expression: Expression
    alias: str = ""


class Source(AstNode):
    """What can stand after FROM."""

    __slots__ = ()


@node
class Measurement(Source):
    """`database.policy.name`, of which the first two may be missing (""); or a regular expression instead of a name."""

    database: str = ""
    retention_policy: str = ""
    name: str = ""
    regex: RegexLiteral | None = None


@node
class SubQuery(Source):
    """`(SELECT …)` after FROM."""

    statement: Select


@node
class Dimension(AstNode):
    """One entry of GROUP BY: a VarRef, a Wildcard, a RegexLiteral, or the call `time(…)`."""

    expression: Expression


@node
class Fill(AstNode):
    """`fill(…)`; `value` only for the option "number"."""

    option: Literal["null", "none", "previous", "linear", "number"] = "null"
    value: float | int | None = None


@node
class SortField(AstNode):
    """One entry of ORDER BY. Only `time` is allowed in SELECT; the name is "" for `ORDER BY ASC|DESC`."""

    name: str
    ascending: bool = True


@node
class Target(AstNode):
    """`INTO` something: a measurement whose name is "" when it stands for `:MEASUREMENT`."""

    measurement: Measurement
    same_name: bool = False


# --- statements -----------------------------------------------------------------------------------------------


class Statement(AstNode):
    """What `;` separates."""

    __slots__ = ()


@node
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


@node
class Explain(Statement):
    """EXPLAIN [ANALYZE] SELECT …; [VERBOSE] is accepted as InfluxDB 1.x accepts it."""

    statement: Select
    analyze: bool = False
    verbose: bool = False
