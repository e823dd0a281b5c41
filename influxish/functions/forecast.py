"""holt_winters: what comes next, from level, trend and season of what was.

Source: R. J. Hyndman, G. Athanasopoulos, "Forecasting: principles and practice", the damped multiplicative method; its
fitting as influxdata/influxdb 1.8 does it, query/functions.go, HoltWintersReducer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from influxish.batch import Positions
from influxish.errors import ExecutionError
from influxish.functions.interruption import look
from influxish.functions.registry import (
    REQUIRED,
    Arguments,
    Course,
    Parameter,
    Rows,
    Walked,
    WalkFunction,
    always,
    register,
)
from influxish.functions.segments import Segments
from influxish.functions.simplex import minimize
from influxish.types import NUMERIC, Array, DataType, Times

_GUESSES = (0.3, 0.3 + 0.4)
"""First values of each of the four weights: all combinations are tried."""
_TOLERANCE = 1e-4
MOST_STEPS = 1_000_000
"""Each of some hundred rounds goes through all of them one by one."""
_FIRST_WEIGHT = 0.5
"""Of the first value and the first change, in the first guess of level and trend."""


def _evenly(times: Times, values: Array, every: int) -> Array:
    """The values at steps of `every`, NaN where there is none; of several at one step the first.

    Raises:
        ExecutionError: more than `MOST_STEPS` of them.
    """
    rounded = np.array([_nearest(time, every) for time in times.tolist()])
    later = np.flatnonzero(rounded > np.maximum.accumulate(np.append(rounded[0], rounded[:-1])))
    steps = (rounded[later] - rounded[0]) // every
    count = int(steps[-1]) + 1 if len(steps) else 1
    if count > MOST_STEPS:
        message = f"holt_winters() is made of at most {MOST_STEPS:,} steps, this range has {count:,}"
        raise ExecutionError(f"{message}: group by longer buckets, or ask for less time")
    series = np.full(count, np.nan)
    series[0] = values[0]
    series[steps] = values[later]
    return series


def _nearest(time: int, every: int) -> int:
    """The multiple of `every` that a time is nearest to, as Go divides: towards zero."""
    rest = abs(time) % every * (1 if time >= 0 else -1)
    return time + every - rest if rest > every // 2 else time - rest


@dataclass(frozen=True)
class _Model:
    """A series at even steps (l,), and the length of its season; 0 or 1 for none."""

    series: Array
    season: int

    def first_guess(self) -> Array:
        """Parameters: four weights (set by the caller), level, trend, and a factor for each step of the season."""
        y, m = self.series, self.season
        if m <= 1:
            trend = _FIRST_WEIGHT * (y[1] - y[0]) if len(y) > 1 and not np.isnan(y[1]) else 0.0
            return np.array([0, 0, 0, 0, _FIRST_WEIGHT * y[0], trend])
        level = trend = 0.0
        for i in range(m):
            if not np.isnan(y[i]):
                level += (1 / m) * y[i]
            if m + i < len(y) and not np.isnan(y[i]) and not np.isnan(y[m + i]):
                trend += 1 / (m * m) * (y[m + i] - y[i])
        with np.errstate(all="ignore"):
            factors = np.where(np.isnan(y[:m]), 0.0, y[:m] / level)
        return np.concatenate([[0, 0, 0, 0, level, trend], factors])

    def forecast(self, parameters: Array, steps: int) -> Array:
        """The fitted series and `steps` more, (k, l + steps), for each of k rows of parameters.

        The weights are brought between 0 and 1, and the factors moved along, in `parameters` itself.
        """
        np.clip(parameters[:, :4], 0, 1, out=parameters[:, :4])
        alpha, beta, gamma, phi, level, trend = parameters[:, :6].T.copy()
        factors, m = parameters[:, 6:], parameters.shape[1] - 6
        value = np.full(len(parameters), self.series[0])
        damping, offset = phi.copy(), m - 1
        result = np.empty((len(parameters), len(self.series) + steps))
        result[:, 0] = value
        now = ahead = np.ones(len(parameters))
        for t in range(1, result.shape[1]):
            if t % 1000 == 0:
                look()
            if m:
                now = factors[:, (t - m + offset) % m]
                ahead = factors[:, (t - m + t % m + offset) % m]
            damped = level + phi * trend
            grown = alpha * (value / now) + (1 - alpha) * damped
            trend_now = beta * (grown - level) + (1 - beta) * phi * trend
            factor = gamma * (value / damped) + (1 - gamma) * now
            value = (grown + damping * trend_now) * ahead
            level, trend = grown, trend_now
            damping = damping + _power(phi, t)
            if m:
                factors[:, (t + offset) % m] = factor
                offset += 1
            result[:, t] = value
        return result

    def error(self, parameters: Array) -> Array:
        """The sum of squared errors for each row of parameters; infinite where no forecast can be made."""
        known = np.flatnonzero(~np.isnan(self.series))
        wrong = self.forecast(parameters, 0)[:, known] - self.series[known]
        total: Array = np.add.accumulate(np.square(wrong), axis=1)[:, -1]
        total[np.isnan(wrong).any(axis=1)] = np.inf
        return total

    def best(self) -> Array:
        """The parameters that fit best."""
        guess = self.first_guess()
        starts = np.tile(guess, (len(_GUESSES) ** 4, 1))
        starts[:, :4] = list(product(_GUESSES, repeat=4))

        def objective(points: Array, lanes: Positions) -> Array:
            return self.error(points)

        errors, parameters = minimize(objective, starts, _TOLERANCE)
        chosen = 0
        for lane in range(1, len(errors)):
            if errors[lane] < errors[chosen]:
                chosen = lane
        return parameters[chosen : chosen + 1]


def _power(base: Array, exponent: int) -> Array:
    """`base ** exponent` by squaring, which rounds as Go's math.Pow does."""
    result, square = np.ones_like(base), base
    while exponent:
        if exponent & 1:
            result = result * square
        square, exponent = square * square, exponent >> 1
    return result


def _forecast(times: Times, values: Array, arguments: Arguments, every: int, *, with_fit: bool) -> tuple[Times, Array]:
    """Times and values of the answer of one group, both empty if there is nothing to go by."""
    steps, season = arguments
    count = (_nearest(int(times[-1]), every) - _nearest(int(times[0]), every)) // every if len(times) > 1 else 0
    if (season > 1 and len(times) < season) or steps <= 0 or count <= 0:
        return times[:0], np.zeros(0)
    model = _Model(_evenly(times, values, every), season)
    with np.errstate(all="ignore"):
        found = model.forecast(model.best(), steps)[0]
    first = int(times[0])
    if not with_fit:
        found, first = found[len(model.series) :], int(times[-1]) + every
    real = np.flatnonzero(~np.isnan(found))
    return first + every * real, found[real]


def _walk(*, with_fit: bool) -> WalkFunction:
    def walk(rows: Rows, segments: Segments, arguments: Arguments, course: Course) -> Walked:
        assert course.window is not None
        every = course.window.every
        positions, values, times = [segments.starts[:0]], [np.zeros(0)], [segments.starts[:0]]
        for start, stop in zip(segments.starts.tolist(), segments.stops.tolist(), strict=True):
            look()
            known = start + np.flatnonzero(~np.isnan(rows.values[start:stop].astype(np.float64)))
            own, found = _forecast(rows.times[known], rows.values[known], arguments, every, with_fit=with_fit)
            if course.alone and not start and not len(found):  # none in the first group is taken for none at all
                break
            positions.append(np.full(len(found), start))
            values.append(found)
            times.append(own)
        return Walked(np.concatenate(positions), np.concatenate(values), np.concatenate(times).astype(np.int64))

    return register(
        WalkFunction(
            name="holt_winters_with_fit" if with_fit else "holt_winters",
            summary="The values that come next"
            + (", after the model's own of those that there are" if with_fit else "")
            + ", by exponential smoothing of level, trend and season.",
            takes=NUMERIC,
            returns=always(DataType.FLOAT),
            parameters=(
                Parameter(
                    "N",
                    frozenset({DataType.INTEGER}),
                    REQUIRED,
                    minimum=1,
                    wrong_type="expected integer argument as second arg in {function}",
                    too_small="second arg to {function} must be greater than 0, got {value}",
                ),
                Parameter(
                    "season",
                    frozenset({DataType.INTEGER}),
                    REQUIRED,
                    minimum=0,
                    wrong_type="expected integer argument as third arg in {function}",
                    too_small="third arg to {function} cannot be negative, got {value}",
                ),
            ),
            walk=walk,
            looks_back=False,
            reach=lambda arguments: 0,
            of_aggregates="must",
            kin="elapsed",
        )
    )


HOLT_WINTERS = _walk(with_fit=False)
HOLT_WINTERS_WITH_FIT = _walk(with_fit=True)
