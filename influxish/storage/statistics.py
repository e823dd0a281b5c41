"""Figures about a store: what was written since it was opened, and what lies where."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from influxish.storage.catalog import Catalog
from influxish.storage.databases import DatabaseState, shard_folder
from influxish.storage.ownership import OwnerLock

BEYOND_RETENTION = "points beyond retention policy"
"""Why `Intake` refuses points that are too old."""


@dataclass(slots=True)
class WriteCounts:
    """What was written since a store was opened.

    Attributes:
        requests, points: asked for.
        succeeded, failed: requests of which no point was refused for its fields, and the others.
        too_old: points refused because their policy keeps none of that time.
    """

    requests: int = 0
    points: int = 0
    succeeded: int = 0
    failed: int = 0
    too_old: int = 0


@dataclass(frozen=True, slots=True)
class ShardSize:
    """Where a shard lies and how much of the disk it takes.

    Attributes:
        path: its folder; None in memory.
        files: how many segments it has.
        bytes: of those.
    """

    id: int
    database: str
    policy: str
    path: Path | None
    files: int
    bytes: int


class Statistics:
    """Figures of one engine. Thread-safe.

    Attributes:
        opened: UTC ns, when counting began.
    """

    def __init__(
        self,
        root: Path | None,
        lock: OwnerLock,
        usable: Callable[[], Catalog],
        databases: Mapping[str, DatabaseState],
    ) -> None:
        self.opened = time.time_ns()
        self._root, self._lock, self._usable, self._databases = root, lock, usable, databases
        self._counts, self._counting = WriteCounts(), threading.Lock()

    @property
    def writes(self) -> WriteCounts:
        """What was written, as of now."""
        with self._counting:
            counts = self._counts
            return WriteCounts(counts.requests, counts.points, counts.succeeded, counts.failed, counts.too_old)

    def write_begins(self, points: int) -> None:
        """Count what is asked for."""
        with self._counting:
            self._counts.requests += 1
            self._counts.points += points

    def write_ends(self, rejected: Sequence[tuple[int, str]]) -> None:
        """Count a write that is done, by what was refused of it: (line, reason) of each point."""
        too_old = sum(reason == BEYOND_RETENTION for _, reason in rejected)
        with self._counting:
            self._counts.too_old += too_old
            if len(rejected) == too_old:
                self._counts.succeeded += 1
            else:
                self._counts.failed += 1

    def shards(self) -> list[ShardSize]:
        """All shards: by database, by policy, by time."""
        with self._lock:
            self._usable()
            return [
                ShardSize(
                    id=shard.id,
                    database=database.name,
                    policy=policy.policy.name,
                    path=None if self._root is None else shard_folder(self._root, database.id, shard.id),
                    files=len(shard.segments),
                    bytes=sum(segment.size for segment in shard.segments),
                )
                for database in self._databases.values()
                for policy in database.policies.values()
                for _, shard in sorted(policy.shards.items())
            ]
