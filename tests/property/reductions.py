"""What is stored after all writes, and what each function makes of the points of a bucket, one at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tests.property.language import FIELD_TYPES, Call, Point, Value

Cell = Value | None


@dataclass(frozen=True)
class Stored:
    """A point after all writes."""

    tags: dict[str, str]
    time: int
    fields: dict[str, Value]

    @property
    def series(self) -> str:
        """The key of its series: what puts points of one time in order."""
        return ",".join(f"{key}={value}" for key, value in sorted(self.tags.items()))

    def cell(self, name: str) -> Cell:
        """A field or tag as a column shows it."""
        return self.fields.get(name) if name in FIELD_TYPES else self.tags.get(name)


def stored(points: Iterable[Point]) -> list[Stored]:
    """What is there after writing the points in order: fields of one series and time are united, the last one wins."""
    merged: dict[tuple[tuple[tuple[str, str], ...], int], dict[str, Value]] = defaultdict(dict)
    for point in points:
        merged[point.tags, point.time].update(point.fields)
    return [Stored(dict(tags), time, fields) for (tags, time), fields in merged.items()]


@dataclass(frozen=True)
class Sample:
    value: Value
    time: int
    point: Stored


@dataclass(frozen=True)
class Result:
    value: Cell
    time: int | None = None
    point: Stored | None = None


def samples_of(points: Iterable[Stored], field: str) -> list[Sample]:
    """By time, then value; those that are alike stay in the order of the points."""
    found = [Sample(point.fields[field], point.time, point) for point in points if field in point.fields]
    return sorted(found, key=lambda sample: (sample.time, sample.value))


def apply(call: Call, samples: list[Sample], *, backwards: bool = False) -> list[Result]:
    """At most one result, but for top, bottom and distinct. `samples` are not empty, and sorted by time, then value."""
    values = [sample.value for sample in samples]
    match call.function:
        case "count":
            return [Result(len(values))]
        case "count(distinct)":
            return [Result(len(set(values)))]
        case "distinct" if backwards:  # by the last time of each
            return [Result(value) for value in reversed(dict.fromkeys(reversed(values)))]
        case "distinct":
            return [Result(value) for value in dict.fromkeys(values)]
        case "mode":
            return [Result(_mode(samples))]
        case "min":
            return [_selected(min(samples, key=lambda sample: (sample.value, sample.time)))]
        case "max":
            largest = max(values)
            return [_selected(next(sample for sample in samples if sample.value == largest))]
        case "first":
            return [_selected(_largest_at(samples[0].time, samples))]
        case "last":
            return [_selected(_largest_at(samples[-1].time, samples))]
        case "percentile":
            ranked = sorted(samples, key=lambda sample: (sample.value, sample.time))
            index = math.floor(Fraction(len(ranked)) * Fraction(call.numbers[0]) / 100 + Fraction(1, 2)) - 1
            return [_selected(ranked[index])] if 0 <= index < len(ranked) else []
        case "top" | "bottom":
            return [_selected(sample) for sample in _extremes(call, samples)]
    return [Result(_number(call.function, values))]  # type: ignore[arg-type]


def _selected(sample: Sample) -> Result:
    return Result(sample.value, sample.time, sample.point)


def _largest_at(time: int, samples: list[Sample]) -> Sample:
    there = [sample for sample in samples if sample.time == time]
    return next(sample for sample in there if sample.value == there[-1].value)


def _number(function: str, values: list[float | int]) -> float | int:
    exact = [Fraction(value) for value in values]
    total = sum(exact, Fraction(0))
    whole = isinstance(values[0], int)
    match function:
        case "sum":
            return int(total) if whole else float(total)
        case "mean":
            return float(total / len(exact))
        case "spread":
            return max(values) - min(values)
        case "median":
            ranked, middle = sorted(exact), len(exact) // 2
            return float(ranked[middle] if len(exact) % 2 else (ranked[middle - 1] + ranked[middle]) / 2)
        case "stddev":
            squares = sum((value - total / len(exact)) ** 2 for value in exact)
            return math.sqrt(squares / (len(exact) - 1)) if len(exact) > 1 else math.nan
    raise AssertionError(function)


def _mode(samples: list[Sample]) -> Value:
    """Values in ascending order; an equal count replaces the winner unless it begins after the winner's last point."""
    if isinstance(samples[0].value, bool):
        return sum(bool(sample.value) for sample in samples) * 2 >= len(samples)
    winner, most, until = None, 0, 0
    for value in sorted({sample.value for sample in samples}):
        times = [sample.time for sample in samples if sample.value == value]
        if winner is None or len(times) > most or (len(times) == most > 1 and times[0] <= until):
            winner, most, until = value, len(times), times[-1]
    assert winner is not None
    return winner


def _extremes(call: Call, samples: list[Sample]) -> list[Sample]:
    sign = -1 if call.function == "top" else 1

    def rank(sample: Sample) -> tuple[float, int]:
        assert isinstance(sample.value, int | float)
        return sign * sample.value, sample.time

    if call.keys:
        champions: dict[tuple[str, ...], Sample] = {}
        for sample in samples:
            combination = tuple(sample.point.tags.get(key, "") for key in call.keys)
            if combination not in champions or rank(sample) < rank(champions[combination]):
                champions[combination] = sample
        samples = [champions[combination] for combination in sorted(champions)]  # so it orders those that tie
    chosen = sorted(samples, key=rank)[: int(call.numbers[-1])]
    return sorted(chosen, key=lambda sample: sample.time)
