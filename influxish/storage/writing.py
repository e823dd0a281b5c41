"""From a batch of points to rows of shards: what is refused and why, which shard each point belongs to.

Nothing is changed here; `accepting` carries out what `Intake` collected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from influxish.batch import Column, Mask, Positions
from influxish.storage.databases import PolicyState
from influxish.storage.points import PointBatch, PointTable, any_valid
from influxish.storage.shard import Shard
from influxish.storage.statistics import BEYOND_RETENTION
from influxish.types import DataType, TimeRange


@dataclass(frozen=True, eq=False)
class Portion:
    """Accepted points of one table that fall into one shard."""

    shard: Shard
    table: PointTable


class Intake:
    """Checks points against the types of their shards and sorts them by shard.

    Args:
        shard_of: the shard that covers a range of time, made if need be.
        oldest: ns; points before it are beyond the retention policy.
    """

    def __init__(self, policy: PolicyState, shard_of: Callable[[TimeRange], Shard], oldest: int | None) -> None:
        self._policy, self._shard_of, self._oldest = policy, shard_of, oldest
        self._types: dict[tuple[int, str, str], DataType] = {}
        self.portions: list[Portion] = []
        self.rejected: list[tuple[int, str]] = []
        self._kept_groups: Positions = np.zeros(0, np.int64)

    @property
    def types(self) -> Iterator[tuple[int, str, str, DataType]]:
        """(shard, measurement, field, type) of the fields that were not known before."""
        for (shard, measurement, name), type_ in self._types.items():
            yield shard, measurement, name, type_

    def take(self, points: PointBatch) -> None:
        """Accept or reject every point."""
        self._find_kept_groups(points)
        for table in points.tables:
            table = self._without_time(table)
            table = self._in_retention(table)
            for shard, part in self._by_shard(table):
                accepted = self._typed(shard, part)
                if len(accepted):
                    self.portions.append(Portion(shard, accepted))
        self.rejected.sort(key=lambda pair: pair[0])

    def _reject(self, table: PointTable, refused: Mask, reason: str) -> PointTable:
        if not refused.any():
            return table
        self.rejected += [(line, reason) for line in table.lines[refused].tolist()]
        return table.where(~refused)

    def _without_time(self, table: PointTable) -> PointTable:
        """A tag called `time` refuses its points; a field called so is left out, and points that have no other."""
        measurement = table.measurement
        wrong = np.array([any(key == "time" for key, _ in tags) for tags in table.series], np.bool_)
        if wrong.any():
            reason = f'invalid tag key: input tag "time" on measurement "{measurement}" is invalid'
            table = self._reject(table, wrong[table.rows], reason)
        if "time" in table.fields:
            others = [column for name, column in table.fields.items() if name != "time"]
            reason = f'invalid field name: input field "time" on measurement "{measurement}" is invalid'
            table = self._reject(table, ~any_valid(others, len(table)), reason).without_fields({"time"})
        return table

    def _in_retention(self, table: PointTable) -> PointTable:
        if self._oldest is None:
            return table
        old = table.times < self._oldest
        if old.any() and len(self._kept_groups):
            old &= ~np.isin(self._policy.group_of(table.times), self._kept_groups)
        return self._reject(table, old, BEYOND_RETENTION)

    def _find_kept_groups(self, points: PointBatch) -> None:
        """The groups that points young enough fall in: InfluxDB takes older ones into them, written together."""
        if self._oldest is not None:
            found = [self._policy.group_of(table.times[table.times >= self._oldest]) for table in points.tables]
            self._kept_groups = np.unique(np.concatenate(found)) if found else self._kept_groups

    def _by_shard(self, table: PointTable) -> Iterator[tuple[Shard, PointTable]]:
        if not len(table):
            return
        groups = self._policy.group_of(table.times)
        if groups[0] == groups.min() == groups.max():
            yield from self._of_group(int(groups[0]), table)
            return
        for group in np.unique(groups).tolist():
            yield from self._of_group(group, table.where(groups == group))

    def _of_group(self, group: int, table: PointTable) -> Iterator[tuple[Shard, PointTable]]:
        ranges = self._policy.ranges_of(group)
        if len(ranges) == 1:
            yield self._shard_of(ranges[0]), table
            return
        for covered in ranges:
            inside = (table.times >= covered.start) & (table.times < covered.stop)
            if inside.any():
                yield self._shard_of(covered), table.where(inside)

    def _typed(self, shard: Shard, table: PointTable) -> PointTable:
        known = shard.types.get(table.measurement, {})
        for name, column in list(table.fields.items()):
            key = (shard.id, table.measurement, name)
            existing = known.get(name) or self._types.get(key)
            if existing is not None and existing is not column.type:
                reason = (
                    f'field type conflict: input field "{name}" on measurement "{table.measurement}" '
                    f"is type {column.type.value}, already exists as type {existing.value}"
                )
                table = self._reject(table, table.fields[name].mask, reason)
        used = {name: column for name, column in table.fields.items() if _has_values(column)}
        for name, column in used.items():
            if name not in known:
                self._types[shard.id, table.measurement, name] = column.type
        return PointTable(table.measurement, table.series, table.rows, table.times, used, table.lines)


def _has_values(column: Column) -> bool:
    return len(column) > 0 and (column.valid is None or bool(column.valid.any()))
