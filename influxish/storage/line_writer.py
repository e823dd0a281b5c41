"""Points and series keys as line protocol: the way back of `line_protocol`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from influxish.batch import Column
from influxish.storage.points import PointBatch, PointTable
from influxish.types import DataType


def series_key(measurement: str, tags: Iterable[tuple[str, str]]) -> str:
    """A series as line protocol writes it, with its escapes."""
    name = measurement.replace(",", "\\,").replace(" ", "\\ ")
    return ",".join([name, *(f"{_escaped(key)}={_escaped(value)}" for key, value in tags)])


def write_lines(points: PointBatch) -> Iterator[str]:
    """One line for each point, without its line feed, times in ns.

    A line feed in a name or a tag, for which line protocol has no spelling, becomes a backslash and an n.
    """
    for table in points.tables:
        yield from _lines(table)


def _lines(table: PointTable) -> Iterator[str]:
    keys = [series_key(table.measurement, tags).replace("\n", "\\n") for tags in table.series]
    fields: list[list[str]] = []
    for name, column in table.fields.items():
        prefix = _escaped(name).replace("\n", "\\n") + "="
        fields.append([text and prefix + text for text in _texts(column)])
    for row, time, *values in zip(table.rows.tolist(), table.times.tolist(), *fields, strict=True):
        yield f"{keys[row]} {','.join(filter(None, values))} {time}"


def _texts(column: Column) -> list[str]:
    """The text of each value, "" where there is none."""
    values = column.values.tolist()
    if column.type is DataType.STRING:
        texts = ['"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    elif column.type is DataType.BOOLEAN:
        texts = ["true" if value else "false" for value in values]
    else:
        suffix = {DataType.INTEGER: "i", DataType.UNSIGNED: "u"}.get(column.type, "")
        texts = [f"{value!r}{suffix}" for value in values]
    if column.valid is None:
        return texts
    return [text if kept else "" for text, kept in zip(texts, column.valid.tolist(), strict=True)]


def _escaped(text: str) -> str:
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
