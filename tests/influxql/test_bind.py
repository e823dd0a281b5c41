"""Bound parameters: replaced in the tree by `bind`, or in the text by `parse(text, params)`."""

from __future__ import annotations

import numpy as np
import pytest

from influxish.errors import ParseError
from influxish.influxql import bind, format_node, parse, parse_expression
from influxish.influxql.ast import NumberLiteral
from influxish.types import Span

VALUES = [
    (1.5, "1.5"),
    (7, "7"),
    (-7, "-7"),
    (2**63, "9223372036854775808"),
    (True, "true"),
    ("it's", r"'it\'s'"),
    ("", "''"),
    ({"string": "x"}, "'x'"),
    ({"float": 2}, "2.0"),
    ({"number": 2.5}, "2.5"),
    ({"integer": 2}, "2"),
    ({"duration": "1h30m"}, "90m"),
    ({"duration": 1_000}, "1u"),
    ({"identifier": "a b"}, '"a b"'),
    ({"ident": "v"}, "v"),
    (np.int64(3), "3"),
    (np.float64(3), "3.0"),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_parameter_becomes_a_literal(value: object, text: str) -> None:
    query = "SELECT v FROM m WHERE v > $x"
    expected = parse(f"SELECT v FROM m WHERE v > {text}")
    assert [bind(statement, {"x": value}) for statement in parse(query)] == expected
    assert parse(query, {"x": value}) == expected


def test_regex_parameter_follows_a_regex_operator() -> None:
    query, params = "SELECT v FROM m WHERE h =~ $re AND h !~ $re", {"re": {"regex": "^a/b$"}}
    assert format_node(bind(parse(query)[0], params)) == r"SELECT v FROM m WHERE h =~ /^a\/b$/ AND h !~ /^a\/b$/"
    assert parse(query, params) == [bind(parse(query)[0], params)]


def test_parameters_of_a_parse_stand_for_names_and_counts_too() -> None:
    query = "SELECT $f, mean($f) FROM $m WHERE a = $a GROUP BY time($d), $t fill($fill) LIMIT $n tz($z)"
    params = {
        "f": {"identifier": "my field"},
        "m": {"regex": "^cpu"},
        "a": "x",
        "d": {"duration": "5m"},
        "t": {"identifier": "host"},
        "fill": 0,
        "n": 10,
        "z": "UTC",
    }
    assert format_node(parse(query, params)[0]) == (
        'SELECT "my field", mean("my field") FROM /^cpu/ '
        "WHERE a = 'x' GROUP BY time(5m), host fill(0) LIMIT 10 TZ('UTC')"
    )


def test_bound_text_cannot_break_out() -> None:
    attack = "x'; DROP DATABASE d; --"
    (statement,) = parse("SELECT v FROM m WHERE h = $h", {"h": attack})
    assert parse(format_node(statement)) == [statement]
    (statement,) = parse("SELECT v FROM $m", {"m": {"identifier": 'a"; DROP DATABASE d; --'}})
    assert parse(format_node(statement)) == [statement]


def test_regex_from_a_parameter_may_end_in_a_backslash_and_prints_readable() -> None:
    (statement,) = parse("SELECT v FROM m WHERE h =~ $h", {"h": {"regex": r"a\\"}})
    assert format_node(statement) == r"SELECT v FROM m WHERE h =~ /a[\\]/"
    assert len(parse(format_node(statement))) == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "missing parameter: x"),
        ({"x": None}, "parameter x: unable to bind value with type NoneType"),
        ({"x": [1]}, "parameter x: unable to bind value with type list"),
        ({"x": 2**64}, "parameter x: integer literal must be an integer value of 64 bits"),
        ({"x": float("nan")}, "parameter x: number literal must be a finite float value"),
        ({"x": {"regex": 1}}, "parameter x: regex literal must be a string value"),
        ({"x": {"duration": "x"}}, "parameter x: invalid duration"),
        ({"x": {"what": 1}}, "parameter x: unknown bind object type: what"),
        ({"x": {}}, "parameter x: bound object parameter value must have exactly one entry"),
    ],
)
def test_unusable_parameter_is_named_with_its_place(params: dict[str, object], message: str) -> None:
    query = "SELECT v FROM m WHERE v > $x"
    for attempt in (lambda: parse(query, params), lambda: bind(parse(query)[0], params, query=query)):
        with pytest.raises(ParseError) as caught:
            attempt()
        assert (caught.value.message, caught.value.query, caught.value.span) == (message, query, Span(26, 28))


def test_text_does_not_do_for_a_regex() -> None:
    query = "SELECT v FROM m WHERE h =~ $h"
    with pytest.raises(ParseError, match="found a, expected regex"):
        parse(query, {"h": "a"})
    with pytest.raises(ParseError, match="no regular expression"):
        bind(parse(query)[0], {"h": "a"})
    with pytest.raises(ParseError, match="missing closing"):
        bind(parse(query)[0], {"h": {"regex": "("}})


def test_negative_count_is_refused() -> None:
    with pytest.raises(ParseError, match="LIMIT must be >= 0"):
        parse("SELECT v FROM m LIMIT $n", {"n": -1})


def test_untouched_parts_are_shared() -> None:
    (statement,) = parse("SELECT v FROM m WHERE a = 1")
    assert bind(statement, {"unused": 1}) is statement


def test_an_expression_can_be_bound() -> None:
    assert bind(parse_expression("$x"), {"x": 1.0}) == NumberLiteral(1.0)
