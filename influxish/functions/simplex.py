"""The downhill simplex method for many problems side by side, each a lane of its own.

Source: J. A. Nelder, R. Mead, "A Simplex Method for Function Minimization", 1965, in the form of M. F. Hutt's
nmsimplex.c, which InfluxDB's is made after: its choices and their order decide which minimum is found.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from influxish.batch import Mask, Positions
from influxish.functions.interruption import look
from influxish.types import Array

Objective = Callable[[Array, Positions], Array]
"""(points (k, n), their lanes (k,)) → values (k,). It may move the points to where it evaluated them, in place."""

MOST_ROUNDS = 1000
_REFLECTION, _EXPANSION, _CONTRACTION = 1.0, 2.0, 0.5


def minimize(objective: Objective, starts: Array, tolerance: float, scale: float = 1.0) -> tuple[Array, Array]:
    """The smallest value that each lane finds, and where.

    Args:
        starts: (k, n) float64, a first vertex for each lane.
        tolerance: a lane ends when the values at its vertices have a standard deviation below it.
        scale: length of the first simplex' edges.
    Returns:
        (k,) values and (k, n) points.
    """
    search = _Search(objective, starts, scale)
    active = np.arange(len(starts))
    for _ in range(MOST_ROUNDS):
        look()
        search.round(active)
        values = search.values[active]
        n = starts.shape[1]
        mean = np.add.accumulate(values, axis=1)[:, -1] / (n + 1)
        spread = np.sqrt(np.add.accumulate(np.square(values - mean[:, None]) / n, axis=1)[:, -1])
        active = active[~(spread < tolerance)]
        if not len(active):
            break
    lanes = np.arange(len(starts))
    best = search.vertices[lanes, np.argmin(search.values, axis=1)]
    return objective(best.copy(), lanes), best


class _Search:
    """The simplexes of all lanes: vertices (k, n + 1, n) and the values at them (k, n + 1)."""

    def __init__(self, objective: Objective, starts: Array, scale: float) -> None:
        self._objective = objective
        k, n = starts.shape
        near = scale * (np.sqrt(n + 1.0) - 1) / (n * np.sqrt(2.0))
        far = scale * (np.sqrt(n + 1.0) - 1 + n) / (n * np.sqrt(2.0))
        offsets = np.vstack([np.zeros(n), np.where(np.eye(n, dtype=bool), far, near)])
        self.vertices = offsets[None, :, :] + starts[:, None, :]
        self.values = np.empty((k, n + 1))
        for vertex in range(n + 1):
            self._evaluate(np.arange(k), np.full(k, vertex))

    def _evaluate(self, lanes: Positions, vertex: Positions) -> None:
        points = self.vertices[lanes, vertex]
        self.values[lanes, vertex] = self._objective(points, lanes)
        self.vertices[lanes, vertex] = points

    def _replace(self, lanes: Positions, vertex: Positions, points: Array, values: Array) -> None:
        self.vertices[lanes, vertex] = points
        self.values[lanes, vertex] = values

    def round(self, lanes: Positions) -> None:
        """Move the worst vertex of each lane."""
        values, n = self.values[lanes], self.vertices.shape[2]
        row = np.arange(len(lanes))
        worst, best = np.argmax(values, axis=1), np.argmin(values, axis=1)
        below = np.where(values < values[row, worst, None], values, -np.inf)
        second = np.argmax(below, axis=1)
        second = np.where(below[row, second] > values[row, best], second, best)
        middle = self._centroid(lanes, worst) / n
        worst_points = self.vertices[lanes, worst]
        reflected = middle + _REFLECTION * (middle - worst_points)
        at_reflected = self._objective(reflected, lanes)
        at_worst, at_second, at_best = values[row, worst], values[row, second], values[row, best]

        taken = (at_reflected < at_second) & (at_reflected >= at_best)
        self._replace(lanes[taken], worst[taken], reflected[taken], at_reflected[taken])

        further = np.flatnonzero(at_reflected < at_best)
        if len(further):
            expanded = middle[further] + _EXPANSION * (reflected[further] - middle[further])
            at_expanded = self._objective(expanded, lanes[further])
            won = at_expanded < at_reflected[further]
            points = np.where(won[:, None], expanded, reflected[further])
            self._replace(lanes[further], worst[further], points, np.where(won, at_expanded, at_reflected[further]))

        closer = np.flatnonzero(at_reflected >= at_second)
        if len(closer):
            outside = at_reflected[closer] < self.values[lanes[closer], worst[closer]]
            target = np.where(outside[:, None], reflected[closer], worst_points[closer])
            step = _CONTRACTION * np.where(outside[:, None], target - middle[closer], middle[closer] - target)
            contracted = np.where(outside[:, None], middle[closer] + step, middle[closer] - step)
            at_contracted = self._objective(contracted, lanes[closer])
            won = at_contracted < at_worst[closer]
            self._replace(lanes[closer[won]], worst[closer[won]], contracted[won], at_contracted[won])
            self._shrink(lanes, worst, second, best, closer[~won])

    def _centroid(self, lanes: Positions, worst: Positions) -> Array:
        """The sum of all vertices but the worst, added in their order."""
        total = np.zeros((len(lanes), self.vertices.shape[2]))
        for vertex in range(self.vertices.shape[1]):
            others: Mask = worst != vertex
            total[others] += self.vertices[lanes[others], vertex]
        return total

    def _shrink(
        self, lanes: Positions, worst: Positions, second: Positions, best: Positions, chosen: Positions
    ) -> None:
        """Halve the distance of every vertex to the best one; only the two worst are evaluated anew."""
        if not len(chosen):
            return
        own, kept = lanes[chosen], best[chosen]
        corner = self.vertices[own, kept]
        halved = corner[:, None, :] + (self.vertices[own] - corner[:, None, :]) / 2.0
        halved[np.arange(len(own)), kept] = corner
        self.vertices[own] = halved
        self._evaluate(own, worst[chosen])
        self._evaluate(own, second[chosen])
