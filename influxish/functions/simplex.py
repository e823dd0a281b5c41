"""The downhill simplex method for many problems side by side, each a lane of its own.

Source: J. A. Nelder, R. Mead, "A Simplex Method for Function Minimization", 1965, in the form of M. F. Hutt's
nmsimplex.c, which InfluxDB's is made after: its choices and their order decide which minimum is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from influxish.batch import Mask, Positions
from influxish.functions.interruption import look
from influxish.types import Array

Objective = Callable[[Array], Array]
"""Points (k, n) → values (k,), none of them NaN. It may move the points to where it evaluated them, in place."""
Bound = Callable[[Array], None]
"""Moves points (k, n) in place to where an objective evaluates them, if that can be told without evaluating."""

MOST_ROUNDS = 1000
_REFLECTION, _EXPANSION, _CONTRACTION = 1.0, 2.0, 0.5


def minimize(
    objective: Objective, starts: Array, tolerance: float, bound: Bound | None = None, scale: float = 1.0
) -> tuple[Array, Array]:
    """The smallest value that each lane finds, and where.

    Args:
        objective: one that takes about as long for many points as for few: all that a round may need is evaluated in
            one call or, without a `bound`, two: what follows from a point is not known then until it is evaluated.
        starts: (k, n) float64, a first vertex for each lane.
        tolerance: a lane ends when the values at its vertices have a standard deviation below it.
        scale: length of the first simplex' edges.
    Returns:
        (k,) values and (k, n) points.
    """
    search = _Search(objective, bound, starts, scale)
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
    best = search.vertices[np.arange(len(starts)), np.argmin(search.values, axis=1)]
    return objective(best.copy()), best


class _Found(NamedTuple):
    """Points (k, n) of some lanes, where they were evaluated, and the values there (k,)."""

    points: Array
    values: Array

    def where(self, mask: Mask, other: _Found) -> _Found:
        """These in the lanes of `mask`, the others elsewhere."""
        return _Found(np.where(mask[:, None], self.points, other.points), np.where(mask, self.values, other.values))


class _Search:
    """The simplexes of all lanes: vertices (k, n + 1, n) and the values at them (k, n + 1)."""

    def __init__(self, objective: Objective, bound: Bound | None, starts: Array, scale: float) -> None:
        self._objective, self._bound = objective, bound
        n = starts.shape[1]
        near = scale * (np.sqrt(n + 1.0) - 1) / (n * np.sqrt(2.0))
        far = scale * (np.sqrt(n + 1.0) - 1 + n) / (n * np.sqrt(2.0))
        offsets = np.vstack([np.zeros(n), np.where(np.eye(n, dtype=bool), far, near)])
        found = self._evaluate(*(starts + offset for offset in offsets))
        self.vertices = np.stack([vertex.points for vertex in found], axis=1)
        self.values = np.stack([vertex.values for vertex in found], axis=1)

    def _evaluate(self, *points: Array) -> list[_Found]:
        together = np.concatenate(points)
        values = self._objective(together)
        stops = np.cumsum([len(each) for each in points])[:-1]
        return [_Found(*each) for each in zip(np.split(together, stops), np.split(values, stops), strict=True)]

    def round(self, lanes: Positions) -> None:
        """Move the worst vertex of each lane or, where that makes none better, all vertices towards the best."""
        vertices, values, row = self.vertices[lanes], self.values[lanes], np.arange(len(lanes))
        worst, second, best = _order(values)
        at_worst, at_second, at_best = values[row, worst], values[row, second], values[row, best]
        middle, smaller = _middle(vertices, worst), _halved(vertices, best)
        away = middle - vertices[row, worst]
        reflection = middle + _REFLECTION * away
        tried = [reflection, middle - _CONTRACTION * away, smaller[row, worst], smaller[row, second]]
        if self._bound is not None:
            self._bound(reflection)
            tried += [middle + factor * (reflection - middle) for factor in (_EXPANSION, _CONTRACTION)]
        reflected, inside, *shrunk = self._evaluate(*tried)

        expands = reflected.values < at_best
        contracts = reflected.values >= at_second
        outwards = contracts & (reflected.values < at_worst)
        if self._bound is not None:
            expanded, outside = shrunk[2:]
            further = expanded.where(expands, outside)
        else:
            further = self._further(middle, reflected, expands, outwards)
        onwards = further.values < np.where(expands, reflected.values, at_worst)
        onwards &= expands | outwards
        inwards = contracts & ~outwards & (inside.values < at_worst)
        moved = further.where(onwards, inside.where(inwards, reflected))
        self.vertices[lanes, worst], self.values[lanes, worst] = moved
        shrinks = contracts & ~onwards & ~inwards
        if shrinks.any():
            self._shrink(lanes, shrinks, smaller, (worst, shrunk[0]), (second, shrunk[1]))

    def _further(self, middle: Array, reflected: _Found, expands: Mask, outwards: Mask) -> _Found:
        """Twice as far as the reflected point in the lanes that expand, half as far in those that turn outwards."""
        factor = np.where(expands, _EXPANSION, _CONTRACTION)
        points, values = middle + factor[:, None] * (reflected.points - middle), np.full(len(middle), np.inf)
        wanted = expands | outwards
        if wanted.any():
            [(points[wanted], values[wanted])] = self._evaluate(points[wanted])
        return _Found(points, values)

    def _shrink(
        self,
        lanes: Positions,
        chosen: Mask,
        smaller: Array,
        worst: tuple[Positions, _Found],
        second: tuple[Positions, _Found],
    ) -> None:
        """Take the smaller simplexes in the chosen lanes; only their two worst vertices are evaluated anew."""
        self.vertices[lanes[chosen]] = smaller[chosen]
        for vertex, found in (worst, second):
            self.vertices[lanes[chosen], vertex[chosen]] = found.points[chosen]
            self.values[lanes[chosen], vertex[chosen]] = found.values[chosen]
        twice = chosen & (worst[0] == second[0])  # where all values are equal
        if twice.any() and self._bound is None:  # the second evaluation goes on from where the first one moved it to
            [found] = self._evaluate(worst[1].points[twice])
            self.vertices[lanes[twice], worst[0][twice]], self.values[lanes[twice], worst[0][twice]] = found


def _order(values: Array) -> tuple[Positions, Positions, Positions]:
    """Which vertex is worst, next to worst, best, by the values (k, n + 1); none between makes the best second."""
    row = np.arange(len(values))
    worst, best = np.argmax(values, axis=1), np.argmin(values, axis=1)
    below = np.where(values < values[row, worst, None], values, -np.inf)
    second = np.argmax(below, axis=1)
    return worst, np.where(below[row, second] > values[row, best], second, best), best


def _middle(vertices: Array, worst: Positions) -> Array:
    """The centroid of all vertices but the worst, added in their order."""
    others = vertices.copy()
    others[np.arange(len(worst)), worst] = 0
    centroid: Array = np.add.accumulate(others, axis=1)[:, -1] / vertices.shape[2]
    return centroid


def _halved(vertices: Array, best: Positions) -> Array:
    """The vertices at half their distance to the best one."""
    row = np.arange(len(best))
    corner = vertices[row, best]
    halved: Array = corner[:, None, :] + (vertices - corner[:, None, :]) / 2.0
    halved[row, best] = corner
    return halved
