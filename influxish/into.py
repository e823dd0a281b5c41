"""SELECT … INTO: rows of an answer become points, which are written in batches.

Source of what is written: influxdata/influxdb 1.8, coordinator, convertRowToPoints and BufferedPointsWriter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from influxish.batch import Batch, Column, GroupTable, Mask
from influxish.errors import ExecutionError, PartialWrite, WriteError
from influxish.functions.interruption import interrupted_by, look
from influxish.plan.nodes import Emit
from influxish.plan.target import Write
from influxish.storage.arrays import check_text
from influxish.storage.engine import Engine
from influxish.storage.interface import Sink
from influxish.storage.points import PointBatch, PointTable, any_valid, check_key_length
from influxish.storage.statistics import BEYOND_RETENTION
from influxish.types import DataType

POINTS_OF_A_WRITE = 10_000
"""How many points are written together, as InfluxDB has it: of so many an error tells how many were refused."""


class Rehearsal(Sink):
    """Counts the points that would be written: EXPLAIN ANALYZE does everything else."""

    def __init__(self, target: Write) -> None:
        self._rows = RowsToPoints(target)
        self._counted = 0

    def add(self, rows: Batch) -> None:
        self._counted += self._rows.storable(rows).rows

    def finish(self) -> int:
        return self._counted


class EngineSink(Sink):
    """Writes points to an engine, `POINTS_OF_A_WRITE` at a time. Each time they are durable before it goes on."""

    def __init__(self, target: Write, engine: Engine) -> None:
        self._target, self._engine = target, engine
        self._rows = RowsToPoints(target)
        self._waiting: list[Batch] = []
        self._free = POINTS_OF_A_WRITE
        self._written = 0

    def add(self, rows: Batch) -> None:
        rows = self._rows.storable(rows)
        start = 0
        while start < rows.rows:
            stop = min(start + self._free, rows.rows)
            self._waiting.append(rows.slice(start, stop))
            self._free -= stop - start
            start = stop
            if not self._free:
                self._write()

    def finish(self) -> int:
        if self._waiting:
            self._write()
        return self._written

    def _write(self) -> None:
        look()
        batch = Batch.concat(self._waiting)
        self._waiting, self._free = [], POINTS_OF_A_WRITE
        points = PointBatch(tuple(self._rows.tables(batch)))
        try:
            with interrupted_by(lambda: None):  # a write, and a flush that it sets off, is done or not begun
                self._engine.write(self._target.database, self._target.policy, points)
        except PartialWrite as error:
            raise _worded(error) from None
        self._written += batch.rows


class RowsToPoints:
    """Knows which column of an answer is which field.

    Args:
        target: linked; it reads an `Emit`.
    """

    def __init__(self, target: Write) -> None:
        emit = target.source
        assert isinstance(emit, Emit)
        self._measurement, self._time_name = target.measurement, emit.time_name
        columns = [(column.name, str(place)) for place, column in enumerate(emit.columns)]
        fields = len(columns) - target.tags
        # Of two columns of one name InfluxDB writes the last, also where that has no value.
        self._fields, self._tags = dict(columns[:fields]), dict(columns[fields:])

    def storable(self, rows: Batch) -> Batch:
        """The rows that make a point, with the fields by name: all that have a value, and none that is infinite.

        Raises:
            ExecutionError: the columns have names from which no points can be made.
            WriteError: a name has no bytes.
        """
        if self._time_name != "time":
            raise ExecutionError("error finding time index in result")
        if "time" in self._fields:
            raise ExecutionError("a field cannot be called time: give the column another name with AS")
        check_text("the name of the measurement", [self._measurement])
        check_text("the name of a column", [*self._fields, *self._tags])
        rows = self._with_tags(rows)
        fields = {name: _field(rows.columns[label]) for name, label in self._fields.items()}
        keep = any_valid(fields.values(), rows.rows) & self._short_enough(rows)
        for column in fields.values():
            if column.type is DataType.FLOAT:
                keep &= ~(np.isinf(column.values) & column.mask)
        return rows.with_columns(fields).where(keep)

    def _with_tags(self, rows: Batch) -> Batch:
        """The rows, grouped by the columns that become tags as well; those that hold no tags are left out."""
        found = {name: rows.columns[label] for name, label in self._tags.items() if name not in rows.groups.dimensions}
        columns = {name: column for name, column in found.items() if column.type is DataType.TAG}
        if not columns:
            return rows
        ids = rows.row_groups
        values = {name: np.where(column.mask, column.values, "") for name, column in columns.items()}
        values |= {name: held[ids] for name, held in zip(rows.groups.dimensions, rows.groups.values, strict=True)}
        keys = tuple(sorted(values))
        groups, row_groups = GroupTable.of_rows(keys, rows.groups.names[ids], [values[key] for key in keys])
        return Batch.of_rows(groups, row_groups, rows.times, rows.columns)

    def _short_enough(self, rows: Batch) -> Mask:
        """Where the name of the series is one that can be stored."""
        fits = np.ones(len(rows.groups), np.bool_)
        for group in np.unique(rows.run_groups).tolist():
            try:
                check_key_length(self._measurement or rows.groups.key(group)[0], _tags(rows.groups.tags(group)))
            except WriteError:
                fits[group] = False
        kept: Mask = fits[rows.row_groups]
        return kept

    def tables(self, rows: Batch) -> Iterator[PointTable]:
        """The points of rows that are storable, by measurement; those of one in the order of the rows."""
        groups, ids = rows.groups, rows.row_groups
        if self._measurement:
            names = np.full(len(groups), self._measurement, object)
            groups, mapping = GroupTable.of_rows(groups.dimensions, names, groups.values)
            ids = mapping[ids]
        for name in np.unique(groups.names[ids]).tolist():
            inside = groups.names[ids] == name
            used, positions = np.unique(ids[inside], return_inverse=True)
            yield PointTable(
                measurement=name,
                series=tuple(_tags(groups.tags(group)) for group in used.tolist()),
                rows=positions.reshape(-1).astype(np.int64),
                times=rows.times[inside],
                fields={field: column.take(inside) for field, column in rows.columns.items()},
                lines=np.zeros(int(inside.sum()), np.int64),
            )


def _tags(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in sorted(tags.items()) if value)


def _field(column: Column) -> Column:
    """A column of an answer as a field: a tag becomes text, what prints as null is no value."""
    if column.type is DataType.TAG:
        return Column(DataType.STRING, column.values, column.mask & (column.values != ""))
    if column.type is DataType.FLOAT:
        return Column(DataType.FLOAT, column.values, column.mask & ~np.isnan(column.values))
    return column


def _worded(error: PartialWrite) -> PartialWrite:
    """The server tells of other reasons first where points are beyond retention, and counts points of that kind."""
    other = [reason for _, reason in error.rejected if reason != BEYOND_RETENTION]
    reason, dropped = (other[0], len(other)) if other else (BEYOND_RETENTION, len(error.rejected))
    message = f"partial write: {reason} dropped={dropped}"
    return PartialWrite(message, rejected=error.rejected, written=error.written)
