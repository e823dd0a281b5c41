"""SHOW … CARDINALITY: how many series, measurements, keys, values or fields there are.

Without EXACT, and with no clause but ON, InfluxDB estimates the first two for a whole database; here they are counted.
All others count what the shards of a retention policy hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Mask, Positions
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import CompileError
from influxish.functions.expression import Expression
from influxish.influxql import ast, show
from influxish.regex import compile_regex
from influxish.statements.answers import answer, series
from influxish.statements.conditions import Where, mentions_time
from influxish.statements.listing import key_matches
from influxish.statements.registry import StatementContext, executes
from influxish.statements.sources import Place, places
from influxish.storage.index import MeasurementSeries
from influxish.storage.shard import ShardSnapshot

Counts = dict[tuple[str, tuple[str, ...]], int]
"""(measurement, value of each dimension) → how many there are."""

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
    if mentions_time(statement.condition):
        message = f"SHOW {_WORDS[type(statement)]} CARDINALITY doesn't support time in WHERE clause"
        raise CompileError(message, span=statement.span)
    if _is_estimate(statement):
        return _estimate(statement, context)
    meant = places(context, statement.database, statement.sources)
    counted = list(_measurements(statement, meant, context))
    keys = _dimensions(statement.dimensions, meant, context)
    counts: Counts = {}
    for measurement in counted:
        context.look()
        for values, count in measurement.counts(statement, keys).items():
            place = "" if isinstance(statement, show.ShowMeasurementCardinality) else measurement.name, values
            counts[place] = counts.get(place, 0) + count
    return answer(_chunks(counts, keys, statement))


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
    """A measurement of some shards.

    Attributes:
        index: its series.
        shards: for each shard, (count,) bool of the series that it holds and that are wanted, and the fields it has.
    """

    name: str
    index: MeasurementSeries
    shards: Sequence[tuple[Mask, Sequence[str]]]

    def counts(self, statement: show.ShowCardinality, keys: tuple[str, ...]) -> dict[tuple[str, ...], int]:
        """Values of `keys` → how many different items there are among the series that have these values."""
        table, group_of = self.index.group(self.name, keys)
        pairs = [(group_of[found], items) for found, items in self._items(statement)]
        if not pairs:
            return {}
        groups = np.concatenate([groups for groups, _ in pairs])
        items = np.concatenate([items for _, items in pairs])
        width = int(items.max(initial=0)) + 1
        found, counts = np.unique(np.unique(groups * width + items) // width, return_counts=True)
        return {table.key(group)[1:]: count for group, count in zip(found.tolist(), counts.tolist(), strict=True)}

    def _items(self, statement: show.ShowCardinality) -> Iterator[tuple[Positions, Positions]]:
        """(n,) numbers of series, and (n,) which of the items that are counted each of them has."""
        if isinstance(statement, show.ShowFieldKeyCardinality):
            numbers: dict[str, int] = {}
            for mask, fields in self.shards:
                for field in fields:
                    yield _all_of(mask, numbers.setdefault(field, len(numbers)))
            return
        among = np.logical_or.reduce([mask for mask, _ in self.shards])
        if isinstance(statement, show.ShowTagKeyCardinality):
            for number, key in enumerate(self.index.tag_keys):
                yield _all_of(among & (self.index.codes(key)[0] != 0), number)
        elif isinstance(statement, show.ShowTagValuesCardinality):
            yield from self._values(among, statement.keys)
        else:
            found = np.flatnonzero(among)
            yield found, found if isinstance(statement, show.ShowSeriesCardinality) else np.zeros_like(found)

    def _values(self, among: Mask, keys: show.TagKeyFilter) -> Iterator[tuple[Positions, Positions]]:
        numbers: dict[str, int] = {}
        for key in self.index.tag_keys:
            if key_matches(keys, key):
                codes, values = self.index.codes(key)
                known = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
                found = np.flatnonzero(among & (codes != 0))
                yield found, known[codes[found]]


def _all_of(mask: Mask, item: int) -> tuple[Positions, Positions]:
    found = np.flatnonzero(mask)
    return found, np.full(len(found), item, np.int64)


def _measurements(
    statement: show.ShowCardinality, meant: Sequence[Place], context: StatementContext
) -> Iterator[_Measurement]:
    engine = context.engine
    where = Where.read(statement.condition)
    held: dict[tuple[str, str, str], list[tuple[ShardSnapshot, list[str]]]] = {}
    for place in meant:
        policy = engine.policy(place.database, place.policy).name
        shards = [(shard, shard.schema()) for shard in engine.shards(place.database, policy)]
        for name in place.chosen(sorted({name for _, schema in shards for name in schema})):
            context.look()
            found = [(shard, list(schema[name].fields)) for shard, schema in shards if name in schema]
            held[place.database, policy, name] = found
    fields = {field for shards_of in held.values() for _, own in shards_of for field in own}
    for (owner, _, name), shards_of in held.items():
        context.look()
        known = fields.union(engine.field_keys(owner, name))  # those of its other policies are none of its tags either
        measurement = _wanted(name, where.of_tags(name, known, unknown=False), shards_of)
        if measurement is not None:
            yield measurement


def _wanted(
    name: str, condition: Expression | None, held: Sequence[tuple[ShardSnapshot, Sequence[str]]]
) -> _Measurement | None:
    index = held[0][0].series(name)
    wanted = index.select(condition)
    shards = []
    for shard, fields in held:
        present = shard.present(name)
        shards.append((present if wanted is None else present & wanted, fields))
    return _Measurement(name, index, shards) if any(mask.any() for mask, _ in shards) else None


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
