"""What an engine tells of the data it has: shards to read, measurements, tags, series and fields.

Scans of a shard are `shard.py`; nothing here changes anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from influxish.batch import Mask
from influxish.functions.expression import Expression
from influxish.storage.engine_state import EngineState
from influxish.storage.index import MeasurementSeries
from influxish.storage.interface import RetentionPolicy
from influxish.storage.points import Tags
from influxish.storage.shard import ShardSnapshot
from influxish.types import ALL_TIME, TYPE_PREFERENCE, DataType, TimeRange

_SERIES_PER_LOOK = 16_384
"""Some 50 ms of listing and sorting."""


class Lookup(EngineState):
    """The methods of an engine that tell what it has."""

    def shards(self, database: str, policy: str = "", time_range: TimeRange = ALL_TIME) -> Sequence[ShardSnapshot]:
        """See `interface.Store`; "" is the default policy. Shards that are to be dropped for their age are not told.

        Raises:
            NotFound: no such database or policy.
        """
        with self._lock:
            self._usable()
            state = self._database(database)
            series = state.index.view()
            owner, now = state.policy(policy), time.time_ns()
            touched = (shard for shard in owner.shards.values() if shard.time_range.overlaps(time_range))
            found = [shard for shard in touched if not owner.is_expired(shard, now)]
            found.sort(key=lambda shard: shard.time_range.start)
            return [shard.snapshot(state.index, series) for shard in found]

    def shard_ranges(self, database: str) -> list[tuple[int, RetentionPolicy, TimeRange]]:
        """(number, policy, times covered) of every shard: by policy in the order in which they were made, then by time.

        Raises:
            NotFound: no such database.
        """
        with self._lock:
            states = list(self._database(database).policies.values())
            return [(s.id, p.policy, s.time_range) for p in states for _, s in sorted(p.shards.items())]

    def measurements(self, database: str) -> list[str]:
        """Names, sorted."""
        with self._lock:
            return self._database(database).measurements()

    def tag_keys(self, database: str, measurement: str, condition: Expression | None = None) -> list[str]:
        """The tag keys of the series for which `condition` (over tags) holds, sorted."""
        series = self._series(database, measurement)
        return series.used_keys(series.select(condition))

    def tag_values(self, database: str, measurement: str, key: str, condition: Expression | None = None) -> list[str]:
        """The values of one tag among the series for which `condition` (over tags) holds, sorted."""
        series = self._series(database, measurement)
        return series.used_values(key, series.select(condition))

    def series_keys(
        self,
        database: str,
        measurement: str,
        condition: Expression | None = None,
        look: Callable[[], None] = lambda: None,
        among: Mask | None = None,
    ) -> list[Tags]:
        """The tags of the series for which `condition` (over tags) holds, sorted.

        Args:
            look: called now and then while there is much to do; what it raises ends the call.
            among: (n,) bool: only those of the first n series that are marked; None: all.
        """
        series = self._series(database, measurement)
        if among is not None:
            series = series.among(np.append(among, np.zeros(series.count - len(among), np.bool_)))
        tags, found = iter(series.all_tags(series.select(condition))), list[Tags]()
        while some := sorted(islice(tags, _SERIES_PER_LOOK)):
            look()
            found += some
        found.sort()  # quick: Timsort finds the runs that are sorted already
        return found

    def count_series(self, database: str, measurement: str) -> int:
        """How many series a measurement has."""
        series = self._series(database, measurement)
        selected = series.select(None)
        return series.count if selected is None else int(selected.sum())

    def field_keys(self, database: str, measurement: str, policy: str | None = None) -> dict[str, tuple[DataType, ...]]:
        """Field → the types it has, in the order of `types.TYPE_PREFERENCE`; sorted by name. None: all policies."""
        found: dict[str, set[DataType]] = {}
        with self._lock:
            state = self._database(database)
            if state.index.series(measurement).is_empty:
                return {}  # the types of what was deleted are known to writes alone
            shards = state.shards() if policy is None else state.policy(policy).shards.values()
            for shard in shards:
                for name, type_ in shard.types.get(measurement, {}).items():
                    found.setdefault(name, set()).add(type_)
        return {name: tuple(sorted(found[name], key=TYPE_PREFERENCE.index)) for name in sorted(found)}

    def _series(self, database: str, measurement: str) -> MeasurementSeries:
        with self._lock:
            return self._database(database).index.series(measurement)
