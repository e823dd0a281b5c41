"""Columns, group tables and batches: what flows between storage, operators and the emitter.

A batch is columnar and bounded; group keys live once in a table and rows carry run lengths, never keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from influxish.types import Array, DataType, Times

BATCH_ROWS = 65_536
"""About how many rows a batch holds; a bound on memory and on the time between two looks at the cancel switch."""

Mask = NDArray[np.bool_]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values of one type with an optional validity mask.

    Attributes:
        type: what the values are; `type.dtype` is the dtype of `values`.
        values: (n,). What stands in invalid places is unspecified.
        valid: (n,) bool, or None when every value is valid. A float NaN that is valid is a value that prints as null.
        default: the number that is answered in places without a value, though the column is of another type, as
            fill(0) has it in a column of texts; None: null. Nothing is computed with it.
    """

    type: DataType
    values: Array
    valid: Mask | None = None
    default: float | int | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nbytes(self) -> int:
        """Bytes held. Strings count as pointers and a guess of 48 bytes of text each; tags share their texts."""
        size = self.values.nbytes + (0 if self.valid is None else self.valid.nbytes)
        return size + 48 * len(self.values) if self.type is DataType.STRING else size

    @property
    def mask(self) -> Mask:
        """(n,) bool: True where there is a value."""
        return np.ones(len(self.values), np.bool_) if self.valid is None else self.valid

    def take(self, positions: Positions | Mask | slice) -> Column:
        """The values at `positions` (indices, a mask or a slice), in that order."""
        valid = None if self.valid is None else self.valid[positions]
        return Column(self.type, self.values[positions], valid, self.default)

    @staticmethod
    def concat(columns: Sequence[Column]) -> Column:
        """The columns end to end. They are of one type, and have one default if any."""
        if len(columns) == 1:
            return columns[0]
        valid = None
        if any(column.valid is not None for column in columns):
            valid = np.concatenate([column.mask for column in columns])
        default = next((column.default for column in columns if column.default is not None), None)
        return Column(columns[0].type, np.concatenate([column.values for column in columns]), valid, default)

    @staticmethod
    def absent(type: DataType, rows: int) -> Column:
        """`rows` places without a value."""
        return Column(type, np.zeros(rows, type.dtype), np.zeros(rows, np.bool_))

    @staticmethod
    def constant(type: DataType, value: object, rows: int) -> Column:
        """`value` repeated `rows` times."""
        values = np.empty(rows, type.dtype)
        values[:] = value
        return Column(type, values)


@dataclass(frozen=True, eq=False)
class GroupTable:
    """The keys of all groups of a stream, in the order in which groups are answered.

    A key is the measurement's name and one value per dimension ("" for a missing tag). Keys are distinct and ascend
    by (name, values), so a group's id is also its rank.

    Attributes:
        dimensions: the tag keys grouped by, sorted.
        names: (g,) object array of measurement names.
        values: for each dimension, (g,) object array of tag values.
    """

    dimensions: tuple[str, ...]
    names: Array
    values: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def key(self, group: int) -> tuple[str, ...]:
        """(name, value of each dimension) of one group."""
        return (self.names[group], *(column[group] for column in self.values))

    def tags(self, group: int) -> dict[str, str]:
        """Dimension → value of one group, in the order of the dimensions."""
        return {name: column[group] for name, column in zip(self.dimensions, self.values, strict=True)}

    @cached_property
    def keys(self) -> list[tuple[str, ...]]:
        return list(zip(self.names.tolist(), *(column.tolist() for column in self.values), strict=True))

    @staticmethod
    def single(name: str) -> GroupTable:
        """One group: the measurement itself."""
        return GroupTable((), object_array([name]))

    @staticmethod
    def of_rows(dimensions: tuple[str, ...], names: Array, values: Sequence[Array]) -> tuple[GroupTable, Positions]:
        """The table of the distinct keys among n rows, and the group id of each row.

        Args:
            dimensions: the tag keys, sorted.
            names: (n,) object array of measurement names.
            values: one (n,) object array per dimension.
        Returns:
            the table, and (n,) int64 ids into it.
        """
        ids, columns = np.zeros(len(names), np.int64), (names, *values)
        for column in columns:
            # Each step ranks the pair (rank so far, this column), so ids stay below n and nothing can overflow.
            distinct, codes = np.unique(column, return_inverse=True)
            ids = np.unique(ids * len(distinct) + codes.reshape(-1), return_inverse=True)[1].reshape(-1)
        first = np.unique(ids, return_index=True)[1]
        table = GroupTable(dimensions, names[first], tuple(column[first] for column in values))
        return table, ids.astype(np.int64)

    def project(self, dimensions: tuple[str, ...]) -> tuple[GroupTable, Positions]:
        """The table with only `dimensions` (sorted; unknown ones have the value ""), and old id → new id."""
        if dimensions == self.dimensions:
            return self, np.arange(len(self), dtype=np.int64)
        known = dict(zip(self.dimensions, self.values, strict=True))
        missing = object_array([""] * len(self))
        return GroupTable.of_rows(dimensions, self.names, [known.get(name, missing) for name in dimensions])

    @staticmethod
    def union(tables: Sequence[GroupTable]) -> tuple[GroupTable, list[Positions]]:
        """One table for streams that meet, and for each of `tables` its old id → new id. Dimensions agree."""
        if all(table is tables[0] for table in tables):
            same = np.arange(len(tables[0]), dtype=np.int64)
            return tables[0], [same] * len(tables)
        names = np.concatenate([table.names for table in tables])
        values = [np.concatenate([table.values[i] for table in tables]) for i in range(len(tables[0].dimensions))]
        merged, ids = GroupTable.of_rows(tables[0].dimensions, names, values)
        stops = np.cumsum([len(table) for table in tables])[:-1]
        return merged, np.split(ids, stops)


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows in runs: each run belongs to one group, and its times are monotonic (ascending unless said otherwise).

    Attributes:
        groups: the table that `run_groups` points into. Batches of one stream may carry different tables.
        run_groups: (k,) int64 group id of each run. A group may have several runs in one batch.
        run_offsets: (k + 1,) int64, ascending from 0 to n: run i holds rows [run_offsets[i], run_offsets[i + 1]). No
            run is empty.
        times: (n,) int64 ns.
        columns: label → (n,) column.
        run_ranks: (k,) int64 place of each run's series among the series of its source, or None. Rows of one group and
            time are answered in this order; with None they stay in the order in which they come.
    """

    groups: GroupTable
    run_groups: Positions
    run_offsets: Positions
    times: Times
    columns: Mapping[str, Column]
    run_ranks: Positions | None = None

    @property
    def rows(self) -> int:
        return len(self.times)

    @cached_property
    def nbytes(self) -> int:
        """Bytes of rows held; the group table is shared and not counted."""
        own = self.run_groups.nbytes + self.run_offsets.nbytes + self.times.nbytes
        return own + sum(column.nbytes for column in self.columns.values())

    @property
    def row_groups(self) -> Positions:
        """(n,) group id of each row."""
        return np.repeat(self.run_groups, np.diff(self.run_offsets))

    @property
    def row_ranks(self) -> Positions:
        """(n,) rank of each row; 0 where runs have none."""
        if self.run_ranks is None:
            return np.zeros(self.rows, np.int64)
        return np.repeat(self.run_ranks, np.diff(self.run_offsets))

    def with_columns(self, columns: Mapping[str, Column]) -> Batch:
        """The same rows with other columns."""
        return Batch(self.groups, self.run_groups, self.run_offsets, self.times, columns, self.run_ranks)

    def at_place(self, place: int) -> Batch:
        """The same rows, ranked behind those of all sources at lower places; ranks are below 2⁴⁰ so far."""
        if not place or self.run_ranks is None:
            return self
        ranks = self.run_ranks + (place << 40)
        return Batch(self.groups, self.run_groups, self.run_offsets, self.times, self.columns, ranks)

    def where(self, mask: Mask) -> Batch:
        """Only the rows for which `mask` (n,) is True."""
        if mask.all():
            return self
        before = np.concatenate([[0], np.cumsum(mask)])[self.run_offsets]
        kept = np.flatnonzero(np.diff(before))
        return Batch(
            self.groups,
            self.run_groups[kept],
            np.append(before[kept], before[-1]).astype(np.int64),
            self.times[mask],
            {label: column.take(mask) for label, column in self.columns.items()},
            None if self.run_ranks is None else self.run_ranks[kept],
        )

    def slice(self, start: int, stop: int) -> Batch:
        """Rows [start, stop), start < stop, as views."""
        first = int(np.searchsorted(self.run_offsets, start, "right")) - 1
        last = int(np.searchsorted(self.run_offsets, stop, "left"))
        offsets = np.clip(self.run_offsets[first : last + 1], start, stop) - start
        columns = {label: column.take(slice(start, stop)) for label, column in self.columns.items()}
        ranks = None if self.run_ranks is None else self.run_ranks[first:last]
        return Batch(self.groups, self.run_groups[first:last], offsets, self.times[start:stop], columns, ranks)

    def reversed(self) -> Batch:
        """The rows in the opposite order."""
        backwards = slice(None, None, -1)
        return Batch(
            self.groups,
            self.run_groups[backwards],
            self.rows - self.run_offsets[backwards],
            self.times[backwards],
            {label: column.take(backwards) for label, column in self.columns.items()},
            None if self.run_ranks is None else self.run_ranks[backwards],
        )

    @staticmethod
    def of_rows(
        groups: GroupTable,
        row_groups: Positions,
        times: Times,
        columns: Mapping[str, Column],
        row_ranks: Positions | None = None,
    ) -> Batch:
        """A batch from a group id, and perhaps a rank, per row; neighbours of one group and rank form a run."""
        changed = row_groups[1:] != row_groups[:-1]
        if row_ranks is not None:
            changed |= row_ranks[1:] != row_ranks[:-1]
        changes = np.flatnonzero(changed) + 1
        offsets = np.concatenate([[0], changes, [len(row_groups)]]).astype(np.int64)
        if not len(row_groups):
            offsets = np.zeros(1, np.int64)
        ranks = None if row_ranks is None else row_ranks[offsets[:-1]]
        return Batch(groups, row_groups[offsets[:-1]].astype(np.int64), offsets, times, columns, ranks)

    @staticmethod
    def empty(groups: GroupTable, types: Mapping[str, DataType]) -> Batch:
        """No rows, with the given columns."""
        none = np.zeros(0, np.int64)
        columns = {label: Column(type, np.zeros(0, type.dtype)) for label, type in types.items()}
        return Batch(groups, none, np.zeros(1, np.int64), none, columns)

    @staticmethod
    def concat(batches: Sequence[Batch], look: Callable[[], None] = lambda: None) -> Batch:
        """The rows of all batches in order, under one group table. All have the same labels; at least one batch.

        Args:
            look: called before each column is made, for who may have to stop; what it raises goes through.
        """
        if len(batches) == 1:
            return batches[0]
        groups, mappings = GroupTable.union([batch.groups for batch in batches])
        bases = np.cumsum([0, *(batch.rows for batch in batches)])
        offsets = [batch.run_offsets[:-1] + base for batch, base in zip(batches, bases, strict=False)]
        columns: dict[str, Column] = {}
        for label in batches[0].columns:
            look()
            columns[label] = Column.concat([batch.columns[label] for batch in batches])
        return Batch(
            groups,
            np.concatenate([ids[batch.run_groups] for ids, batch in zip(mappings, batches, strict=True)]),
            np.concatenate([*offsets, bases[-1:]]),
            np.concatenate([batch.times for batch in batches]),
            columns,
            _concatenated_ranks(batches),
        )


def _concatenated_ranks(batches: Sequence[Batch]) -> Positions | None:
    ranks = [batch.run_ranks for batch in batches if batch.run_ranks is not None]
    return np.concatenate(ranks) if len(ranks) == len(batches) else None


def object_array(values: Iterable[object]) -> Array:
    """A one-dimensional object array, also when the elements are sequences."""
    items = list(values)
    result = np.empty(len(items), object)
    result[:] = items
    return result
