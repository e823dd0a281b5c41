"""The series index of one database: which series there are, found by tags, and the groups they fall into.

Series of a measurement are numbered from 0 in the order in which they came. Each tag key is a column of codes into its
distinct values, so a condition is tested once per distinct value and then looked up for all series at once. A series
that is removed keeps its number, which no other series gets; one with the same tags gets another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from influxish.batch import Column, GroupTable, Mask, Positions, object_array
from influxish.functions.expression import Comparison, Expression, Literal, Logical, Reference, holds
from influxish.functions.sorting import sort_order, sorted_texts
from influxish.storage.points import Tags
from influxish.storage.ranking import dense_ranks, text_ranks
from influxish.storage.waiting import held
from influxish.types import Array, DataType

Codes = NDArray[np.int32]
"""(s,) index into a tag's values of each series; 0 is the empty string, a missing tag."""


class _TagColumn:
    """The values of one tag key: distinct ones once, and a code per series. Only ever appended to."""

    def __init__(self) -> None:
        self.values: list[str] = [""]
        self.code_of: dict[str, int] = {"": 0}
        self._codes: Codes = np.zeros(64, np.int32)

    def code(self, value: str) -> int:
        """The code of `value`, a new one if it has none."""
        code = self.code_of.get(value)
        if code is None:
            # The value first: a reader that sees the code must find its value.
            self.values.append(value)
            code = self.code_of[value] = len(self.values) - 1
        return code

    def put(self, start: int, codes: Sequence[int] | Codes) -> None:
        """Set the codes of series from `start` on."""
        stop = start + len(codes)
        if stop > len(self._codes):
            grown = np.zeros(max(stop, 2 * len(self._codes)), np.int32)
            grown[: len(self._codes)] = self._codes
            grown[start:stop] = codes
            self._codes = grown
        else:
            self._codes[start:stop] = codes

    def codes(self, count: int) -> Codes:
        """The codes of the first `count` series."""
        codes = self._codes[:count]
        return codes if len(codes) == count else np.append(codes, np.zeros(count - len(codes), np.int32))


class _MeasurementIndex:
    def __init__(self) -> None:
        self.count = 0
        self.columns: dict[str, _TagColumn] = {}
        self.numbers: dict[str, int] | None = {}  # made when first written to: reading needs none
        self.lost: list[tuple[int, int]] = []
        self.removed: Mask | None = None  # replaced, never changed: views share it

    def view(self) -> MeasurementSeries:
        return MeasurementSeries(self.count, dict(self.columns), tuple(self.lost), self.removed)

    def remove(self, numbers: Positions) -> None:
        removed = np.zeros(self.count, np.bool_)
        if self.removed is not None:
            removed[: len(self.removed)] = self.removed
        if self.numbers is not None:
            going = np.zeros(self.count, np.bool_)
            going[numbers] = True
            known = self.view().select(None)
            for tags in self.view().all_tags(going if known is None else going & known):
                del self.numbers[_joined(tags)]
        removed[numbers] = True
        self.removed = removed

    def number_of(self) -> dict[str, int]:
        if self.numbers is None:
            view = self.view()
            known = view.select(None)
            numbers = range(self.count) if known is None else np.flatnonzero(known).tolist()
            self.numbers = {_joined(tags): n for n, tags in zip(numbers, view.all_tags(known), strict=True)}
        return self.numbers


@dataclass(frozen=True, eq=False)
class MeasurementSeries:
    """The first `count` series of a measurement: a view that later additions do not change.

    Attributes:
        lost: half-open ranges of numbers whose tags are not known any more; `select` never selects them.
        removed: (r,) bool, r <= count: the series that were deleted, which `select` never selects either; None: none.
    """

    count: int
    _columns: Mapping[str, _TagColumn]
    lost: tuple[tuple[int, int], ...] = ()
    removed: Mask | None = None

    @property
    def tag_keys(self) -> list[str]:
        """Every key that a series has or had, sorted."""
        return sorted(self._columns)

    @cached_property
    def live_keys(self) -> list[str]:
        """The keys of the series that were not deleted, sorted."""
        return self.tag_keys if self.removed is None else self.used_keys(self.select(None))

    @cached_property
    def is_empty(self) -> bool:
        """Whether no series is left."""
        return self.count == 0 or (self.removed is not None and int(self.removed.sum()) == self.count)

    def codes(self, key: str) -> tuple[Codes, list[str]]:
        """(count,) codes of tag `key`, and the values they stand for (there may be more than are used)."""
        column = self._columns.get(key)
        if column is None:
            return np.zeros(self.count, np.int32), [""]
        return column.codes(self.count), column.values

    def among(self, present: Mask) -> MeasurementSeries:
        """The same with only those series that are `present`, (count,) bool."""
        change = np.diff(np.concatenate(([True], present, [True])).astype(np.int8))
        starts, stops = np.flatnonzero(change < 0).tolist(), np.flatnonzero(change > 0).tolist()
        return replace(self, lost=(*self.lost, *zip(starts, stops, strict=True)))

    def select(self, condition: Expression | None) -> Mask | None:
        """(count,) bool: the series for which a condition over tags holds; None when all are wanted."""
        if condition is None and not self.lost and self.removed is None:
            return None
        selected = np.ones(self.count, np.bool_) if condition is None else self._holds(condition)
        for start, stop in self.lost:
            selected[start:stop] = False
        if self.removed is not None:
            selected[: len(self.removed)] &= ~self.removed
        return selected

    def _holds(self, condition: Expression) -> Mask:
        if isinstance(condition, Logical):
            combine = np.logical_and if condition.op == "AND" else np.logical_or
            result = self._holds(condition.terms[0])
            for term in condition.terms[1:]:
                result = combine(result, self._holds(term))
            return result
        equal = _equal_to(condition)
        if equal is not None:
            column = self._columns.get(equal[0])
            code = ({"": 0} if column is None else column.code_of).get(equal[1], -1)
            codes = self.codes(equal[0])[0]
            matches: Mask = codes != code if equal[2] else codes == code
            return matches
        keys = {reference.name for reference in condition.references()}
        if len(keys) == 1:
            (key,) = keys
            codes, values = self.codes(key)
            distinct = Column(DataType.TAG, object_array(values[: int(codes.max(initial=0)) + 1]))
            verdicts = holds(condition, {key: distinct}, len(distinct))
            return verdicts[codes]
        return holds(condition, {key: Column(DataType.TAG, self.values(key)) for key in keys}, self.count)

    def values(self, key: str) -> Array:
        """(count,) object array: the value of tag `key` of each series, "" where it is missing."""
        codes, values = self.codes(key)
        return object_array(values)[codes]

    def used_values(self, key: str, among: Mask | None = None) -> list[str]:
        """The distinct values of tag `key`, sorted, without the missing one."""
        codes, values = self.codes(key)
        used = np.zeros(len(values), np.bool_)
        used[codes if among is None else codes[among]] = True
        return sorted_texts([values[code] for code in np.flatnonzero(used).tolist() if code])

    def used_keys(self, among: Mask | None) -> list[str]:
        """The tag keys that at least one of the series has, sorted."""
        codes = ((key, self.codes(key)[0]) for key in self.tag_keys)
        return [key for key, own in codes if (own if among is None else own[among]).any()]

    def all_tags(self, among: Mask | None = None) -> Iterable[Tags]:
        """The tags of each series, in the order of their numbers."""
        keys = self.tag_keys
        columns = [self.values(key) if among is None else self.values(key)[among] for key in keys]
        if not keys:
            return [()] * (self.count if among is None else int(among.sum()))
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return (tuple((key, value) for key, value in zip(keys, row, strict=True) if value) for row in rows)

    def group(self, name: str, dimensions: tuple[str, ...]) -> tuple[GroupTable, Positions]:
        """The groups that `dimensions` (sorted) make, and (count,) int64 group of each series."""
        ids, first, ranked = np.zeros(self.count, np.int64), np.zeros(min(self.count, 1), np.int64), []
        for key in dimensions:
            codes, values = self.codes(key)
            ranks, texts = text_ranks(codes, values)
            ranked.append((ranks, object_array(texts)))
            first, ids = dense_ranks(ids * len(texts) + ranks)
        columns = tuple(texts[ranks[first]] for ranks, texts in ranked)
        return GroupTable(dimensions, object_array([name] * len(first)), columns), ids

    def ranks(self) -> Positions:
        """(count,) int64: the place of each series when all are sorted by their keys, as `a=1,b=2` sorts.

        Compared tag by tag: by key, then by value; of two that agree as far as one of them goes, that one is first.
        """
        levels: list[Positions] = []
        has_later = np.zeros(self.count, np.bool_)
        for key in reversed(self.tag_keys):
            codes, values = self.codes(key)
            level, _ = text_ranks(codes, values)
            # Without this tag a series is compared by its next key, which sorts behind; or it has ended, and is first.
            level[codes == 0] = np.where(has_later[codes == 0], len(values), -1)
            levels.append(level)
            has_later |= codes != 0
        ranks = np.empty(self.count, np.int64)
        ranks[sort_order(levels[::-1]) if levels else slice(None)] = np.arange(self.count)
        return ranks


class SeriesIndex:
    """All series of one database. One writer at a time; readers take views and need no lock."""

    def __init__(self) -> None:
        self._measurements: dict[str, _MeasurementIndex] = {}
        self._groups: dict[tuple[str, tuple[str, ...]], tuple[int, GroupTable, Positions]] = {}
        self._ranks: dict[str, tuple[int, Positions]] = {}
        self._lock = threading.Lock()

    def measurements(self) -> list[str]:
        """Names of those that have series, sorted."""
        return sorted(name for name, index in list(self._measurements.items()) if not index.view().is_empty)

    def view(self) -> dict[str, MeasurementSeries]:
        """Measurement → its series of this moment."""
        return {name: m.view() for name, m in list(self._measurements.items())}

    def series(self, measurement: str) -> MeasurementSeries:
        """The series of one measurement at this moment; none for an unknown one."""
        index = self._measurements.get(measurement)
        return MeasurementSeries(0, {}) if index is None else index.view()

    def count(self, measurement: str) -> int:
        index = self._measurements.get(measurement)
        return 0 if index is None else index.count

    def lookup(self, measurement: str, series: Sequence[Tags], fresh: dict[Tags, int]) -> Positions:
        """(k,) int64 number of each series; new ones get the numbers that they will have once they are added.

        Args:
            fresh: new series and their numbers, in the order in which `add` must get them: those found before, to
                which it adds those found now.
        """
        index = self._measurements.get(measurement)
        known: Mapping[str, int] = {} if index is None else index.number_of()
        following = 0 if index is None else index.count
        numbers = np.empty(len(series), np.int64)
        for place, tags in enumerate(series):
            number = known.get(_joined(tags))
            numbers[place] = fresh.setdefault(tags, following + len(fresh)) if number is None else number
        return numbers

    def add(self, measurement: str, series: Sequence[Tags]) -> None:
        """Number new series from the present count on."""
        index = self._measurements.setdefault(measurement, _MeasurementIndex())
        start, columns = index.count, dict[str, list[int]]()
        numbers = index.number_of()
        for place, tags in enumerate(series):
            for key, value in tags:
                codes = columns.get(key)
                if codes is None:
                    codes = columns[key] = [0] * len(series)
                    index.columns.setdefault(key, _TagColumn())
                codes[place] = index.columns[key].code(value)
            numbers[_joined(tags)] = start + place
        for key, codes in columns.items():
            index.columns[key].put(start, codes)
        index.count = start + len(series)

    def load(self, measurement: str, first: int, count: int, tags: Mapping[str, tuple[Sequence[str], Codes]]) -> None:
        """Add `count` series as they were stored, from number `first` on.

        Args:
            tags: key → its distinct values and, (count,), the place in them of each series' value plus 1; 0: missing.
        """
        index = self._measurements.setdefault(measurement, _MeasurementIndex())
        index.numbers = None
        for key, (values, codes) in tags.items():
            column = index.columns.setdefault(key, _TagColumn())
            translation = np.array([0, *(column.code(value) for value in values)], np.int32)
            column.put(first, translation[codes])
        if first > index.count:
            index.lost.append((index.count, first))
        index.count = max(index.count, first + count)

    def lose(self, measurement: str, count: int) -> bool:
        """Make sure that numbers below `count` are never given out; True if some of them are not known."""
        index = self._measurements.setdefault(measurement, _MeasurementIndex())
        if count <= index.count:
            return False
        index.numbers = None
        index.lost.append((index.count, count))
        index.count = count
        return True

    @property
    def has_removed(self) -> bool:
        """Whether any series was ever removed."""
        return any(index.removed is not None for index in list(self._measurements.values()))

    def remove(self, measurement: str, numbers: Positions) -> None:
        """Take series out, which must be known; their numbers are never given out again. Views keep them."""
        if len(numbers):
            self._measurements[measurement].remove(numbers)

    def groups(
        self, measurement: str, dimensions: tuple[str, ...], view: MeasurementSeries
    ) -> tuple[GroupTable, Positions]:
        """As `MeasurementSeries.group`; kept, so that shards that ask for the same groups share one table."""
        with held(self._lock):
            kept = self._groups.get((measurement, dimensions))
            if kept is None or kept[0] != view.count:
                kept = (view.count, *view.group(measurement, dimensions))
                self._groups[measurement, dimensions] = kept
            return kept[1], kept[2]

    def ranks(self, measurement: str, view: MeasurementSeries) -> Positions:
        """As `MeasurementSeries.ranks`; kept as long as no series are added."""
        with held(self._lock):
            kept = self._ranks.get(measurement)
            if kept is None or kept[0] != view.count:
                kept = self._ranks[measurement] = (view.count, view.ranks())
            return kept[1]


def _equal_to(condition: Expression) -> tuple[str, str, bool] | None:
    """(tag key, value, negated) of `tag = 'value'` and `tag != 'value'`: answered by one look-up, not by comparing."""
    if not isinstance(condition, Comparison) or condition.op not in ("=", "!="):
        return None
    left, right = condition.left, condition.right
    if isinstance(left, Literal):
        left, right = right, left
    if not isinstance(left, Reference) or not isinstance(right, Literal) or not isinstance(right.value, str):
        return None
    return left.name, right.value, condition.op == "!="


def _joined(tags: Tags) -> str:
    """One string per set of tags. Lengths keep values apart whatever characters they contain."""
    return "".join([f"{len(key)}:{key}{len(value)}:{value}" for key, value in tags])
