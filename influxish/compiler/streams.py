"""Calls whose streams may stop before they are over: what of them the graph must know. Makes no nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from influxish.functions.registry import FUNCTIONS, SelectorFunction
from influxish.plan.nodes import FillColumn, FillOption
from influxish.types import DataType


def may_stop(name: str) -> bool:
    """Whether the stream of a call of this function may stop before it is over."""
    function = FUNCTIONS.get(name)
    return isinstance(function, SelectorFunction) and function.stops


def with_stops(columns: Sequence[FillColumn], stops: str) -> Sequence[FillColumn]:
    """How the columns of a call are filled, and the one that tells its stops; "": there is none."""
    if not stops:
        return columns
    told = FillColumn(stops, DataType.UNKNOWN, FillOption.NUMBER, 0, columns[0].of, stops)
    return *(replace(column, stops=stops) for column in columns), told
