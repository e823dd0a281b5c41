"""What each group function answers, one point at a time in plain Python: the definition the kernels are held to."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from zlib import crc32

from influxish.types import DataType


@dataclass(frozen=True)
class Point:
    value: Any
    time: int
    keys: tuple[str, ...] = ()


Answer = list[tuple[Any, int | None]]  # (value, time of the selected point or None), in the order answered
Model = Callable[[list[Point], tuple[Any, ...], DataType], Answer]

MODELS: dict[str, Model] = {}


def model(name: str) -> Callable[[Model], Model]:
    def enter(function: Model) -> Model:
        MODELS[name] = function
        return function

    return enter


def wrapped(value: int, type: DataType) -> int:
    value %= 1 << 64
    return value - (1 << 64) if type is DataType.INTEGER and value >= 1 << 63 else value


@model("count")
def count(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    return [(len(points), None)]


@model("sum")
def total(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    if type is DataType.FLOAT:
        return [(math.fsum(point.value for point in points), None)]
    return [(wrapped(sum(point.value for point in points), type), None)]


@model("mean")
def mean(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    return [(total(points, (), type)[0][0] / len(points), None)]


@model("min")
def smallest(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    best = min(points, key=lambda point: (point.value, point.time))
    return [(best.value, best.time)]


@model("max")
def largest(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    value = max(point.value for point in points)
    return [(value, min(point.time for point in points if point.value == value))]


@model("first")
def first(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    time = min(point.time for point in points)
    best = min if type is DataType.BOOLEAN else max
    return [(best(point.value for point in points if point.time == time), time)]


@model("last")
def last(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    time = max(point.time for point in points)
    return [(max(point.value for point in points if point.time == time), time)]


@model("median")
def median(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    values = sorted(point.value for point in points)
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    apart = high - low
    if type is DataType.INTEGER:  # as a signed integer of 64 bits
        apart = (apart + 2**63) % 2**64 - 2**63
    return [(float(low) + float(apart) / 2, None)]


@model("mode")
def mode(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    if type is DataType.BOOLEAN:
        return [(sum(point.value for point in points) * 2 >= len(points), None)]
    winner, most, until = None, 0, 0
    for value in sorted({point.value for point in points}):
        times = [point.time for point in points if point.value == value]
        contends = winner is None or (len(times) > 1 and len(times) == most and min(times) <= until)
        if contends or len(times) > most:
            winner, most, until = value, len(times), max(times)
    return [(winner, None)]


@model("spread")
def spread(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    values = [point.value for point in points]
    difference = max(values) - min(values)
    return [(difference if type is DataType.FLOAT else wrapped(difference, type), None)]


@model("stddev")
def stddev(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    if len(points) == 1:
        return [(math.nan, None)]
    values = [Fraction(point.value) for point in points]
    average = sum(values) / len(values)
    return [(math.sqrt(sum((value - average) ** 2 for value in values) / (len(values) - 1)), None)]


@model("count(distinct)")
def count_distinct(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    return [(len({point.value for point in points}), None)]


@model("percentile")
def percentile(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    ranked = sorted(points, key=lambda point: (point.value, point.time))
    rank = math.floor(len(points) * arguments[0] / 100 + 0.5) - 1
    return [(ranked[rank].value, ranked[rank].time)] if 0 <= rank < len(ranked) else []


def best(points: list[Point], limit: int, sign: int) -> Answer:
    def rank(point: Point) -> tuple[Any, int]:
        return (sign * point.value, point.time)

    champions: dict[tuple[str, ...], Point] = {}
    for point in points:
        if point.keys not in champions or rank(point) < rank(champions[point.keys]):
            champions[point.keys] = point
    chosen = sorted(champions.values() if points[0].keys else points, key=rank)[:limit]
    return [(point.value, point.time) for point in sorted(chosen, key=lambda point: (point.time, rank(point)))]


@model("top")
def top(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    return best(points, arguments[0], -1)


@model("bottom")
def bottom(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    return best(points, arguments[0], 1)


@model("sample")
def sample(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    """Those with the smallest lots, which splitmix64 draws from their times and values."""
    mask = (1 << 64) - 1

    def lot(point: Point) -> int:
        value = point.value
        match type:
            case DataType.FLOAT:
                bits = int.from_bytes(struct.pack("<d", value), "little")
            case DataType.STRING:
                bits = crc32(value.encode())
            case _:
                bits = int(value) & mask
        turned = bits << 1 & mask | bits >> 63
        mixed = ((point.time & mask) ^ turned) + 0x9E3779B97F4A7C15 & mask
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & mask
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & mask
        return mixed ^ (mixed >> 31)

    chosen = sorted(points, key=lambda point: (lot(point), point.time))[: arguments[0]]
    return [(point.value, point.time) for point in sorted(chosen, key=lambda point: (point.time, lot(point)))]


@model("distinct")
def distinct(points: list[Point], arguments: tuple[Any, ...], type: DataType) -> Answer:
    found = {(min(other.time for other in points if other.value == point.value), point.value) for point in points}
    return [(value, time) for time, value in sorted(found)]
