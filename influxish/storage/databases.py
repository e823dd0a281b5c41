"""Databases, retention policies and their shards in memory, as the catalog has them on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from influxish.errors import NotFound
from influxish.storage.files import Removal
from influxish.storage.index import SeriesIndex
from influxish.storage.interface import RetentionPolicy
from influxish.storage.series_log import SeriesLog
from influxish.storage.shard import Shard
from influxish.types import DAY, MAX_TIME, MIN_TIME, Array, TimeRange, Times

_DAYS_BEFORE_EPOCH = 719_162
"""From 0001-01-01, a Monday, where Go's time.Truncate and so InfluxDB's shard groups begin, to 1970-01-01."""


@dataclass(eq=False)
class PolicyState:
    """A retention policy and its shards, by start.

    Attributes:
        mixed: whether shards were made while groups had another width.
    """

    id: int
    policy: RetentionPolicy
    shards: dict[int, Shard] = field(default_factory=dict)
    mixed: bool = False

    def group_of(self, times: Times) -> Array:
        """(n,) int64: the number of the shard group that each time falls in."""
        width = self.policy.shard_duration
        phase = _DAYS_BEFORE_EPOCH * DAY % width
        return times // width + (times % width >= width - phase).astype(np.int64)

    def is_expired(self, shard: Shard, now: int) -> bool:
        """Whether the last moment that a shard covers is longer ago than points are kept."""
        return 0 < self.policy.duration < now - shard.time_range.stop

    def group_range(self, group: int) -> TimeRange:
        """The times of a shard group, cut to those that exist."""
        width = self.policy.shard_duration
        start = group * width - _DAYS_BEFORE_EPOCH * DAY % width
        return TimeRange(max(start, MIN_TIME), min(start + width, MAX_TIME + 1))

    def ranges_of(self, group: int) -> list[TimeRange]:
        """The ranges of the shards that the times of a group belong to, there or to be made; ascending, disjoint.

        That is the range of the group. But where shards were made while groups had another width, they keep the times
        that they cover, and new ones fill the gaps between them: two shards that both cover a time could each have a
        point of one series at it.
        """
        whole = self.group_range(group)
        if not self.mixed:
            return [whole]
        older = sorted((s.time_range for s in self.shards.values()), key=lambda covered: covered.start)
        ranges, free = list[TimeRange](), whole.start
        for covered in (covered for covered in older if covered.overlaps(whole)):
            if free < covered.start:
                ranges.append(TimeRange(free, covered.start))
            ranges.append(covered)
            free = covered.stop
        return ranges if free >= whole.stop and ranges else [*ranges, TimeRange(free, whole.stop)]


@dataclass(eq=False)
class DatabaseState:
    """A database: its policies, its series, and where their log lies.

    Attributes:
        removal: of its folder, for when it is dropped; None for one in memory.
        unsaved: measurements of which series were removed that only the log says are.
    """

    id: int
    name: str
    index: SeriesIndex = field(default_factory=SeriesIndex)
    series_log: SeriesLog | None = None
    removal: Removal | None = None
    policies: dict[str, PolicyState] = field(default_factory=dict)
    unsaved: set[str] = field(default_factory=set)

    @property
    def default_policy(self) -> PolicyState:
        """The policy that is meant where none is named.

        Raises:
            NotFound: there is none.
        """
        for state in self.policies.values():
            if state.policy.default:
                return state
        raise NotFound(f"default retention policy not set for: {self.name}")

    def policy(self, name: str) -> PolicyState:
        """The policy called `name`; the default one for "".

        Raises:
            NotFound: there is none.
        """
        if not name:
            return self.default_policy
        state = self.policies.get(name)
        if state is None:
            raise NotFound(f"retention policy not found: {name}")
        return state

    def measurements(self) -> list[str]:
        """Names of the measurements that there are series of, sorted."""
        return self.index.measurements()

    def shards(self) -> Iterator[Shard]:
        """The shards of all policies."""
        for state in self.policies.values():
            yield from state.shards.values()


def database_folder(root: Path, database: int) -> Path:
    """Where the files of a database are."""
    return root / "data" / str(database)


def shard_folder(root: Path, database: int, shard: int) -> Path:
    """Where the segments of a shard are."""
    return database_folder(root, database) / str(shard)
