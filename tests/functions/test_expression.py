"""Expressions over columns: missing values, types that do not fit, and InfluxQL's arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.batch import Column
from influxish.functions import FUNCTIONS, MathFunction
from influxish.functions.expression import (
    FALSE,
    TRUE,
    Arithmetic,
    Comparison,
    Expression,
    Literal,
    Logical,
    Match,
    MathCall,
    Reference,
    all_of,
    conjuncts,
    evaluate,
    holds,
)
from influxish.types import DataType

FLOAT, INTEGER, STRING, BOOLEAN, TAG = (
    DataType.FLOAT,
    DataType.INTEGER,
    DataType.STRING,
    DataType.BOOLEAN,
    DataType.TAG,
)


def column(type: DataType, *items: Any) -> Column:
    """A column; None is a place without a value."""
    valid = np.array([item is not None for item in items])
    values = np.zeros(len(items), type.dtype)
    values[valid] = [item for item in items if item is not None]
    return Column(type, values, None if valid.all() else valid)


COLUMNS = {
    "v": column(FLOAT, 1.0, 2.5, -2.5),
    "i": column(INTEGER, 1, 2, None),
    "j": column(INTEGER, -7, 3, None),
    "s": column(STRING, "x", None, "y"),
    "b": column(BOOLEAN, True, False, None),
    "h": column(TAG, "a", None, "b"),
}
V, K, J, S, B, H = (Reference(name, type=own.type) for name, own in COLUMNS.items())


def number(value: float) -> Literal:
    return Literal(value, type=FLOAT if isinstance(value, float) else INTEGER)


def text(value: str) -> Literal:
    return Literal(value, type=STRING)


def calculated(op: str, left: Expression, right: Expression, type: DataType) -> list[Any]:
    return listed(Arithmetic(op, left, right, type=type))


def listed(expression: Expression) -> list[Any]:
    result = evaluate(expression, COLUMNS, 3)
    assert result.type is expression.type
    assert result.values.dtype == expression.type.dtype
    return [value if there else None for value, there in zip(result.values.tolist(), result.mask, strict=True)]


def chosen(condition: Expression) -> list[bool]:
    mask = holds(condition, COLUMNS, 3)
    assert mask.dtype == np.bool_
    return mask.tolist()


def test_arithmetic_as_observed() -> None:
    assert calculated("/", K, number(2), FLOAT) == [0.5, 1.0, None]
    assert calculated("%", J, number(4), INTEGER) == [-3, 3, None]
    assert calculated("*", K, number(1.5), FLOAT) == [1.5, 3.0, None]
    assert calculated("+", K, J, INTEGER) == [-6, 5, None]
    assert calculated("+", V, K, FLOAT) == [2.0, 4.5, None]
    assert calculated("&", K, number(3), INTEGER) == [1, 2, None]
    assert calculated("|", K, number(8), INTEGER) == [9, 10, None]
    assert calculated("^", K, number(1), INTEGER) == [0, 3, None]
    assert calculated("&", B, TRUE, BOOLEAN) == [True, False, False]


def test_division_by_zero_is_zero_but_the_rest_of_a_float_is_nan() -> None:
    assert calculated("/", K, number(0), FLOAT) == [0.0, 0.0, None]
    assert calculated("/", V, number(0), FLOAT) == [0.0, 0.0, 0.0]
    assert calculated("%", K, number(0), INTEGER) == [0, 0, None]
    assert all(math.isnan(value) for value in calculated("%", V, number(0), FLOAT))


def test_integers_wrap_around() -> None:
    assert calculated("+", number(2**63 - 1), number(1), INTEGER) == [-(2**63)] * 3


def test_constants_fill_all_rows() -> None:
    assert listed(text("x")) == ["x"] * 3
    assert listed(number(2.5)) == [2.5] * 3
    assert chosen(TRUE) == [True] * 3
    assert chosen(FALSE) == [False] * 3


def test_a_missing_field_fails_every_comparison() -> None:
    assert chosen(Comparison("=", S, text("x"))) == [True, False, False]
    assert chosen(Comparison("!=", S, text("x"))) == [False, False, True]
    assert chosen(Comparison("!=", K, number(1))) == [False, True, False]
    assert chosen(Comparison(">", Arithmetic("+", V, K, type=FLOAT), number(0))) == [True, True, False]
    assert chosen(Comparison("=", K, number(1.0))) == [True, False, False]
    assert chosen(Comparison("!=", B, TRUE)) == [False, True, False]


def test_a_missing_tag_is_the_empty_text() -> None:
    assert chosen(Comparison("=", H, text(""))) == [False, True, False]
    assert chosen(Comparison("!=", H, text("a"))) == [False, True, True]
    assert chosen(Match(H, "^$")) == [False, True, False]
    assert chosen(Match(H, "a", negated=True)) == [False, True, True]


def test_a_missing_field_matches_nothing_either_way() -> None:
    assert chosen(Match(S, "x")) == [True, False, False]
    assert chosen(Match(S, "x", negated=True)) == [False, False, True]
    assert chosen(Match(V, "1")) == [False, False, False]
    assert chosen(Match(V, "1", negated=True)) == [False, False, False]


@pytest.mark.parametrize("op", ["=", "!=", "<", "<=", ">", ">="])
def test_types_that_do_not_compare_are_false_and_no_error(op: str) -> None:
    for left, right in [(V, text("1")), (S, number(1)), (B, number(1)), (H, V), (S, B), (text("a"), number(1))]:
        assert chosen(Comparison(op, left, right)) == [False] * 3
        assert chosen(Comparison(op, right, left)) == [False] * 3


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_texts_and_booleans_have_no_order(op: str) -> None:
    for left, right in [(S, text("x")), (H, text("a")), (S, H), (B, TRUE), (text("a"), text("b"))]:
        assert chosen(Comparison(op, left, right)) == [False] * 3


@given(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(-9, 9))
def test_numbers_compare_as_numbers(op: str, limit: int) -> None:
    compare = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[op]
    expected = [getattr(value, compare)(float(limit)) for value in (1.0, 2.5, -2.5)]
    assert chosen(Comparison(op, V, number(limit))) == expected


def test_conditions_join() -> None:
    positive, small = Comparison(">", V, number(0)), Comparison("<", V, number(2))
    assert chosen(Logical("AND", (positive, small), type=BOOLEAN)) == [True, False, False]
    assert chosen(Logical("OR", (positive, small, FALSE), type=BOOLEAN)) == [True, True, True]
    joined = all_of([Logical("AND", (positive, small)), TRUE])
    assert conjuncts(joined) == (positive, small, TRUE)
    assert all_of([]) is None
    assert all_of([small]) is small
    assert conjuncts(None) == ()


def test_ten_thousand_terms_need_no_deep_stack() -> None:
    terms = tuple(Comparison("=", V, number(float(i))) for i in range(10_000))
    assert chosen(Logical("OR", terms, type=BOOLEAN)) == [True, False, False]


@pytest.mark.parametrize(
    ("name", "arguments", "type", "answer"),
    [
        ("sqrt", (K,), FLOAT, [1.0, math.sqrt(2), None]),
        ("pow", (K, number(2)), FLOAT, [1.0, 4.0, None]),
        ("pow", (number(2), J), FLOAT, [2.0**-7, 8.0, None]),
        ("atan2", (K, number(2)), FLOAT, [0.4636476090008061, 0.7853981633974483, None]),
        ("abs", (J,), INTEGER, [7, 3, None]),
        ("round", (V,), FLOAT, [1.0, 3.0, -3.0]),
        ("floor", (V,), FLOAT, [1.0, 2.0, -3.0]),
        ("ceil", (V,), FLOAT, [1.0, 3.0, -2.0]),
    ],
)
def test_maths_in_expressions(name: str, arguments: tuple[Expression, ...], type: DataType, answer: list[Any]) -> None:
    function = FUNCTIONS[name]
    assert isinstance(function, MathFunction)
    assert listed(MathCall(name, arguments, function.kernel, type=type)) == answer


def test_expressions_print_as_they_would_be_written() -> None:
    sum_ = Arithmetic("+", V, Arithmetic("*", K, number(2.5), type=FLOAT), type=FLOAT)
    condition = Logical("AND", (Comparison(">", sum_, number(1)), Match(S, "a/b", negated=True)))
    assert str(condition) == r"(v + (i * 2.5)) > 1 AND s !~ /a\/b/"
    assert str(Literal("it's", type=STRING)) == r"'it\'s'"
    assert str(Reference("f", INTEGER)) == "f::integer"
    assert [reference.name for reference in condition.references()] == ["v", "i", "s"]


def test_equal_expressions_are_equal_wherever_they_stood() -> None:
    first, again = Comparison("=", V, number(1)), Comparison("=", Reference("v", type=FLOAT), number(1))
    assert first == again
    assert hash(first) == hash(again)
