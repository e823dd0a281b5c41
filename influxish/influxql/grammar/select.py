"""Productions of SELECT and EXPLAIN, and of the clauses that other statements share with them.

Source of the rules: influxdata/influxql, Parser.parseSelectStatement.
"""

from __future__ import annotations

from influxish.influxql.ast import (
    BinaryExpr,
    Dimension,
    Explain,
    Expression,
    Field,
    Fill,
    IntegerLiteral,
    Measurement,
    NumberLiteral,
    Select,
    SortField,
    StringLiteral,
    SubQuery,
    Target,
    VarRef,
)
from influxish.influxql.grammar.support import MAX_INT64, Production, span_of
from influxish.influxql.tokens import Lexeme
from influxish.influxql.zones import is_zone

_CONDITION_OPERATORS = frozenset({"=", "!=", "=~", "!~", "<", "<=", ">", ">=", "AND", "OR"})
_FILL_WORDS = ("null", "none", "previous", "linear")


def p_select(p: Production) -> None:
    """select : select_without_target
    | select_into
    """
    p[0] = p[1]


def p_select_without_target(p: Production) -> None:
    """select_without_target : SELECT fields select_tail"""
    p[0] = Select(tuple(p[2]), span=span_of(p), **p[3].clauses)


def p_select_into(p: Production) -> None:
    """select_into : SELECT fields INTO target select_tail"""
    p[0] = Select(tuple(p[2]), target=p[4], span=span_of(p), **p[5].clauses)


class SelectTail:
    """Everything of a SELECT from FROM on, on its way to the node."""

    __slots__ = ("clauses", "span")

    def __init__(self, p: Production) -> None:
        self.span = span_of(p)
        self.clauses = {
            "sources": tuple(p[2]),
            "condition": p[3],
            "dimensions": tuple(p[4]),
            "fill": p[5],
            "sort_fields": tuple(p[6]),
            "limit": count_of(p[7]),
            "offset": count_of(p[8]),
            "slimit": count_of(p[9]),
            "soffset": count_of(p[10]),
            "timezone": str(p[11].value) if p[11] else "",
        }


def p_select_tail(p: Production) -> None:
    """select_tail : FROM sources where group_by fill order_by limit offset slimit soffset timezone"""
    p[0] = SelectTail(p)


def p_explain(p: Production) -> None:
    """explain : EXPLAIN select
    | EXPLAIN ANALYZE select
    | EXPLAIN VERBOSE select
    | EXPLAIN ANALYZE VERBOSE select
    """
    words = {str(p[index].value).upper() for index in range(2, len(p) - 1)}
    p[0] = Explain(p[len(p) - 1], analyze="ANALYZE" in words, verbose="VERBOSE" in words, span=span_of(p))


# --- the select list ------------------------------------------------------------------------------------------------


def p_fields_first(p: Production) -> None:
    """fields : field"""
    p[0] = [p[1]]


def p_fields_next(p: Production) -> None:
    """fields : fields COMMA field"""
    p[1].append(p[3])
    p[0] = p[1]


def p_field(p: Production) -> None:
    """field : expression alias
    | regex alias
    """
    expression: Expression = p[1]
    for node in expression.walk():
        if isinstance(node, BinaryExpr) and node.op in _CONDITION_OPERATORS:
            quoted = any(
                isinstance(part, StringLiteral) and part.span.start == expression.span.start
                for part in expression.walk()
            )
            where = Lexeme("", expression.span, "", quoted)
            line, char = p.lexer.position(where)
            message = f"invalid operator {node.op} in SELECT clause at line {line}, char {char}; "
            raise p.lexer.error(message + "operator is intended for WHERE clause", where)
    p[0] = Field(expression, str(p[2].value) if p[2] else "", span=span_of(p))


def p_alias(p: Production) -> None:
    """alias :
    | AS IDENT
    """
    p[0] = p[2] if len(p) == 3 else None


# --- sources and targets --------------------------------------------------------------------------------------------


def p_target(p: Production) -> None:
    """target : name
    | name DOT COLON MEASUREMENT
    | name DOT DOT COLON MEASUREMENT
    """
    names = [str(segment.value) for segment in p[1]]
    same_name = len(p) > 2
    names += [""] * (len(p) - 4 if same_name else 0)
    if len(names) > 3:
        raise p.lexer.unexpected(p[2], "FROM")
    database, policy, name = ["", "", *names][-3:]
    measurement = Measurement(database, policy, name, span=span_of(p))
    p[0] = Target(measurement, same_name, span=measurement.span)


def p_sources_first(p: Production) -> None:
    """sources : source"""
    p[0] = [p[1]]


def p_sources_next(p: Production) -> None:
    """sources : sources COMMA source"""
    p[1].append(p[3])
    p[0] = p[1]


def p_source(p: Production) -> None:
    """source : measurement
    | subquery
    """
    p[0] = p[1]


def p_subquery(p: Production) -> None:
    """subquery : LPAREN select_without_target RPAREN"""
    p[0] = SubQuery(p[2], span=span_of(p))


def p_measurement(p: Production) -> None:
    """measurement : name"""
    database, policy, name = ["", "", *(str(segment.value) for segment in p[1])][-3:]
    p[0] = Measurement(database, policy, name, span=span_of(p))


def p_measurement_regex(p: Production) -> None:
    """measurement : regex
    | name DOT regex
    | name DOT DOT regex
    """
    names = [str(segment.value) for segment in p[1]] if len(p) > 2 else []
    names += [""] * (len(p) == 5)
    if len(names) > 2:
        raise p.lexer.unexpected(Lexeme("/", p[len(p) - 1].span, "/"), ";")
    database, policy = ["", "", *names][-2:]
    p[0] = Measurement(database, policy, "", p[len(p) - 1], span=span_of(p))


# --- clauses --------------------------------------------------------------------------------------------------------


def p_where(p: Production) -> None:
    """where :
    | WHERE expression
    """
    p[0] = p[2] if len(p) == 3 else None


def p_group_by(p: Production) -> None:
    """group_by :
    | GROUP BY dimensions
    """
    p[0] = p[3] if len(p) == 4 else []


def p_dimensions_first(p: Production) -> None:
    """dimensions : dimension"""
    p[0] = [p[1]]


def p_dimensions_next(p: Production) -> None:
    """dimensions : dimensions COMMA dimension"""
    p[1].append(p[3])
    p[0] = p[1]


def p_dimension(p: Production) -> None:
    """dimension : expression
    | regex
    """
    p[0] = Dimension(p[1], span=p[1].span)


def p_fill(p: Production) -> None:
    """fill :
    | FILL CALL arguments RPAREN
    """
    if len(p) == 1:
        p[0] = None
        return
    span, arguments = span_of(p), p[3]
    if len(arguments) != 1:
        message = "fill requires an argument, e.g.: 0, null, none, previous, linear"
        raise p.lexer.error(message, Lexeme("", span, ""))
    match arguments[0]:
        case VarRef(name=word, type=None) if word in _FILL_WORDS:
            p[0] = Fill(word, span=span)  # type: ignore[arg-type]
        case IntegerLiteral(value) | NumberLiteral(value):
            p[0] = Fill("number", value, span=span)
        case other:
            hint = "fill() takes null, none, previous, linear (lower case) or a number"
            raise p.lexer.error("expected number argument in fill()", Lexeme("", other.span, ""), hint=hint)


def p_order_by(p: Production) -> None:
    """order_by :
    | ORDER BY first_sort_field
    | ORDER BY first_sort_field more_sort_fields
    """
    p[0] = [p[3]] if len(p) > 1 else []
    named_otherwise = len(p) > 1 and p[3].name not in ("", "time")
    if len(p) == 5 or named_otherwise:
        where = Lexeme("", (p[3] if named_otherwise else p[4][0]).span, "")
        raise p.lexer.error("only ORDER BY time supported at this time", where)


def p_first_sort_field(p: Production) -> None:
    """first_sort_field : direction
    | sort_field
    """
    p[0] = SortField("", p[1].found == "ASC", span=p[1].span) if isinstance(p[1], Lexeme) else p[1]


def p_more_sort_fields(p: Production) -> None:
    """more_sort_fields : COMMA sort_field
    | more_sort_fields COMMA sort_field
    """
    p[0] = [p[2]] if len(p) == 3 else p[1]


def p_sort_field(p: Production) -> None:
    """sort_field : IDENT
    | IDENT direction
    """
    p[0] = SortField(str(p[1].value), len(p) == 2 or p[2].found == "ASC", span=span_of(p))


def p_direction(p: Production) -> None:
    """direction : ASC
    | DESC
    """
    p[0] = p[1]


def p_counts(p: Production) -> None:
    """limit :
    | LIMIT INTEGER
    offset :
    | OFFSET INTEGER
    slimit :
    | SLIMIT INTEGER
    soffset :
    | SOFFSET INTEGER
    """
    p[0] = None
    if len(p) == 3:
        if int(p[2].value) < 0:  # only a bound parameter can be
            raise p.lexer.error(f"{p[1].found} must be >= 0", p[2], positioned=True)
        p[0] = p[2]


def count_of(lexeme: Lexeme | None) -> int:
    """What LIMIT and the like say; 0 when absent. Beyond int64 there is nothing to limit (InfluxDB clips, too)."""
    return min(int(lexeme.value), MAX_INT64) if lexeme else 0


def p_timezone(p: Production) -> None:
    """timezone :
    | TZ CALL arguments RPAREN
    """
    if len(p) == 1:
        p[0] = None
        return
    arguments = p[3]
    if len(arguments) != 1:
        raise p.lexer.error("tz requires exactly one argument", Lexeme("", span_of(p), ""))
    if not isinstance(arguments[0], StringLiteral):
        raise p.lexer.error("expected string argument in tz()", Lexeme("", arguments[0].span, ""))
    zone = arguments[0].value
    if not is_zone(zone):
        hint = "zones have names such as 'Europe/Berlin' or 'UTC'"
        raise p.lexer.error(f"unable to find time zone {zone}", Lexeme("", arguments[0].span, ""), hint=hint)
    p[0] = Lexeme(zone, span_of(p), "")
