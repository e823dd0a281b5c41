"""The registry of functions, filled: importing this package declares every function there is."""

from influxish.functions import aggregates, maths, selectors
from influxish.functions.registry import (
    FUNCTIONS,
    AggregateFunction,
    Function,
    GroupFunction,
    MathFunction,
    Parameter,
    SelectorFunction,
    Stamp,
)

__all__ = [
    "FUNCTIONS",
    "AggregateFunction",
    "Function",
    "GroupFunction",
    "MathFunction",
    "Parameter",
    "SelectorFunction",
    "Stamp",
    "aggregates",
    "maths",
    "selectors",
]
