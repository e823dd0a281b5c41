"""Functions that work value by value: abs, sqrt, pow …

Kernels are numpy's own, so a value outside a function's domain gives NaN, which prints as null. Kernels that compute in
floats also take integers and convert them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from influxish.functions.registry import MathFunction, always, register, same
from influxish.types import NUMERIC, Array, DataType

_to_float = always(DataType.FLOAT)


def _in_floats(name: str, summary: str, kernel: Callable[..., Array], arguments: int = 1) -> MathFunction:
    """Declare a function that computes in floats and gives floats, whatever numbers it is handed."""

    def computed(*values: Array) -> Array:
        return kernel(*(np.asarray(value, np.float64) for value in values))

    return register(
        MathFunction(
            name=name,
            summary=summary,
            takes=NUMERIC,
            returns=_to_float,
            arguments=(arguments, arguments),
            kernel=computed,
            computes=_to_float,
        )
    )


def _keeping_type(name: str, summary: str, kernel: Callable[[Array], Array]) -> MathFunction:
    """Declare a function that gives the type it is handed. `kernel` sees floats; see `_whole` for the others."""
    return register(MathFunction(name=name, summary=summary, takes=NUMERIC, returns=same, kernel=kernel))


def _whole(kernel: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The kernel for floats; integers are whole already and stay what they are."""

    def rounded(values: Array) -> Array:
        return kernel(values) if values.dtype.kind == "f" else values

    return rounded


def _round(values: Array) -> Array:
    """To the nearest whole number, halves away from zero; never by adding 0.5, which rounds 0.49999999999999994 up."""
    whole = np.trunc(values)
    away: Array = np.where(np.abs(values - whole) >= 0.5, whole + np.copysign(1.0, values), whole)
    return away


def _log(values: Array, base: Array) -> Array:
    ratio: Array = np.log(values) / np.log(base)
    return ratio


# InfluxDB 1.6 gives negative integers back unchanged; this is the absolute value of 1.8.
ABS = _keeping_type("abs", "Absolute value.", np.abs)
ACOS = _in_floats("acos", "Arc cosine in radians; null outside [-1, 1].", np.arccos)
ASIN = _in_floats("asin", "Arc sine in radians; null outside [-1, 1].", np.arcsin)
ATAN = _in_floats("atan", "Arc tangent in radians.", np.arctan)
ATAN2 = _in_floats("atan2", "Arc tangent of x / y in radians, over the full circle.", np.arctan2, arguments=2)
CEIL = _keeping_type("ceil", "The nearest whole number that is not smaller.", _whole(np.ceil))
COS = _in_floats("cos", "Cosine of an angle in radians.", np.cos)
EXP = _in_floats("exp", "e to the power of the value.", np.exp)
FLOOR = _keeping_type("floor", "The nearest whole number that is not larger.", _whole(np.floor))
LN = _in_floats("ln", "Natural logarithm; null below 0.", np.log)
LOG = _in_floats("log", "Logarithm of x to base y; null below 0.", _log, arguments=2)
LOG2 = _in_floats("log2", "Logarithm to base 2; null below 0.", np.log2)
LOG10 = _in_floats("log10", "Logarithm to base 10; null below 0.", np.log10)
# Of integers, too, a float: pow(2, -1) is 0.5, and up to 2^53 both print alike.
POW = _in_floats("pow", "x to the power of y.", np.power, arguments=2)
ROUND = _keeping_type("round", "The nearest whole number; halves go away from zero.", _whole(_round))
SIN = _in_floats("sin", "Sine of an angle in radians.", np.sin)
SQRT = _in_floats("sqrt", "Square root; null below 0.", np.sqrt)
TAN = _in_floats("tan", "Tangent of an angle in radians.", np.tan)
