"""Compiling needs no storage: statements become graphs with open symbols, or errors with a caret."""

from __future__ import annotations

import pytest

from influxish import influxql
from influxish.compiler.select import compile_select
from influxish.errors import CompileError
from influxish.influxql import ast
from influxish.plan.render import to_text

NOW = 1_600_000_000_000_000_000


def graph_of(text: str) -> str:
    (select,) = influxql.parse(text)
    assert isinstance(select, ast.Select)
    graph = compile_select(select, now=NOW).graph
    graph.check()
    return to_text(graph)


def error_of(text: str) -> str:
    with pytest.raises(CompileError) as caught:
        graph_of(text)
    return str(caught.value.located(text))


def test_one_call_is_one_edge_from_the_table_to_the_root() -> None:
    assert graph_of("SELECT count(value) FROM cpu") == "emit\n└── count(value)\n    └── table cpu"


def test_every_field_has_its_edge_and_the_table_is_one_node() -> None:
    assert graph_of("SELECT mean(a), max(b) FROM cpu WHERE host = 'x'") == (
        "emit\n"
        "├── mean(a)\n"
        "│   └── filter host = 'x'  (#1)\n"
        "│       └── table cpu\n"
        "└── max(b)\n"
        "    └── see #1: filter host = 'x'"
    )


def test_the_same_call_is_made_once() -> None:
    assert graph_of("SELECT max(a), max(a) + 1 FROM cpu").count("table cpu") == 1


def test_wildcards_stay_open() -> None:
    assert graph_of("SELECT mean(*) FROM cpu GROUP BY *") == "emit\n└── open mean(*)\n    └── table cpu by *"


def test_bounds_on_time_leave_the_condition() -> None:
    text = graph_of("SELECT a FROM cpu WHERE a > 1 AND time >= '2020-01-01' AND time < '2020-01-02'")
    assert "filter a > 1\n" in text
    assert "table cpu from 2020-01-01T00:00:00Z until 2020-01-02T00:00:00Z" in text


def test_a_query_by_time_without_an_upper_bound_ends_now() -> None:
    assert "until 2020-09-13T12:26:40.000000001Z" in graph_of("SELECT mean(a) FROM cpu GROUP BY time(1m)")
    assert "until" not in graph_of("SELECT mean(a) FROM cpu")


def test_a_subquery_takes_over_range_buckets_and_dimensions() -> None:
    text = graph_of(
        "SELECT max(m) FROM (SELECT mean(a) AS m FROM cpu) WHERE time >= '2020-01-01' GROUP BY time(1h), host"
    )
    assert "table cpu by host from 2020-01-01T00:00:00Z" in text
    assert "subquery m by host" in text


def test_ten_thousand_conditions_need_no_deep_stack() -> None:
    terms = " OR ".join(f"host = '{i}'" for i in range(2_000))
    assert graph_of(f"SELECT a FROM cpu WHERE {terms}").count("OR") == 1_999


def test_an_error_points_at_the_words() -> None:
    assert error_of("SELECT maen(usage) FROM cpu") == (
        "undefined function maen()\n1 | SELECT maen(usage) FROM cpu\n           ^^^^^^^^^^^\nhint: did you mean mean()?"
    )
    assert error_of("SELECT mean(a) FROM cpu\nWHERE time > 'x'").splitlines()[:3] == [
        "invalid operation: time and *influxql.StringLiteral are not compatible",
        "2 | WHERE time > 'x'",
        "                 ^^^",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT mean(*) + 1 FROM cpu", "unsupported expression with wildcard: mean()"),
        ("SELECT * + 1 FROM cpu", "unable to use wildcard in a binary expression"),
        ("SELECT 1 + 2 FROM cpu", "field must contain at least one variable"),
        ("SELECT mean(a) FROM cpu GROUP BY host(1)", "only time() calls allowed in dimensions"),
        ("SELECT mean(a) FROM cpu GROUP BY time", "time() is a function and expects at least one argument"),
        ("SELECT a FROM cpu fill(linear)", "fill(linear) must be used with a function"),
        ("SELECT top(mean(a), 3) FROM cpu", "expected first argument to be a field in top(), found mean(a)"),
        ("SELECT distinct(a, b) FROM cpu", "distinct function can only have one argument"),
    ],
)
def test_errors_in_the_words_of_the_server(text: str, message: str) -> None:
    assert error_of(text).splitlines()[0] == message


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT {' + '.join(['a'] * 5_000)} FROM cpu",
        f"SELECT a FROM cpu WHERE {' + '.join(['a'] * 5_000)} > 1",
        f"SELECT a FROM cpu WHERE time > {' + '.join(['1s'] * 5_000)}",
    ],
    ids=["field", "condition", "time"],
)
def test_long_arithmetic_is_refused_not_a_crash(text: str) -> None:
    assert "more than 200 deep" in error_of(text)


def test_two_hundred_operators_pass() -> None:
    assert "project" in graph_of(f"SELECT {' + '.join(['a'] * 199)} FROM cpu")
