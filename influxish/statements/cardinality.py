"""SHOW … CARDINALITY: how many series, measurements, keys, values or fields there are.

Without EXACT, and with no clause but ON, InfluxDB estimates the first two for a whole database; here they are counted.
All others count what the shards of a retention policy hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Mask, Positions
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import CompileError
from influxish.functions.expression import Expression
from influxish.influxql import ast, show
from influxish.regex import compile_regex
from influxish.statements.answers import answer, series
from influxish.statements.conditions import Where
from influxish.statements.listing import key_matches
from influxish.statements.registry import StatementContext, executes
from influxish.statements.sources import Place, places
from influxish.statements.spelling import begins_with_time, refuse_calls
from influxish.storage.index import MeasurementSeries

Group = tuple[str, tuple[str, ...]]
"""A measurement, and the value of each dimension."""

Counts = dict[Group, int]
"""How many there are in each group."""

_NO_ITEMS = np.empty(0, np.int64)

_WORDS = {
    show.ShowSeriesCardinality: "SERIES EXACT",
    show.ShowMeasurementCardinality: "MEASUREMENT EXACT",
    show.ShowTagKeyCardinality: "TAG KEY EXACT",
    show.ShowTagValuesCardinality: "TAG VALUES EXACT",
    show.ShowFieldKeyCardinality: "FIELD KEY",
}


@executes(*_WORDS)
def show_cardinality(statement: show.ShowCardinality, context: StatementContext) -> StatementResult:
    """How many there are of what the kind of the statement says, by measurement and GROUP BY.

    Raises:
        NotFound: no such database or policy.
        CompileError: a condition on the time, or GROUP BY time(…).
    """
    if not isinstance(statement, show.ShowTagValuesCardinality):
        if begins_with_time(statement.condition):
            message = f"SHOW {_WORDS[type(statement)]} CARDINALITY doesn't support time in WHERE clause"
            raise CompileError(message, span=statement.span)
        refuse_calls(statement.condition)
    if _is_estimate(statement):
        return _estimate(statement, context)
    meant = places(context, statement.database, statement.sources)
    where = Where.read(statement.condition)
    keys = _dimensions(statement.dimensions, meant, context)
    counted = list(_measurements(meant, where, context))
    # A name that is a field of one of them is no tag of any, as in a SELECT from all of them.
    tally = _Tally(statement, keys, where, {field for each in counted for field in each.fields})
    for measurement in counted:
        context.look()
        tally.add(measurement)
    return answer(_chunks(tally.counts(), keys, statement))


def _chunks(counts: Counts, keys: tuple[str, ...], statement: show.ShowCardinality) -> Iterator[SeriesChunk]:
    """LIMIT and OFFSET count the rows of a series, of which there is one."""
    for (name, values), count in sorted(counts.items()):
        if not statement.offset:
            tags = dict(zip(keys, values, strict=True)) if statement.dimensions else None
            yield series(name, ("count",), [(count,)], tags)


def _is_estimate(statement: show.ShowCardinality) -> bool:
    """LIMIT alone makes no estimate of it either."""
    whole = isinstance(statement, show.ShowSeriesCardinality | show.ShowMeasurementCardinality)
    clauses = (statement.sources, statement.condition, statement.dimensions, statement.limit, statement.offset)
    return whole and not statement.exact and not any(clauses)


def _estimate(statement: show.ShowCardinality, context: StatementContext) -> StatementResult:
    engine, database, count = context.engine, context.meant(statement.database), 0
    for name in engine.measurements(database) if engine.has_database(database) else ():
        context.look()
        count += engine.count_series(database, name) if isinstance(statement, show.ShowSeriesCardinality) else 1
    return answer([series("", ("cardinality estimation",), [(count,)])])


@dataclass(frozen=True, slots=True)
class _Measurement:
    """A measurement of some shards of one policy, as one source of FROM means it.

    Attributes:
        fields: of all policies of its database.
        index: its series.
        shards: for each shard, (count,) bool of the series that it holds, and the fields it has.
    """

    name: str
    fields: Collection[str]
    index: MeasurementSeries
    shards: Sequence[tuple[Mask, Sequence[str]]]

    def among(self, condition: Expression | None) -> list[Mask]:
        """For each shard, (count,) bool of its series for which a condition on tags holds."""
        wanted = self.index.select(condition)
        return [present if wanted is None else present & wanted for present, _ in self.shards]


def _measurements(meant: Sequence[Place], where: Where, context: StatementContext) -> Iterator[_Measurement]:
    """What is counted is a row at the time 0, made by a shard that the time range touches."""
    engine = context.engine
    if not where.time_range.start <= 0 < where.time_range.stop:
        return
    for place in meant:
        shards = engine.shards(place.database, place.policy, where.time_range)
        schemas = [(shard, shard.schema()) for shard in shards]
        for name in place.chosen(sorted({name for _, schema in schemas for name in schema})):
            context.look()
            held = [(shard.present(name), list(schema[name].fields)) for shard, schema in schemas if name in schema]
            index = next(shard for shard, schema in schemas if name in schema).series(name)
            yield _Measurement(name, engine.field_keys(place.database, name).keys(), index, held)


class _Tally:
    """Counts what a statement counts, measurement by measurement.

    A series counts once in each shard and for each source of FROM, as the server adds them up; everything else counts
    once, wherever it is found.
    """

    def __init__(
        self, statement: show.ShowCardinality, keys: tuple[str, ...], where: Where, fields: Collection[str]
    ) -> None:
        self._statement, self._keys, self._where, self._fields = statement, keys, where, fields
        self._sums: Counts = {}
        self._found: dict[Group, Positions] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def counts(self) -> Counts:
        """How many there are in each group."""
        return self._sums or {group: len(items) for group, items in self._found.items()}

    def add(self, measurement: _Measurement) -> None:
        """Count a measurement."""
        table, group_of = measurement.index.group(measurement.name, self._keys)
        if isinstance(self._statement, show.ShowSeriesCardinality):
            for mask in measurement.among(self._condition(measurement)):
                groups, counts = np.unique(group_of[mask], return_counts=True)
                for group, count in zip(groups.tolist(), counts.tolist(), strict=True):
                    place = measurement.name, table.key(group)[1:]
                    self._sums[place] = self._sums.get(place, 0) + count
            return
        name = "" if isinstance(self._statement, show.ShowMeasurementCardinality) else measurement.name
        for series_found, items in self._items(measurement):
            groups = group_of[series_found]
            for group in np.unique(groups).tolist():
                place = name, table.key(group)[1:]
                self._found[place] = np.union1d(self._found.get(place, _NO_ITEMS), items[groups == group])

    def _items(self, measurement: _Measurement) -> Iterator[tuple[Positions, Positions]]:
        """(n,) numbers of series, and (n,) which of the items that are counted each of them has."""
        if isinstance(self._statement, show.ShowTagValuesCardinality):
            yield from self._values(measurement, self._statement.keys)
            return
        masks = measurement.among(self._condition(measurement))
        if isinstance(self._statement, show.ShowFieldKeyCardinality):
            for mask, (_, fields) in zip(masks, measurement.shards, strict=True):
                for field in fields:
                    yield _all_of(mask, self._number(measurement.name, field))
            return
        among = np.logical_or.reduce(masks)
        if isinstance(self._statement, show.ShowTagKeyCardinality):
            for key in measurement.index.tag_keys:
                held = among & (measurement.index.codes(key)[0] != 0)
                yield _all_of(held, self._number(measurement.name, key))
        else:
            yield _all_of(among, self._number("", measurement.name))

    def _values(self, measurement: _Measurement, keys: show.TagKeyFilter) -> Iterator[tuple[Positions, Positions]]:
        index = measurement.index
        for key in index.tag_keys:
            if key_matches(keys, key):
                among = np.logical_or.reduce(measurement.among(self._where.of_rows(key)))
                codes, values = index.codes(key)
                known = np.array([self._number(measurement.name, value) for value in values], np.int64)
                found = np.flatnonzero(among & (codes != 0))
                yield found, known[codes[found]]

    def _condition(self, measurement: _Measurement) -> Expression | None:
        return self._where.of_tags(measurement.name, self._fields, unknown=False)

    def _number(self, name: str, item: str) -> int:
        numbers = self._numbers.setdefault(name, {})
        return numbers.setdefault(item, len(numbers))


def _all_of(mask: Mask, item: int) -> tuple[Positions, Positions]:
    found = np.flatnonzero(mask)
    return found, np.full(len(found), item, np.int64)


def _dimensions(
    dimensions: Sequence[ast.Dimension], meant: Sequence[Place], context: StatementContext
) -> tuple[str, ...]:
    """The tags that GROUP BY means, sorted; wildcards and patterns mean tags of any measurement that FROM means."""
    known: set[str] = set()
    for place in meant if dimensions else ():
        for name in place.chosen(context.engine.measurements(place.database)):
            known.update(context.engine.tag_keys(place.database, name))
    keys: set[str] = set()
    for dimension in dimensions:
        node = dimension.expression
        if isinstance(node, ast.Wildcard):
            keys |= known
        elif isinstance(node, ast.RegexLiteral):
            keys |= {key for key in known if compile_regex(node.pattern).search(key)}
        elif isinstance(node, ast.VarRef):
            keys.add(node.name)
        else:
            message = "only tag dimensions allowed: what is counted has no time"
            raise CompileError(message, span=dimension.span)
    return tuple(sorted(keys))
