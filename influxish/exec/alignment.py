"""Lists of (group, time) brought together: all their keys in order, and columns laid out beside them.

How results of separate calls, or of separate inputs, become rows. Knows no operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from influxish.batch import Column, Positions
from influxish.functions.segments import ascending
from influxish.functions.sorting import sort_order
from influxish.types import Times


@dataclass(frozen=True, eq=False)
class Alignment:
    """The distinct keys of several lists.

    Attributes:
        groups, times: (r,) int64 the keys, sorted.
        places: for each list the rows at which its keys stand.
    """

    groups: Positions
    times: Times
    places: Sequence[Positions]

    def column(self, number: int, column: Column) -> Column:
        """A column beside the keys of list `number` as one beside all keys; no value where that list has no key."""
        place = self.places[number]
        if len(place) == len(self.groups) and ascending([place]):
            return column
        result = replace(Column.absent(column.type, len(self.groups)), default=column.default)
        assert result.valid is not None
        result.values[place] = column.values
        result.valid[place] = column.mask
        return result


def align(keys: Sequence[tuple[Positions, Times]], *, descending: bool = False) -> Alignment:
    """Bring lists of keys together.

    A key that a list has twice meets the second one of other lists, or stands there without them.

    Args:
        keys: at least one list of groups and times, (n,) int64 each; in a list equal keys are neighbours.
        descending: keys fall instead of rise.
    """
    groups, times = keys[0]
    repeats = [_repeats(*key) for key in keys]
    alike = all(np.array_equal(group, groups) and np.array_equal(time, times) for group, time in keys[1:])
    repeat = repeats[0] if alike else np.concatenate(repeats)
    if not alike:
        groups = np.concatenate([group for group, _ in keys])
        times = np.concatenate([time for _, time in keys])
    sign = -1 if descending else 1
    sorting = [groups * sign, times * sign, *([repeat] if repeat.any() else [])]
    order = np.arange(len(groups)) if ascending(sorting) else sort_order(sorting)
    groups, times, repeat = groups[order], times[order], repeat[order]
    fresh = np.ones(len(groups), np.bool_)
    fresh[1:] = (groups[1:] != groups[:-1]) | (times[1:] != times[:-1]) | (repeat[1:] != repeat[:-1])
    places = np.empty(len(order), np.int64)
    places[order] = np.cumsum(fresh) - 1
    stops = np.cumsum([len(group) for group, _ in keys])[:-1]
    return Alignment(groups[fresh], times[fresh], [places] * len(keys) if alike else np.split(places, stops))


def _repeats(groups: Positions, times: Times) -> Positions:
    """(n,) how many equal keys stand before each."""
    same = (groups[1:] == groups[:-1]) & (times[1:] == times[:-1])
    if not same.any():
        return np.zeros(len(groups), np.int64)
    rows = np.arange(len(groups))
    return rows - np.maximum.accumulate(np.where(np.append(False, same), 0, rows))
