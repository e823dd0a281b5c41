"""Functions that walk along rows, against streams that take one point after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.functions import FUNCTIONS, WalkFunction
from influxish.functions.recurrence import recur, running_sum
from influxish.functions.registry import Course, Rows, Walked
from influxish.functions.segments import Segments
from influxish.types import DataType, Window

Stream = list[tuple[int, float]]
"""Points of one group: (time, value)."""

VALUES = st.sampled_from([-2.0, 0.0, 0.5, 1.0, 3.0, 1e6])
GROUPS = st.lists(
    st.lists(st.tuples(st.integers(0, 30), VALUES), min_size=1, max_size=12).map(lambda points: sorted(points)),
    min_size=1,
    max_size=4,
)


def walk(name: str, groups: list[Stream], arguments: tuple[Any, ...], course: Course | None = None) -> list[Stream]:
    """The results of a function, group by group."""
    function = FUNCTIONS[name]
    assert isinstance(function, WalkFunction)
    points = [point for group in groups for point in group]
    times = np.array([time for time, _ in points], np.int64)
    lengths = np.array([len(group) for group in groups])
    segments = Segments.from_starts(np.cumsum(lengths) - lengths, len(points))
    rows = Rows(DataType.FLOAT, np.array([value for _, value in points]), times)
    with np.errstate(all="ignore"):
        walked: Walked = function.walk(rows, segments, arguments, course or Course())
    found: list[Stream] = [[] for _ in groups]
    owner = np.repeat(np.arange(len(groups)), lengths)[walked.positions]
    stamps = times[walked.positions] if walked.times is None else walked.times
    for group, time, value in zip(owner.tolist(), stamps.tolist(), walked.values.tolist(), strict=True):
        found[group].append((time, value))
    return found


def assert_same(found: list[Stream], expected: list[Stream]) -> None:
    assert [[time for time, _ in group] for group in found] == [[time for time, _ in group] for group in expected]
    for a, b in zip(found, expected, strict=True):
        for (_, value), (_, wanted) in zip(a, b, strict=True):
            assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)


def moving(group: Stream) -> Iterator[tuple[tuple[int, float], tuple[int, float]]]:
    """Each point and the one before it, of points of one time the first."""
    before = None
    for point in group:
        if before is not None and point[0] == before[0]:
            continue
        if before is not None:
            yield before, point
        before = point


@given(GROUPS, st.integers(1, 20))
def test_changes(groups: list[Stream], unit: int) -> None:
    slopes = [[(t, (v - w) / ((t - s) / unit)) for (s, w), (t, v) in moving(group)] for group in groups]
    assert_same(walk("derivative", groups, (unit,)), slopes)
    assert_same(walk("non_negative_derivative", groups, (unit,)), [[p for p in g if p[1] >= 0] for g in slopes])
    steps = [[(t, v - w) for (_, w), (t, v) in moving(group)] for group in groups]
    assert_same(walk("difference", groups, ()), steps)
    assert_same(walk("non_negative_difference", groups, ()), [[p for p in group if p[1] >= 0] for group in steps])
    gaps = [[(t, (t - s) // unit) for (s, _), (t, _) in pairwise(g)] for g in groups]
    assert_same(walk("elapsed", groups, (unit,)), gaps)


@given(GROUPS, st.integers(2, 5))
def test_sums_and_means_of_the_last_values(groups: list[Stream], count: int) -> None:
    sums = [[(t, math.fsum(v for _, v in group[: i + 1])) for i, (t, _) in enumerate(group)] for group in groups]
    assert_same(walk("cumulative_sum", groups, ()), sums)
    means = [
        [
            (group[i][0], math.fsum(v for _, v in group[i - count + 1 : i + 1]) / count)
            for i in range(count - 1, len(group))
        ]
        for group in groups
    ]
    assert_same(walk("moving_average", groups, (count,)), means)


class Average:
    """An exponential average that is fed one value after the other, and begins in one of two ways."""

    def __init__(self, period: int, warmup: str, weight: float = 0.0) -> None:
        self.period, self.warmup, self.weight = period, warmup, weight or 2 / (period + 1)
        self.seen, self.value = 0, 0.0

    @property
    def warm(self) -> bool:
        return self.seen >= self.period

    def feed(self, value: float) -> float:
        if not self.seen:
            self.value = value
        elif self.warm:
            self.value += self.weight * (value - self.value)
        elif self.warmup == "simple":
            self.value = (self.value * self.seen + value) / (self.seen + 1)
        else:
            self.value += (value - self.value) * 2 / (self.seen + 2)
        self.seen += 1
        return self.value


def chained(averages: list[Average], value: float) -> list[float]:
    """What each of some averages of averages says; with a simple beginning each waits for the one before to be warm."""
    found = []
    for place, average in enumerate(averages):
        waits = place and averages[place - 1].warmup == "simple" and not averages[place - 1].warm
        value = value if waits else average.feed(value)
        found.append(value)
    return found


@given(GROUPS, st.integers(1, 5), st.sampled_from(["simple", "exponential"]))
def test_averages_of_averages(groups: list[Stream], period: int, warmup: str) -> None:
    single, double, triple = [], [], []
    for group in groups:
        averages = [Average(period, warmup) for _ in range(3)]
        said = [(time, chained(averages, value)) for time, value in group]
        single.append([(time, a) for time, (a, _, _) in said])
        double.append([(time, 2 * a - b) for time, (a, b, _) in said])
        triple.append([(time, 3 * a - 3 * b + c) for time, (a, b, c) in said])
    assert_same(walk("exponential_moving_average", groups, (period, 0, warmup)), single)
    assert_same(walk("double_exponential_moving_average", groups, (period, 0, warmup)), double)
    assert_same(walk("triple_exponential_moving_average", groups, (period, 0, warmup)), triple)
    held = [group[period - 1 :] for group in single]
    assert_same(walk("exponential_moving_average", groups, (period, -1, warmup)), held)


@given(GROUPS, st.integers(1, 5), st.sampled_from(["simple", "exponential"]))
def test_strength_and_momentum(groups: list[Stream], period: int, warmup: str) -> None:
    strength, momentum = [], []
    for group in groups:
        rises, falls = (Average(period + 1, warmup, 1 / period) for _ in range(2))
        last, said = 0.0, []
        for time, value in group:
            up, down = rises.feed(max(value - last, 0)), falls.feed(max(last - value, 0))
            last = value
            said.append((time, up, down))
        strength.append([(t, 100 * up / (up + down) if up + down else math.nan) for t, up, down in said])
        momentum.append([(t, 100 * (up - down) / (up + down) if up + down else math.nan) for t, up, down in said])
    assert_same(walk("relative_strength_index", groups, (period, 0, warmup)), strength)
    assert_same(walk("chande_momentum_oscillator", groups, (period, 0, warmup)), momentum)


@given(GROUPS, st.integers(1, 5))
def test_efficiency_and_the_average_that_adapts(groups: list[Stream], period: int) -> None:
    ratios, averages = [], []
    for group in groups:
        values = [0.0] * (period + 1) + [value for _, value in group]
        said, kept = [], 0.0
        mine: Stream = []
        for i, (time, value) in enumerate(group, period + 1):
            signal = abs(value - values[i - period] if i - period > period else value)
            noise = sum(abs(b - a) for a, b in zip(values[i - period : i], values[i - period + 1 : i + 1], strict=True))
            ratio = signal / noise if signal and noise else 0.0
            said.append((time, ratio))
            base = kept if i - period - 1 > period else values[i - 1]
            kept = base + (ratio * (2 / 3 - 2 / 31) + 2 / 31) ** 2 * (value - base)
            mine.append((time, kept))
        ratios.append(said)
        averages.append(mine)
    assert_same(walk("kaufmans_efficiency_ratio", groups, (period, 0)), ratios)
    assert_same(walk("kaufmans_adaptive_moving_average", groups, (period, 0)), averages)


@given(GROUPS, st.integers(1, 10), st.integers(1, 9))
def test_the_areas_of_buckets_are_the_area_of_all(groups: list[Stream], unit: int, every: int) -> None:
    whole = walk("integral", groups, (unit,))
    cut = walk("integral", groups, (unit,), Course(window=Window.tumbling(every)))
    for group, total, pieces in zip(groups, whole, cut, strict=True):
        first, last = dict(reversed(group)), dict(group)  # of points of one time lines lead to the first, from the last
        points = sorted(last.items())
        corners = [((s, w), (t, first[t])) for (s, w), (t, _) in pairwise(points)]
        expected = math.fsum((w + v) / 2 * (t - s) / unit for (s, w), (t, v) in corners)
        if points[-1][0]:
            assert total == [(0, pytest.approx(expected))]
        else:  # a last point at the very beginning has no area, wherever the first one is
            assert total == []
        if points[-1][0] % every:  # a last point at the very start of a bucket takes what led to it with it
            assert math.fsum(piece for _, piece in pieces) == pytest.approx(expected)
        assert all(bucket % every == 0 for bucket, _ in pieces)


@given(GROUPS, st.lists(st.floats(-1, 1), min_size=50, max_size=50))
def test_recurrences(groups: list[Stream], factors: list[float]) -> None:
    lengths = np.array([len(group) for group in groups])
    segments = Segments.from_starts(np.cumsum(lengths) - lengths, int(lengths.sum()))
    terms = np.array([value for group in groups for _, value in group])
    weights = np.array(factors[: len(terms)])
    expected, sums = [], []
    for start, length in zip(segments.starts.tolist(), lengths.tolist(), strict=True):
        value = total = 0.0
        for i in range(start, start + length):
            value = weights[i] * value * (i > start) + terms[i]
            total += terms[i]
            expected.append(value)
            sums.append(total)
    assert recur(weights, terms, segments).tolist() == pytest.approx(expected, abs=1e-6)
    assert running_sum(terms, segments).tolist() == sums
