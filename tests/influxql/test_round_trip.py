"""Printing and reading are inverse to each other, for whatever tree the parser can make."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from influxish.influxql import ast, format_node, parse, parse_expression
from tests.influxql import strategies

relaxed = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(strategies.statements())
def test_parse_of_print_is_the_identity(statement: ast.Statement) -> None:
    text = format_node(statement, show_passwords=True)
    (again,) = parse(text)
    assert again == statement
    assert hash(again) == hash(statement)
    assert repr(again) == repr(statement)
    assert format_node(again, show_passwords=True) == text


@relaxed
@given(strategies.conditions(3))
def test_parse_of_printed_expression_is_the_identity(expression: ast.Expression) -> None:
    assert parse_expression(format_node(expression)) == expression


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(strategies.statements(), max_size=4))
def test_statements_can_be_joined_by_semicolons(batch: list[ast.Statement]) -> None:
    assert parse("; ".join(format_node(statement, show_passwords=True) for statement in batch)) == batch
