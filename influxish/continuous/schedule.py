"""When a continuous query is due, and which times it then computes. Nothing here runs anything or reads a clock.

Source of the rules: influxdata/influxdb 1.8, services/continuous_querier, ExecuteContinuousQuery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from influxish.functions.windows import zone_offsets
from influxish.types import TimeRange


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
        start = self._floor(due + self.interval - self.horizon - self.offset - 1, self.interval) + self.offset
        stop = self._floor(now + ahead - self.offset, self.interval) + self.offset
        time = self._floor(now - self.offset, self.every) + self.offset
        return Turn(time, TimeRange(start, stop) if start < stop else None)

    def _after(self, last: int) -> int:
        """When the next turn is due; where the clock is changed between the two, the clock decides."""
        found = last + self.every
        change = self._ahead(last - 1) - self._ahead(found - 1)
        return found + change if abs(change) < self.every else found

    def _floor(self, time: int, width: int) -> int:
        """The last multiple of `width` by the clock of the zone, counted from 1970."""
        ahead = self._ahead(time)
        found = time - (time + ahead) % width
        change = ahead - self._ahead(found)
        return found + change if abs(change) < width else found

    def _ahead(self, time: int) -> int:
        """How far the clock of the zone is ahead of UTC, ns."""
        return int(zone_offsets(self.zone, np.array([time]))[0]) if self.zone else 0
