"""Productions of expressions: operators, operands, names, calls, literals, and the signs as InfluxDB treats them.

Source of the rules: influxdata/influxql, Parser.ParseExpr and parseUnaryExpr.
"""

from __future__ import annotations

from influxish.errors import ParseError
from influxish.influxql.ast import (
    DISTINCT,
    BinaryExpr,
    BooleanLiteral,
    BoundParameter,
    Call,
    Distinct,
    DurationLiteral,
    Expression,
    IntegerLiteral,
    NumberLiteral,
    ParenExpr,
    RegexLiteral,
    StringLiteral,
    UnsignedLiteral,
    VarRef,
    Wildcard,
)
from influxish.influxql.grammar.support import MAX_INT64, MAX_UINT64, Production, span_of, to_duration
from influxish.influxql.tokens import STRENGTH, Lexeme
from influxish.regex import compile_regex
from influxish.types import DataType

# Weakest first. The signs need no place here: they are part of an operand.
precedence = (
    ("left", "OR"),
    ("left", "AND"),
    ("left", "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "EQREGEX", "NEQREGEX"),
    ("left", "ADD", "SUB", "BITWISE_OR", "BITWISE_XOR"),
    ("left", "MUL", "DIV", "MOD", "BITWISE_AND"),
)

CASTS = {
    "float": DataType.FLOAT,
    "integer": DataType.INTEGER,
    "unsigned": DataType.UNSIGNED,
    "string": DataType.STRING,
    "boolean": DataType.BOOLEAN,
    "field": DataType.ANY_FIELD,
    "tag": DataType.TAG,
}


def p_expression_operand(p: Production) -> None:
    """expression : operand"""
    p[0] = p[1]


def p_expression_binary(p: Production) -> None:
    """expression : expression OR expression
    | expression AND expression
    | expression EQ expression
    | expression NEQ expression
    | expression LT expression
    | expression LTE expression
    | expression GT expression
    | expression GTE expression
    | expression ADD expression
    | expression SUB expression
    | expression BITWISE_OR expression
    | expression BITWISE_XOR expression
    | expression MUL expression
    | expression DIV expression
    | expression MOD expression
    | expression BITWISE_AND expression
    | expression EQREGEX regex_operand
    | expression NEQREGEX regex_operand
    """
    operator = "!=" if p[2].found == "<>" else p[2].found
    p[0] = _joined(p[1], operator, p[3])


def _joined(left: Expression, operator: str, right: Expression) -> BinaryExpr:
    """`left operator right`, where a stronger operator behind a regular expression takes that as its left side.

    A regular expression is complete for the tables, so in `h =~ /a/ + 1` they see `h =~ /a/` on the left. InfluxDB
    reads `h =~ (/a/ + 1)`.
    """
    span = left.span.to(right.span)
    if isinstance(left, BinaryExpr) and STRENGTH[left.op] < STRENGTH[operator]:
        return BinaryExpr(left.op, left.left, _joined(left.right, operator, right), span=span)
    return BinaryExpr(operator, left, right, span=span)


def p_regex_operand(p: Production) -> None:
    """regex_operand : regex
    | bound_parameter
    """
    p[0] = p[1]


def p_regex(p: Production) -> None:
    """regex : REGEX"""
    lexeme: Lexeme = p[1]
    try:
        compile_regex(str(lexeme.value))
    except ParseError as problem:
        raise p.lexer.error(problem.message, lexeme, positioned=True) from None
    p[0] = RegexLiteral(str(lexeme.value), span=lexeme.span)


def p_operand(p: Production) -> None:
    """operand : parenthesised
    | signed
    | number
    | variable
    | call
    | distinct_call
    | distinct
    | wildcard
    | string
    | boolean
    | bound_parameter
    """
    p[0] = p[1]


def p_parenthesised(p: Production) -> None:
    """parenthesised : LPAREN expression RPAREN"""
    p[0] = ParenExpr(p[2], span=span_of(p))


def p_signed(p: Production) -> None:
    """signed : SUB number
    | ADD number
    | SUB signable
    | ADD signable
    """
    sign = -1 if p[1].found == "-" else 1
    inner: Expression = p[2]
    span = span_of(p)
    match inner:
        case NumberLiteral(value):
            p[0] = NumberLiteral(sign * value, span=span)
        case IntegerLiteral(value):
            p[0] = IntegerLiteral(sign * value, span=span)
        case UnsignedLiteral(value) if sign > 0:
            p[0] = UnsignedLiteral(value, span=span)
        case UnsignedLiteral(value) if value == MAX_INT64 + 1:
            p[0] = IntegerLiteral(-value, span=span)
        case UnsignedLiteral(value):
            raise p.lexer.error(f"constant -{value} underflows int64", Lexeme("", span, ""))
        case DurationLiteral(value):
            p[0] = DurationLiteral(sign * value, span=span)
        case _:
            p[0] = BinaryExpr("*", IntegerLiteral(sign, span=p[1].span), inner, span=span)


def p_signable(p: Production) -> None:
    """signable : parenthesised
    | variable
    | call
    | bound_parameter
    """
    p[0] = p[1]


# --- names --------------------------------------------------------------------------------------------------------


def p_name_first(p: Production) -> None:
    """name : IDENT"""
    p[0] = [p[1]]


def p_name_segment(p: Production) -> None:
    """name : name DOT IDENT
    | name DOT DOT IDENT
    """
    segments: list[Lexeme] = p[1]
    if len(p) == 5:
        segments.append(Lexeme("", p[2].span, ""))
    segments.append(p[len(p) - 1])
    if len(segments) > 3:
        quoted = ".".join(f'"{segment.value}"' if segment.value else "" for segment in segments)
        message = f"too many segments in {quoted} at line 1, char 1"
        raise p.lexer.error(message, Lexeme("", span_of(p), ""))
    p[0] = segments


def p_variable(p: Production) -> None:
    """variable : name
    | name DOUBLECOLON IDENT
    | name DOUBLECOLON FIELD
    | name DOUBLECOLON TAG
    """
    name = ".".join(str(segment.value) for segment in p[1])
    cast = None
    if len(p) == 4:
        cast = CASTS.get(str(p[3].value).lower())
        if cast is None:
            raise p.lexer.unexpected(p[3], ", ".join(CASTS))
    p[0] = VarRef(name, cast, span=span_of(p))


def p_wildcard(p: Production) -> None:
    """wildcard : MUL
    | MUL DOUBLECOLON FIELD
    | MUL DOUBLECOLON TAG
    """
    p[0] = Wildcard(p[3].value.lower() if len(p) == 4 else None, span=span_of(p))


# --- calls ----------------------------------------------------------------------------------------------------------


def p_call(p: Production) -> None:
    """call : IDENT CALL arguments RPAREN
    | FILL CALL arguments RPAREN
    | TZ CALL arguments RPAREN
    """
    p[0] = Call(str(p[1].value).lower(), tuple(p[3]), span=span_of(p))


def p_distinct_call(p: Production) -> None:
    """distinct_call : DISTINCT CALL arguments RPAREN"""
    p[0] = Call(DISTINCT, tuple(p[3]), span=span_of(p))


def p_distinct(p: Production) -> None:
    """distinct : DISTINCT IDENT"""
    p[0] = Distinct(str(p[2].value), span=span_of(p))


def p_arguments_empty(p: Production) -> None:
    """arguments :"""
    p[0] = []


def p_arguments(p: Production) -> None:
    """arguments : argument_list"""
    p[0] = p[1]


def p_argument_first(p: Production) -> None:
    """argument_list : argument"""
    p[0] = [p[1]]


def p_argument_next(p: Production) -> None:
    """argument_list : argument_list COMMA argument"""
    p[1].append(p[3])
    p[0] = p[1]


def p_argument(p: Production) -> None:
    """argument : expression
    | regex
    """
    p[0] = p[1]


# --- literals -------------------------------------------------------------------------------------------------------


def p_number_integer(p: Production) -> None:
    """number : INTEGER"""
    value = int(p[1].value)
    if value <= MAX_INT64:
        p[0] = IntegerLiteral(value, span=p[1].span)
    elif value <= MAX_UINT64:
        p[0] = UnsignedLiteral(value, span=p[1].span)
    else:
        raise p.lexer.error("unable to parse integer", p[1], positioned=True, hint="whole numbers end at 2^64 - 1")


def p_number_decimal(p: Production) -> None:
    """number : NUMBER"""
    if p[1].value == float("inf"):
        raise p.lexer.error("unable to parse number", p[1], positioned=True, hint="numbers end at about 1.8e308")
    p[0] = NumberLiteral(p[1].value, span=p[1].span)


def p_number_duration(p: Production) -> None:
    """number : DURATIONVAL"""
    p[0] = DurationLiteral(to_duration(p, p[1], positioned=False), span=p[1].span)


def p_string(p: Production) -> None:
    """string : STRING"""
    p[0] = StringLiteral(p[1].value, span=p[1].span)


def p_boolean(p: Production) -> None:
    """boolean : TRUE
    | FALSE
    """
    p[0] = BooleanLiteral(p[1].value == "TRUE", span=p[1].span)


def p_bound_parameter(p: Production) -> None:
    """bound_parameter : BOUNDPARAM"""
    p[0] = BoundParameter(p[1].value, span=p[1].span)
