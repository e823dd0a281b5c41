"""Averages that weigh all that came before, and the technical analysis built on them.

Source of the definitions: phemmer/gota as InfluxDB 1.8 carries it (query/internal/gota), found out by asking the
server; P. J. Kaufman, "Trading Systems and Methods", for the efficiency ratio and the adaptive average.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from influxish.functions.recurrence import places, recur, window_sum
from influxish.functions.registry import (
    Arguments,
    Course,
    Parameter,
    Rows,
    Walked,
    WalkFunction,
    always,
    register,
    whole_number,
)
from influxish.functions.segments import Segments
from influxish.types import NUMERIC, Array, DataType

SIMPLE, EXPONENTIAL, NONE = "simple", "exponential", "none"
"""How an average begins while it has seen fewer values than its period: as their mean; as an exponential average whose
period is the number of values so far; or not at all."""

_Compute = Callable[[Array, Segments, int, str], Array]


def _exponential(
    values: Array, segments: Segments, period: int, warmup: str, *, weight: float = 0.0, behind: int = 0
) -> Array:
    """The exponential moving average of each segment from its row `behind` on; the rows before stay as they are.

    Args:
        period: how many values it takes to be warm.
        weight: of a new value, once warm; 2 / (period + 1) unless given.
    """
    place = places(segments) - behind
    seen = np.maximum(place, 0)
    warming = 1.0 / (seen + 1.0) if warmup == SIMPLE else 2.0 / (seen + 2.0)
    weights = np.where(seen < period, warming, weight or 2.0 / (period + 1))
    weights[place <= 0] = 1.0
    return recur(1.0 - weights, weights * values, segments)


def _stages(values: Array, segments: Segments, period: int, warmup: str, count: int) -> list[Array]:
    """Averages of averages. With a simple beginning each waits until the one before is warm, and repeats it so far."""
    found, behind = [values], 0
    for _ in range(count):
        found.append(_exponential(found[-1], segments, period, warmup, behind=behind))
        behind += period - 1 if warmup == SIMPLE else 0
    return found[1:]


def _single(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    return _exponential(values, segments, period, warmup)


def _double(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    first, second = _stages(values, segments, period, warmup, 2)
    result: Array = 2 * first - second
    return result


def _triple(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    first, second, third = _stages(values, segments, period, warmup, 3)
    result: Array = 3 * first - 3 * second + third
    return result


def _rate(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    *_, third = _stages(values, segments, period, warmup, 3)
    rate: Array = (third / _before(third, segments) - 1) * 100
    return rate


def _before(values: Array, segments: Segments, steps: int = 1) -> Array:
    """The value so many rows earlier in the segment, 0 where there is none."""
    result = np.zeros_like(values)
    row = np.flatnonzero(places(segments) >= steps)
    result[row] = values[row - steps]
    return result


def _rises_and_falls(values: Array, segments: Segments, period: int, warmup: str) -> tuple[Array, Array]:
    change = values - _before(values, segments)  # what is no number neither rises nor falls
    rises = _exponential(np.fmax(change, 0.0), segments, period + 1, warmup, weight=1 / period)
    falls = _exponential(np.fmax(-change, 0.0), segments, period + 1, warmup, weight=1 / period)
    return rises, falls


def _strength(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    rises, falls = _rises_and_falls(values, segments, period, warmup)
    strength: Array = 100 * rises / (rises + falls)
    return strength


def _momentum(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    if warmup != NONE:
        rises, falls = _rises_and_falls(values, segments, period, warmup)
        smooth: Array = 100 * (rises - falls) / (rises + falls)  # where nothing moved yet, it is no number
        return smooth
    change = values - _before(values, segments)
    change[segments.starts] = 0
    rises = window_sum(np.fmax(change, 0.0), segments, period)
    falls = window_sum(np.fmax(-change, 0.0), segments, period)
    both = rises + falls
    return np.where(both == 0, 0.0, 100 * (rises - falls) / np.where(both == 0, 1, both))


def _efficiency(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    signal = np.abs(values - _before(values, segments, period))
    noise = window_sum(np.abs(values - _before(values, segments)), segments, period)
    return np.where((signal == 0) | (noise == 0), 0.0, signal / np.where(noise == 0, 1, noise))


def _adaptive(values: Array, segments: Segments, period: int, warmup: str) -> Array:
    fast, slow = 2.0 / (2 + 1), 2.0 / (30 + 1)
    weights = np.square(_efficiency(values, segments, period, warmup) * (fast - slow) + slow)
    # So long as it is cold it starts anew from the value before.
    cold = places(segments) <= period
    terms = weights * values + np.where(cold, (1 - weights) * _before(values, segments), 0.0)
    return recur(np.where(cold, 0.0, 1 - weights), terms, segments)


def _declare(
    name: str,
    summary: str,
    compute: _Compute,
    *,
    warmups: tuple[str, ...] = (EXPONENTIAL, SIMPLE),
    hold: Callable[[int, str], int] = lambda period, warmup: period - 1,
    least_hold: int = 0,
    finite: bool = False,
) -> WalkFunction:
    """Declare an average.

    Args:
        warmups: the ways to begin, the one meant by default first; () if there is nothing to choose.
        hold: rows without an answer at the beginning, where the call does not say, from period and warmup.
        least_hold: the smallest number that the call may say.
        finite: rows whose answer would be infinite have none.
    """

    def walk(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
        period, held, warmup = (*arguments, "")[:3]
        longest = min(period, len(rows.values) + 1)  # one that is longer never gets warm either
        values = compute(rows.values.astype(np.float64), segments, longest, warmup)
        row = np.flatnonzero(places(segments) >= (hold(period, warmup) if held < 0 else held))
        row = row[~np.isinf(values[row])] if finite else row
        return Walked(row, values[row])

    parameters = [
        whole_number(
            "period",
            1,
            "{function} period must be an integer",
            "{function} period must be greater than or equal to 1",
        ),
        whole_number(
            "hold_period",
            least_hold,
            "{function} hold period must be an integer",
            f"{{function}} hold period must be greater than or equal to {least_hold}",
            default=-1,
        ),
    ]
    if warmups:
        listed = " ".join(f"'{warmup}'" for warmup in warmups)
        parameters.append(
            Parameter(
                "warmup_type",
                frozenset({DataType.STRING}),
                default=warmups[0],
                choices=warmups,
                wrong_type="{function} warmup type must be a string",
                wrong_choice=f"{{function}} warmup type must be one of: {listed}",
            )
        )
    return register(
        WalkFunction(
            name=name,
            summary=summary,
            takes=NUMERIC,
            returns=always(DataType.FLOAT),
            parameters=tuple(parameters),
            walk=walk,
            reach=lambda arguments: int(arguments[0]),
        )
    )


EXPONENTIAL_MOVING_AVERAGE = _declare(
    "exponential_moving_average", "Average that weighs a value the less the longer ago it was.", _single
)
DOUBLE_EXPONENTIAL_MOVING_AVERAGE = _declare(
    "double_exponential_moving_average",
    "Twice the exponential average less its own exponential average: it lags behind less.",
    _double,
    hold=lambda period, warmup: (period - 1) * (2 if warmup == SIMPLE else 1),
)
TRIPLE_EXPONENTIAL_MOVING_AVERAGE = _declare(
    "triple_exponential_moving_average",
    "As double_exponential_moving_average, with a third average to lag behind still less.",
    _triple,
    hold=lambda period, warmup: (period - 1) * (3 if warmup == SIMPLE else 1),
)
TRIPLE_EXPONENTIAL_DERIVATIVE = _declare(
    "triple_exponential_derivative",
    "Change of a triply averaged value from one point to the next, in percent (TRIX).",
    _rate,
    hold=lambda period, warmup: (period - 1) * (3 if warmup == SIMPLE else 1) + 1,
    least_hold=1,
    finite=True,
)
RELATIVE_STRENGTH_INDEX = _declare(
    "relative_strength_index",
    "How much of the recent change was upwards, from 0 to 100 (RSI).",
    _strength,
    hold=lambda period, warmup: period,
)
CHANDE_MOMENTUM_OSCILLATOR = _declare(
    "chande_momentum_oscillator",
    "Rises less falls of the last values, from -100 to 100 (CMO).",
    _momentum,
    warmups=(NONE, EXPONENTIAL, SIMPLE),
    hold=lambda period, warmup: period - 1 if warmup == NONE else period,
)
KAUFMANS_EFFICIENCY_RATIO = _declare(
    "kaufmans_efficiency_ratio",
    "How straight the way was over the last values: the change in all over the sum of all changes, from 0 to 1.",
    _efficiency,
    warmups=(),
    hold=lambda period, warmup: period,
)
KAUFMANS_ADAPTIVE_MOVING_AVERAGE = _declare(
    "kaufmans_adaptive_moving_average",
    "Exponential average that follows fast where the efficiency ratio is high, and slowly where it is low.",
    _adaptive,
    warmups=(),
    hold=lambda period, warmup: period,
)
