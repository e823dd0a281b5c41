"""Functions of one value: types, rounding, and what lies outside their domain."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.functions import FUNCTIONS, MathFunction
from influxish.types import NUMERIC, DataType

MATHS = [function for function in FUNCTIONS.values() if isinstance(function, MathFunction)]


def python_round(value: float) -> float:
    return math.floor(abs(value) + 0.5) * math.copysign(1, value) if abs(value) < 2**51 else value


DEFINITIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "atan2": math.atan2,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "ln": math.log,
    "log": lambda value, base: math.log(value) / math.log(base),
    "log2": math.log2,
    "log10": math.log10,
    "pow": math.pow,
    "round": python_round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}


def kernel_of(name: str) -> Callable[..., Any]:
    function = FUNCTIONS[name]
    assert isinstance(function, MathFunction)
    return function.kernel


def test_every_maths_function_is_held_to_a_definition() -> None:
    assert {function.name for function in MATHS} == set(DEFINITIONS)


@pytest.mark.parametrize("function", MATHS, ids=lambda function: function.name)
@pytest.mark.parametrize("type", sorted(NUMERIC, key=lambda type: type.value), ids=lambda type: type.value)
def test_kernel_gives_the_declared_type_and_the_defined_values(function: MathFunction, type: DataType) -> None:
    assert function.arguments[0] == function.arguments[1]
    rows = [[1, 1], [3, 2], [7, 5]] if type is not DataType.FLOAT else [[0.25, 0.5], [0.75, 3.0], [1.0, 2.0]]
    columns = [np.array(column, type.dtype) for column in zip(*rows, strict=True)][: function.arguments[0]]
    with np.errstate(all="ignore"):
        result = function.kernel(*columns)
    assert result.dtype == function.returns(type).dtype
    for values, found in zip(zip(*columns, strict=True), result.tolist(), strict=True):
        try:
            expected = DEFINITIONS[function.name](*(value.item() for value in values))
        except (ValueError, ZeroDivisionError):  # outside the domain
            assert not math.isfinite(found)
        else:
            assert found == pytest.approx(expected, rel=1e-14)


def test_round_goes_half_away_from_zero() -> None:
    values = np.array([0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994, 2.0**52 + 1, np.nan])
    rounded = kernel_of("round")(values).tolist()
    assert rounded[:-1] == [1, 2, 3, -1, -3, 0, 2.0**52 + 1]
    assert math.isnan(rounded[-1])


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_rounding_an_integer_loses_no_digit(value: int) -> None:
    for name in ("ceil", "floor", "round"):
        assert kernel_of(name)(np.array([value])).tolist() == [value]
    assert kernel_of("abs")(np.array([value])).tolist() == [abs(value)]


def test_integers_have_negative_powers() -> None:
    assert kernel_of("pow")(np.array([1, 2]), np.array([2, -1])).tolist() == [1.0, 0.5]


def test_outside_the_domain_is_nan() -> None:
    with np.errstate(invalid="ignore"):
        for name in ("sqrt", "ln", "log2", "log10"):
            assert math.isnan(kernel_of(name)(np.array([-1.0]))[0])
        for name in ("asin", "acos"):
            assert math.isnan(kernel_of(name)(np.array([1.5]))[0])
