"""Every kind of statement: read, printed in its canonical form, and read again."""

from __future__ import annotations

import pytest

from influxish.influxql import ast, format_node, manage, parse, show
from influxish.influxql.ast import (
    BinaryExpr,
    BoundParameter,
    Call,
    IntegerLiteral,
    Measurement,
    RegexLiteral,
    Select,
    VarRef,
)
from influxish.influxql.parser import parse_expression
from influxish.types import DataType, Span
from tests.influxql.cases import read_pairs

CASES = [(query, query if canonical == "=" else canonical) for query, canonical in read_pairs("statements.txt")]


@pytest.mark.parametrize(("query", "canonical"), CASES)
def test_statement_prints_in_canonical_form(query: str, canonical: str) -> None:
    (statement,) = parse(query)
    assert format_node(statement) == canonical
    assert parse(format_node(statement, show_passwords=True)) == [statement]


@pytest.mark.parametrize(("query", "canonical"), CASES)
def test_case_of_keywords_does_not_matter(query: str, canonical: str) -> None:
    spelled = "".join(
        piece.lower() if piece.upper() in ("SELECT", "FROM", "WHERE", "SHOW", "ON") else piece
        for piece in _words(query)
    )
    assert format_node(parse(spelled)[0]) == canonical


def _words(text: str) -> list[str]:
    pieces = [""]
    for character in text:
        if character == " " or pieces[-1] == " ":
            pieces.append("")
        pieces[-1] += character
    return pieces


def test_every_statement_of_the_language_has_a_case() -> None:
    kinds = {
        cls
        for module in (ast, show, manage)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, ast.Statement)
    }
    kinds = {cls for cls in kinds if not cls.__subclasses__()}
    assert {type(parse(query)[0]) for query, _ in CASES} == kinds


def test_empty_statements_are_skipped() -> None:
    assert parse("") == parse(" ; ;; -- nothing\n") == []
    assert len(parse(";SELECT a FROM b;;SELECT c FROM d;")) == 2


def test_operators_bind_as_influxdb_binds_them() -> None:
    a, b, c = VarRef("a"), VarRef("b"), VarRef("c")
    assert parse_expression("a - b - c") == BinaryExpr("-", BinaryExpr("-", a, b), c)
    assert parse_expression("a | b & c") == BinaryExpr("|", a, BinaryExpr("&", b, c))
    assert parse_expression("a = b + c") == BinaryExpr("=", a, BinaryExpr("+", b, c))
    assert parse_expression("a OR b AND c") == BinaryExpr("OR", a, BinaryExpr("AND", b, c))
    assert parse_expression("a ^ b % c") == BinaryExpr("^", a, BinaryExpr("%", b, c))


def test_sign_of_a_name_is_a_multiplication_that_binds_tightest() -> None:
    minus_v = BinaryExpr("*", IntegerLiteral(-1), VarRef("v"))
    assert parse_expression("-v") == minus_v
    assert parse_expression("a / -v") == BinaryExpr("/", VarRef("a"), minus_v)
    assert parse_expression("a / -v") != parse_expression("a / -1 * v")


def test_slash_divides_where_no_regex_may_stand() -> None:
    (statement,) = parse("SELECT a / b / c, /re/ FROM /m/ WHERE a =~ /x/ AND b / c > 1 GROUP BY /t/")
    assert isinstance(statement, Select)
    assert [type(field.expression) for field in statement.fields] == [BinaryExpr, RegexLiteral]
    assert statement.sources == (Measurement(regex=RegexLiteral("m")),)


def test_bound_parameters_stay_when_no_values_are_given() -> None:
    (statement,) = parse('SELECT v FROM m WHERE a = $a AND b = $"b c"')
    assert [node.name for node in statement.walk() if isinstance(node, BoundParameter)] == ["a", "b c"]


def test_nodes_know_where_they_stood() -> None:
    text = "SELECT mean(v) AS m, -w FROM db.rp.cpu WHERE host = 'a b' AND x::float > 1h GROUP BY time(1m) fill(0)"
    (statement,) = parse(text)

    def texts(kind: type[ast.AstNode]) -> list[str]:
        return [text[node.span.start : node.span.stop] for node in statement.walk() if isinstance(node, kind)]

    assert statement.span == Span(0, len(text))
    assert texts(ast.Field) == ["mean(v) AS m", "-w"]
    assert texts(Call) == ["mean(v)", "time(1m)"]
    assert texts(VarRef) == ["v", "w", "host", "x::float"]
    assert texts(ast.Measurement) == ["db.rp.cpu"]
    assert texts(ast.StringLiteral) == ["'a b'"]
    assert texts(ast.Fill) == ["fill(0)"]
    assert texts(BinaryExpr)[0] == "-w"
    assert texts(BinaryExpr)[1] == "host = 'a b' AND x::float > 1h"


def test_spans_take_no_part_in_equality() -> None:
    assert parse("SELECT v FROM m") == parse("SELECT   v   FROM   m")
    assert hash(parse("SELECT v FROM m")[0]) == hash(parse("select v from m")[0])
    assert parse("SELECT v FROM m") != parse("SELECT v FROM n")


def test_casts_have_types() -> None:
    assert parse_expression("v::field") == VarRef("v", DataType.ANY_FIELD)
    assert parse_expression("v::FLOAT") == VarRef("v", DataType.FLOAT)


def test_error_messages_print_expressions_as_influxdb_does() -> None:
    assert format_node(parse_expression("v::float&1")) == "v::float & 1"
    assert format_node(parse_expression("mean(v)")) == "mean(v)"


def test_passwords_are_printed_only_on_demand() -> None:
    (statement,) = parse("CREATE USER u WITH PASSWORD 'hidden'")
    assert "hidden" not in format_node(statement) + repr(statement)
    assert format_node(statement, show_passwords=True) == "CREATE USER u WITH PASSWORD 'hidden'"


def test_trees_made_by_hand_print_with_the_brackets_they_need() -> None:
    a, b, c = VarRef("a"), VarRef("b"), VarRef("c")
    assert format_node(BinaryExpr("*", BinaryExpr("+", a, b), c)) == "(a + b) * c"
    assert format_node(BinaryExpr("-", a, BinaryExpr("-", b, c))) == "a - (b - c)"
