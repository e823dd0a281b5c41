"""When a continuous query is due, and which times it then computes. Nothing here runs anything or reads a clock.

Source of the rules: influxdata/influxdb 1.8, services/continuous_querier, ExecuteContinuousQuery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from influxish.functions.windows import bucket_starts, bucket_stops, zone_offsets
from influxish.types import MAX_TIME, MIN_TIME, TimeRange, Window


@dataclass(frozen=True, slots=True)
class Turn:
    """That a continuous query is due.

    Attributes:
        time: ns; the turn that this is, from which the next one is counted.
        time_range: the times to compute; None where no bucket has ended.
    """

    time: int
    time_range: TimeRange | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a continuous query is repeated.

    Attributes:
        interval, offset: ns; of GROUP BY time(interval, offset).
        every: ns from one turn to the next.
        horizon: ns of time that a turn computes, at least; a turn after a gap computes what was missed.
        zone: IANA name; turns and buckets follow its clock.
    """

    interval: int
    offset: int
    every: int
    horizon: int
    zone: str = ""

    @staticmethod
    def of(interval: int, offset: int, every: int, horizon: int, zone: str = "") -> Schedule:
        """The schedule for what RESAMPLE says; `every` and `horizon` are 0 where it says nothing."""
        every = every or interval
        offset = offset % interval if offset > 0 else -(-offset % interval)
        return Schedule(interval, offset, every, horizon or max(interval, every), zone)

    def turn(self, now: int, last: int | None) -> Turn | None:
        """The turn that is due at a moment; None if none is.

        Args:
            now: UTC ns.
            last: the time of the turn before; None if there was none, which makes the first turn due at once.
        """
        due = now if last is None else self._after(last)
        if due > now:
            return None
        # Of a bucket that goes on, so much is computed as RESAMPLE EVERY asks for.
        ahead = self.interval - min(self.every, self.interval)
        buckets, turns = self._grid(self.interval), self._grid(self.every)
        start = _floor(buckets, self._back(due, self.horizon - self.interval + 1))
        if last is not None and self.zone and self.horizon >= self.every:
            # Where the clock is changed, the last turn may be longer ago than RESAMPLE says.
            start = min(start, _ceil(buckets, last))
        stop = _floor(buckets, now + ahead)
        return Turn(_floor(turns, now), TimeRange(start, stop) if start < stop else None)

    def _grid(self, width: int) -> Window:
        """Buckets as SELECT makes them: what begins or ends a turn begins or ends one of those."""
        return Window.tumbling(width, self.offset, self.zone)

    def _after(self, last: int) -> int:
        """When the next turn is due."""
        turns = self._grid(self.every)
        if _floor(turns, last) != last:  # it was of another grid: GROUP BY time(…, now()) has a new one at each look
            return last + self.every
        return _ceil(turns, last + 1)

    def _back(self, time: int, length: int) -> int:
        """The moment so long before, by the clock of the zone or in truth, whichever is earlier."""
        found = _within(time - length)
        if not self.zone:
            return found
        late, early = zone_offsets(self.zone, np.array([_within(time), found])).tolist()
        return _within(found + min(0, int(late - early)))


def _floor(window: Window, time: int) -> int:
    """Where the bucket begins that a time is in."""
    return int(bucket_starts(window, np.array([_within(time)]))[0])


def _ceil(window: Window, time: int) -> int:
    """Where the first bucket begins that does not begin before a time."""
    start = bucket_starts(window, np.array([_within(time)]))
    return int(start[0] if start[0] == time else bucket_stops(window, start)[0])


def _within(time: int) -> int:
    return min(max(time, MIN_TIME), MAX_TIME)
