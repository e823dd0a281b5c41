"""The model behind holt_winters: a level, a damped trend and a season, and the weights that fit a series best.

Source: R. J. Hyndman, G. Athanasopoulos, "Forecasting: principles and practice", the damped multiplicative method; its
fitting as influxdata/influxdb 1.8 does it, query/functions.go, HoltWintersReducer. All operations on numbers are those,
in that order: the search for the best fit ends elsewhere when a last digit is another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from influxish.functions.interruption import look
from influxish.functions.simplex import minimize
from influxish.types import Array

_GUESSES = (0.3, 0.3 + 0.4)
"""First values of each of the four weights: all combinations are tried."""
_TOLERANCE = 1e-4
_FIRST_WEIGHT = 0.5
"""Of the first value and the first change, in the first guess of level and trend."""
_SPAN = 1024
"""Steps that are made between two looks at whether to stop. A power of two, as `_powers` needs it."""


@dataclass(frozen=True)
class Model:
    """A series at even steps (l,) float64, NaN where it has no value, and the length of its season; 0 or 1 for none."""

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
        """The fitted series and `steps` more, (l + steps, k), for each of k rows of parameters.

        The weights are brought between 0 and 1, and the factors moved along, in `parameters` itself.
        """
        return np.concatenate([span for _, span in self._spans(parameters, len(self.series) + steps)])

    def error(self, parameters: Array) -> Array:
        """The sum of squared errors (k,) for each row of parameters, which it changes as `forecast` does.

        It is infinite where no forecast can be made.
        """
        total = np.zeros((1, len(parameters)))
        for start, span in self._spans(parameters, len(self.series)):
            series = self.series[start : start + len(span)]
            squares = np.square(span - series[:, None])[~np.isnan(series)]
            total = np.add.accumulate(np.concatenate([total, squares]))[-1:]  # one by one: a sum would pair them
        error: Array = np.where(np.isnan(total[0]), np.inf, total[0])
        return error

    def best(self) -> Array:
        """The parameters that fit best, (1, n)."""
        guess = self.first_guess()
        starts = np.tile(guess, (len(_GUESSES) ** 4, 1))
        starts[:, :4] = list(product(_GUESSES, repeat=4))
        errors, parameters = minimize(self.error, starts, _TOLERANCE, None if self.season > 1 else _bound)
        chosen = int(np.argmin(errors))
        return parameters[chosen : chosen + 1]

    def _spans(self, parameters: Array, count: int) -> Iterator[tuple[int, Array]]:
        """The first `count` steps of the forecasts, some at a time: the number of the first, and they, (n, k)."""
        _bound(parameters)
        recurrence = (_Seasonal if self.season > 1 else _Unseasonal)(self.series[0], parameters)
        phi, damping = parameters[:, 3], np.zeros((1, len(parameters)))
        yield 0, np.full((1, len(parameters)), self.series[0])
        for start in range(0, count - 1, _SPAN):
            look()
            powers = _powers(phi, start, min(_SPAN, count - 1 - start))
            if start == 0:
                powers[0] = phi
            damping = np.add.accumulate(np.concatenate([damping[-1:], powers]))
            yield start + 1, recurrence.advance(damping[1:])


def _bound(parameters: Array) -> None:
    np.clip(parameters[:, :4], 0, 1, out=parameters[:, :4])


def _powers(base: Array, first: int, count: int) -> Array:
    """`base ** exponent` (count, k) for the exponents from `first` on, by squaring, which rounds as Go's math.Pow does.

    `first` must be a multiple of a power of two that is not less than `count`.
    """
    result, square, size = np.ones((count, len(base))), base, 1
    while size < count:
        result[size : 2 * size] = result[: min(size, count - size)] * square
        square, size = square * square, 2 * size
    rest = first // size
    while rest:
        if rest & 1:
            result *= square
        square, rest = square * square, rest >> 1
    return result


class _Unseasonal:
    """Forecasts of k models side by side, each from the one before.

    What costs is how many calls a step makes, not how many models there are: numbers that meet the same operation lie
    in one array, and each result goes where the next step reads it.
    """

    def __init__(self, first: float, parameters: Array) -> None:
        alpha, self._beta, _, phi, self._level, self._trend = parameters[:, :6].T.copy()
        self._weights = np.stack([alpha, 1 - alpha])
        self._of_trend = np.stack([phi, (1 - self._beta) * phi])
        self._value = np.full(len(parameters), first)

    def advance(self, damping: Array) -> Array:
        """The next n forecasts (n, k), given what damps the trend in each, (n, k)."""
        multiply, add, subtract = np.multiply, np.add, np.subtract
        pairs = np.empty((len(damping) + 1, *self._weights.shape))  # a value, and what was expected to follow
        pairs[0, 0] = self._value
        weights, of_trend, beta, level, trend = self._weights, self._of_trend, self._beta, self._level, self._trend
        parts, trends = np.empty_like(weights), np.empty_like(weights)
        grown, change = np.empty_like(level), np.empty_like(level)
        (part, other_part), (damped_trend, kept_trend) = parts, trends
        for damp, pair, damped, value in zip(damping, pairs[:-1], pairs[:-1, 1], pairs[1:, 0], strict=True):
            multiply(of_trend, trend, trends)
            add(level, damped_trend, damped)
            multiply(weights, pair, parts)
            add(part, other_part, grown)
            subtract(grown, level, change)
            multiply(beta, change, change)
            add(change, kept_trend, trend)
            multiply(damp, trend, change)
            add(grown, change, value)
            level, grown = grown, level
        self._level, self._value = level, pairs[-1, 0]
        return pairs[1:, 0]


class _Seasonal:
    """As `_Unseasonal`, with a factor for each step of a season, which is moved in the parameters themselves."""

    def __init__(self, first: float, parameters: Array) -> None:
        alpha, self._beta, gamma, phi, self._level, self._trend = parameters[:, :6].T.copy()
        self._weights, self._others = np.stack([alpha, gamma]), np.stack([1 - alpha, 1 - gamma])
        self._of_trend = np.stack([phi, (1 - self._beta) * phi])
        self._value = np.full(len(parameters), first)
        self._given = parameters[:, 6:]
        self._factors, self._made = self._given.T.copy(), 0

    def advance(self, damping: Array) -> Array:
        """The next n forecasts (n, k), given what damps the trend in each, (n, k)."""
        multiply, add, subtract, divide = np.multiply, np.add, np.subtract, np.divide
        weights, others, of_trend, beta, trend = self._weights, self._others, self._of_trend, self._beta, self._trend
        level, last, factors, m = self._level, self._value, list(self._factors), len(self._factors)
        values = np.empty_like(damping)
        expected, parts, rests, trends = (np.empty_like(weights) for _ in range(4))
        grown, change = np.empty_like(level), np.empty_like(level)
        (damped, now), (part, new), (rest, old), (damped_trend, kept_trend) = expected, parts, rests, trends
        swapped = expected[::-1]
        for t, (damp, value) in enumerate(zip(damping, values, strict=True), self._made + 1):
            place = (2 * t - 2) % m
            factor = factors[place]
            multiply(of_trend, trend, trends)
            add(level, damped_trend, damped)
            now[...] = factor
            divide(last, swapped, parts)
            multiply(weights, parts, parts)
            multiply(others, expected, rests)
            add(part, rest, grown)
            subtract(grown, level, change)
            multiply(beta, change, change)
            add(change, kept_trend, trend)
            multiply(damp, trend, change)
            add(grown, change, change)
            multiply(change, factors[(place + t) % m], value)
            add(new, old, factor)
            level, grown, last = grown, level, value
        self._level, self._value, self._made = level, last, self._made + len(damping)
        self._given[...] = self._factors.T
        return values
