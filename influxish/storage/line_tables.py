"""Converted lines gathered into tables: by measurement, a table for each set of types, rows in the order of the lines.

Reading the lines is `line_protocol.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from influxish.batch import Column, Positions
from influxish.storage.points import PointBatch, PointTable, Tags
from influxish.types import DataType, Times


@dataclass
class Part:
    """Points of one measurement with the same fields.

    Attributes:
        lines: (n,) numbers of their lines.
        series: (n,) places of their series in those of the measurement.
        times: (n,) ns.
        fields: name → (n,) values.
    """

    lines: Positions
    series: Positions
    times: Times
    fields: dict[str, Column]


@dataclass
class Measurement:
    """What is gathered of one measurement: its series by number, and parts in any order."""

    series: dict[Tags, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    def number(self, tags: Tags) -> int:
        """The number of a series, a new one for tags not seen before."""
        return self.series.setdefault(tags, len(self.series))


class Gathered:
    """What is gathered of a text, by measurement."""

    def __init__(self) -> None:
        self._measurements: dict[str, Measurement] = {}

    def measurement(self, name: str) -> Measurement:
        """That of a name, a new one if the name is new."""
        return self._measurements.setdefault(name, Measurement())

    def batch(self) -> PointBatch:
        """All points; those of a measurement in the order of their lines."""
        tables = []
        for name, found in self._measurements.items():
            tables += [_table(name, tuple(found.series), parts) for parts in _alike(found.parts)]
        return PointBatch(tuple(tables))


def _alike(parts: Sequence[Part]) -> list[list[Part]]:
    """Group parts so that within a group every field has one type; the earliest line decides who comes first."""
    groups: list[tuple[dict[str, DataType], list[Part]]] = []
    for part in sorted(parts, key=lambda part: int(part.lines[0])):
        types = {name: column.type for name, column in part.fields.items()}
        for known, members in groups:
            if all(known.get(name, type_) is type_ for name, type_ in types.items()):
                known.update(types)
                members.append(part)
                break
        else:
            groups.append((types, [part]))
    return [members for _, members in groups]


def _table(measurement: str, series: tuple[Tags, ...], parts: Sequence[Part]) -> PointTable:
    if len(parts) == 1:
        part = parts[0]
        return PointTable(measurement, series, part.series, part.times, part.fields, part.lines)
    lines = np.concatenate([part.lines for part in parts])
    order = np.argsort(lines, kind="stable")
    types = {name: column.type for part in parts for name, column in part.fields.items()}
    fields = {}
    for name, type_ in types.items():
        found = [part.fields.get(name) or Column.absent(type_, len(part.lines)) for part in parts]
        fields[name] = Column.concat(found).take(order)
    numbers = np.concatenate([part.series for part in parts])
    times = np.concatenate([part.times for part in parts])
    return PointTable(measurement, series, numbers[order], times[order], fields, lines[order])
