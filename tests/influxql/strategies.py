"""Hypothesis strategies for InfluxQL trees: exactly those that the parser can make.

`statements()` gives any statement, `selects()` a SELECT, `expressions()` an expression, `conditions()` one for WHERE.
"""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from influxish.errors import ParseError
from influxish.influxql import ast, manage, show
from influxish.influxql.tokens import STRENGTH
from influxish.regex import compile_regex
from influxish.types import DataType

INT64 = st.integers(-(2**63), 2**63 - 1)
COUNTS = st.one_of(st.just(0), st.integers(1, 1000), st.just(2**63 - 1))

ARITHMETIC = ("+", "-", "|", "^", "*", "/", "%", "&")
ANY_OPERATOR = ("OR", "AND", "=", "!=", "<", "<=", ">", ">=", "=~", "!~", *ARITHMETIC)
REGEX_OPERATORS = ("=~", "!~")


def texts(min_size: int = 0) -> st.SearchStrategy[str]:
    """Any text that can stand in quotes: InfluxQL cannot write a carriage return."""
    anything = st.characters(exclude_characters="\r", exclude_categories=("Cs",))
    tricky = st.sampled_from(["'", '"', "\\", "\n", "n", "/", "$", " ", ";", "--", "/*", "\x00", "µ"])
    return st.lists(st.one_of(anything, tricky), min_size=min_size, max_size=8).map("".join)


def names(min_size: int = 1) -> st.SearchStrategy[str]:
    """Names: plain ones, keywords, and those that need quotes and escapes."""
    plain = st.sampled_from(["v", "value", "host", "cpu", "time", "Region_1", "_x", "fill", "tz", "verbose"])
    keyword = st.sampled_from(["select", "tag", "FIELD", "end", "inf", "distinct", "true"])
    return st.one_of(plain, plain, keyword, texts(min_size))


@st.composite
def regexes(draw: st.DrawFn) -> ast.RegexLiteral:
    """Regular expressions, slashes and escapes among them."""
    pieces = st.sampled_from(["a", "B", "/", "\\/", "\\d", "\\.", ".", "[a-z/]", "(x|y)", "^", "$", " ", "µ", "\\\\"])
    repeats = st.sampled_from(["", "", "*", "+?", "{2,3}"])
    pattern = "".join(piece + repeat for piece, repeat in draw(st.lists(st.tuples(pieces, repeats), max_size=5)))
    try:
        compile_regex(pattern)
    except ParseError:  # such as a repetition of nothing
        pattern = "a"
    if pattern.endswith("\\"):  # InfluxQL cannot write it: the backslash would escape the closing slash
        pattern += "x"
    return ast.RegexLiteral(pattern)


def literals() -> st.SearchStrategy[ast.Expression]:
    """Numbers of all kinds, texts, booleans, durations."""
    durations = st.one_of(
        st.sampled_from([0, 1, 10**9, 60 * 10**9, 3600 * 10**9, 90 * 60 * 10**9, 7 * 86400 * 10**9]),
        st.integers(-(2**63) + 1, 2**63 - 1),
    )
    return st.one_of(
        st.builds(ast.IntegerLiteral, INT64),
        st.builds(ast.UnsignedLiteral, st.integers(2**63, 2**64 - 1)),
        st.builds(ast.NumberLiteral, st.floats(allow_nan=False, allow_infinity=False)),
        st.builds(ast.StringLiteral, texts()),
        st.builds(ast.BooleanLiteral, st.booleans()),
        st.builds(ast.DurationLiteral, durations),
        st.builds(ast.BoundParameter, names()),
    )


def variables() -> st.SearchStrategy[ast.VarRef]:
    casts = [None, None, DataType.FLOAT, DataType.INTEGER, DataType.UNSIGNED, DataType.STRING, DataType.BOOLEAN]
    return st.builds(ast.VarRef, names(0), st.sampled_from([*casts, DataType.ANY_FIELD, DataType.TAG]))


@st.composite
def calls(draw: st.DrawFn, operators: tuple[str, ...], depth: int) -> ast.Call:
    name = draw(st.one_of(st.sampled_from(["mean", "count", "distinct", "top", "now"]), names()))
    if name != name.lower():
        name = "f"
    args = draw(st.lists(st.one_of(regexes(), expressions(operators, depth - 1)), max_size=3))
    return ast.Call(name, tuple(args))


@st.composite
def operands(draw: st.DrawFn, operators: tuple[str, ...], depth: int) -> ast.Expression:
    leaves: list[st.SearchStrategy[ast.Expression]] = [
        variables(),
        variables(),
        literals(),
        st.builds(ast.Wildcard, st.sampled_from([None, "tag", "field"])),
        st.builds(ast.Distinct, names(0)),
    ]
    if depth <= 0:
        return draw(st.one_of(leaves))
    inner = st.builds(ast.ParenExpr, expressions(operators, depth - 1))
    signable = st.one_of(
        variables(),
        inner,
        st.builds(ast.BoundParameter, names()),
        calls(operators, depth).filter(lambda call: call.name != "distinct"),
    )
    signed = st.builds(lambda sign, part: ast.BinaryExpr("*", ast.IntegerLiteral(sign), part),
                       st.sampled_from([-1, 1]), signable)  # fmt: skip
    return draw(st.one_of(*leaves, inner, calls(operators, depth), signed))


@st.composite
def expressions(draw: st.DrawFn, operators: tuple[str, ...] = ARITHMETIC, depth: int = 2) -> ast.Expression:
    """Expressions over the operators, shaped by their strength as the parser shapes them."""
    output = [draw(operands(operators, depth))]
    waiting: list[str] = []

    def close(strength: int) -> None:
        while waiting and STRENGTH[waiting[-1]] >= strength:
            right = output.pop()
            output.append(ast.BinaryExpr(waiting.pop(), output.pop(), right))

    for _ in range(draw(st.integers(0, 3)) if depth > 0 else 0):
        operator = draw(st.sampled_from(operators))
        close(STRENGTH[operator])
        waiting.append(operator)
        output.append(draw(regexes() if operator in REGEX_OPERATORS else operands(operators, depth - 1)))
    close(0)
    return output[0]


def conditions(depth: int = 2) -> st.SearchStrategy[ast.Expression]:
    """What can stand behind WHERE."""
    return expressions(ANY_OPERATOR, depth)


# --- the parts of SELECT ----------------------------------------------------------------------------------------------


def measurements(*, qualified: bool = True) -> st.SearchStrategy[ast.Measurement]:
    qualifiers = st.one_of(st.just(""), names()) if qualified else st.just("")
    return st.one_of(
        st.builds(ast.Measurement, qualifiers, qualifiers, names(0)),
        st.builds(ast.Measurement, qualifiers, qualifiers, st.just(""), regexes()),
    )


def targets() -> st.SearchStrategy[ast.Target]:
    qualifiers = st.one_of(st.just(""), names())
    named = st.builds(ast.Measurement, qualifiers, qualifiers, names())
    same = st.builds(ast.Measurement, qualifiers, qualifiers)
    return st.one_of(st.builds(ast.Target, named), st.builds(ast.Target, same, st.just(True)))


def tuples_of(
    parts: st.SearchStrategy[ast.AstNode], min_size: int = 0, max_size: int = 3
) -> st.SearchStrategy[tuple[ast.AstNode, ...]]:
    return st.lists(parts, min_size=min_size, max_size=max_size).map(tuple)


def fields() -> st.SearchStrategy[ast.Field]:
    return st.builds(ast.Field, st.one_of(regexes(), expressions()), st.one_of(st.just(""), names()))


def dimensions(min_size: int = 0) -> st.SearchStrategy[tuple[ast.AstNode, ...]]:
    time = st.builds(
        lambda width: ast.Call("time", (ast.DurationLiteral(width),)), st.integers(1, 10**12)
    )  # fmt: skip
    parts = st.one_of(time, variables(), regexes(), st.just(ast.Wildcard()), conditions(1))
    return tuples_of(st.builds(ast.Dimension, parts), min_size)


def fills() -> st.SearchStrategy[ast.Fill | None]:
    numbers = st.one_of(INT64, st.floats(allow_nan=False, allow_infinity=False))
    return st.one_of(
        st.none(),
        st.builds(ast.Fill, st.sampled_from(["null", "none", "previous", "linear"])),
        st.builds(ast.Fill, st.just("number"), numbers),
    )


def sort_fields() -> st.SearchStrategy[tuple[ast.AstNode, ...]]:
    return tuples_of(st.builds(ast.SortField, st.sampled_from(["", "time"]), st.booleans()), max_size=1)


@st.composite
def selects(draw: st.DrawFn, depth: int = 1, *, target: bool = True) -> ast.Select:
    """SELECT with any clauses; `depth` bounds the nesting of subqueries, `target` allows INTO."""
    sources: st.SearchStrategy[ast.AstNode] = measurements()
    if depth > 0:
        subqueries = st.builds(ast.SubQuery, st.deferred(lambda: selects(depth - 1, target=False)))
        sources = st.one_of(sources, sources, subqueries)
    return ast.Select(
        fields=draw(tuples_of(fields(), 1)),
        sources=draw(tuples_of(sources, 1)),
        target=draw(st.one_of(st.none(), targets())) if target else None,
        condition=draw(st.one_of(st.none(), conditions())),
        dimensions=draw(dimensions()),
        fill=draw(fills()),
        sort_fields=draw(sort_fields()),
        limit=draw(COUNTS),
        offset=draw(COUNTS),
        slimit=draw(COUNTS),
        soffset=draw(COUNTS),
        timezone=draw(st.sampled_from(["", "", "UTC", "Europe/Berlin", "America/New_York"])),
    )


# --- all statements -------------------------------------------------------------------------------------------------

_SHOW_PARTS = {
    "database": st.one_of(st.just(""), names()),
    "sources": tuples_of(measurements()),
    "source": st.one_of(st.none(), measurements()),
    "condition": st.one_of(st.none(), conditions()),
    "dimensions": dimensions(),
    "sort_fields": sort_fields(),
    "limit": COUNTS,
    "offset": COUNTS,
    "slimit": COUNTS,
    "soffset": COUNTS,
    "exact": st.booleans(),
    "user": names(0),
    "module": texts(),
    "keys": st.one_of(
        st.builds(show.TagKeyFilter, st.sampled_from(["=", "!="]), st.tuples(names(0))),
        st.builds(show.TagKeyFilter, st.just("IN"), st.lists(names(0), min_size=1, max_size=3).map(tuple)),
        st.builds(show.TagKeyFilter, st.sampled_from(["=~", "!~"]), st.just(()), regexes()),
    ),
}


def show_statements() -> st.SearchStrategy[ast.Statement]:
    """Every SHOW statement with any of the clauses it takes."""
    kinds = [
        cls for name, cls in sorted(vars(show).items()) if name.startswith("Show") and cls is not show.ShowCardinality
    ]
    return st.one_of(
        [
            st.builds(kind, **{item.name: _SHOW_PARTS[item.name] for item in dataclasses.fields(kind) if item.compare})
            for kind in kinds
        ]
    )  # fmt: skip


_DURATIONS = st.integers(0, 2**63 - 1)
_MAYBE_DURATION = st.one_of(st.none(), _DURATIONS)
_REPLICATION = st.integers(1, 2**31 - 1)
_MAYBE_REPLICATION = st.one_of(st.none(), _REPLICATION)
_PRIVILEGES = st.sampled_from(["READ", "WRITE", "ALL PRIVILEGES"])


@st.composite
def continuous_queries(draw: st.DrawFn) -> manage.CreateContinuousQuery:
    select = draw(selects(0, target=False))
    interval = draw(st.integers(1, 10**12))
    every = draw(st.one_of(st.just(0), st.integers(1, 10**12)))
    longest = max(interval, every)
    by_time = ast.Dimension(ast.Call("time", (ast.DurationLiteral(interval),)))
    source = ast.Select(
        select.fields, select.sources, draw(targets()), select.condition, (by_time, *select.dimensions), select.fill
    )
    horizon = draw(st.one_of(st.just(0), st.integers(longest, 10**13)))
    return manage.CreateContinuousQuery(draw(names(0)), draw(names(0)), source, every, horizon)


@st.composite
def policy_changes(draw: st.DrawFn) -> manage.AlterRetentionPolicy:
    duration, shard = draw(_MAYBE_DURATION), draw(_MAYBE_DURATION)
    replication, default = draw(_MAYBE_REPLICATION), draw(st.booleans())
    default = default or duration is replication is shard is None
    return manage.AlterRetentionPolicy(draw(names(0)), draw(names(0)), duration, replication, shard, default)


def managing_statements() -> st.SearchStrategy[ast.Statement]:
    """Every statement that changes something."""
    name = names(0)
    plain = measurements(qualified=False)
    maybe_condition = st.one_of(st.none(), conditions())
    modes = st.sampled_from(["ALL", "ANY"])
    urls = st.lists(texts(), min_size=1, max_size=2).map(tuple)
    uint64 = st.integers(0, 2**64 - 1)
    policies = st.one_of(st.none(), name)
    return st.one_of(
        st.builds(manage.CreateDatabase, name, _MAYBE_DURATION, _MAYBE_REPLICATION, _MAYBE_DURATION, policies),
        st.builds(manage.CreateRetentionPolicy, name, name, _DURATIONS, _REPLICATION, _MAYBE_DURATION, st.booleans()),
        policy_changes(),
        continuous_queries(),
        st.builds(manage.CreateSubscription, name, name, name, modes, urls),
        st.builds(manage.CreateUser, name, texts(), st.booleans()),
        st.builds(manage.DropContinuousQuery, name, name),
        st.builds(manage.DropDatabase, name),
        st.builds(manage.DropMeasurement, name),
        st.builds(manage.DropRetentionPolicy, name, name),
        st.builds(manage.DropSeries, tuples_of(plain, 1), maybe_condition),
        st.builds(manage.DropSeries, st.just(()), conditions()),
        st.builds(manage.DropShard, uint64),
        st.builds(manage.DropSubscription, name, name, name),
        st.builds(manage.DropUser, name),
        st.builds(manage.Delete, tuples_of(plain, 1), maybe_condition),
        st.builds(manage.Delete, st.just(()), conditions()),
        st.builds(manage.Grant, _PRIVILEGES, name, name),
        st.builds(manage.GrantAdmin, name),
        st.builds(manage.Revoke, _PRIVILEGES, name, name),
        st.builds(manage.RevokeAdmin, name),
        st.builds(manage.SetPassword, name, texts()),
        st.builds(manage.KillQuery, uint64, names(0)),
    )


def statements() -> st.SearchStrategy[ast.Statement]:
    """Any statement of the language."""
    explains = st.builds(ast.Explain, selects(), st.booleans(), st.booleans())
    return st.one_of(selects(), selects(), explains, show_statements(), managing_statements())
