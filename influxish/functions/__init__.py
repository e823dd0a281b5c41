"""The registry of functions, filled: importing this package declares every function there is."""

from influxish.functions import aggregates, averages, forecast, integral, maths, selectors, walks
from influxish.functions.registry import (
    FUNCTIONS,
    AggregateFunction,
    Function,
    GroupFunction,
    MathFunction,
    Parameter,
    SelectorFunction,
    Stamp,
    WalkFunction,
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
    "WalkFunction",
    "aggregates",
    "averages",
    "forecast",
    "integral",
    "maths",
    "selectors",
    "walks",
]
