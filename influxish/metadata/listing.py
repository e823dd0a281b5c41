"""SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES and FIELD KEYS: what there is, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from influxish.emit.series import StatementResult
from influxish.errors import CompileError
from influxish.exec.context import QueryContext
from influxish.influxql import show
from influxish.metadata.answers import Row, answer, looking, page, series, series_key
from influxish.metadata.conditions import (
    NAME,
    TAG_KEY,
    MeasurementFilter,
    Where,
    check_left_sides,
    mentions_time,
)
from influxish.metadata.sources import Place, measurements, named, places
from influxish.regex import compile_regex
from influxish.storage.engine import Engine
from influxish.storage.points import Tags
from influxish.types import TYPE_PREFERENCE, TimeRange


def show_measurements(
    statement: show.ShowMeasurements, engine: Engine, database: str, context: QueryContext
) -> StatementResult:
    """Names, whatever their retention policy; those of an unknown database are none."""
    database = named(statement.database or database)
    if mentions_time(statement.condition):
        span = statement.condition.span if statement.condition is not None else statement.span
        raise CompileError("SHOW MEASUREMENTS doesn't support time in WHERE clause", span=span)
    if not engine.has_database(database):
        return answer([])
    sources = (statement.source,) if statement.source is not None else ()
    names = list(measurements(engine, database, sources, context))
    if statement.condition is not None:

        def values_of(name: str, key: str) -> Sequence[str]:
            context.look()
            return engine.tag_values(database, name, key)

        picked = MeasurementFilter(names, values_of).names(statement.condition)
        names = [name for name in names if name in picked]
    return answer([series("measurements", ("name",), page([(name,) for name in names], statement))])


def show_series(statement: show.ShowSeries, engine: Engine, database: str, context: QueryContext) -> StatementResult:
    """Series of the whole database, as far as a policy that is meant has any data; of its shards in a time range."""
    where = Where.read(statement.condition)
    if not where.timed:
        where.check_operators(arithmetic=False)
    found: dict[tuple[str, Tags], None] = {}
    meant = places(engine, statement.database or database, statement.sources)
    for place in meant:
        for name, tags in _series_of(place, where, engine, context):
            found[name, tags] = None
    keys = sorted(found) if len(meant) > 1 else found
    rows = [(series_key(name, tags),) for name, tags in looking(keys, context)]
    return answer([series("", ("key",), page(rows, statement))])


def _series_of(place: Place, where: Where, engine: Engine, context: QueryContext) -> Iterable[tuple[str, Tags]]:
    shards = engine.shards(place.database, place.policy, where.time_range)
    if not shards:
        return
    for name in place.chosen(engine.measurements(place.database)):
        context.look()
        fields = engine.field_keys(place.database, name, place.policy)
        condition = where.of_tags(name, fields, unknown=not where.timed)
        among = np.logical_or.reduce([shard.present(name) for shard in shards]) if where.timed else None
        for tags in engine.series_keys(place.database, name, condition, context.look, among):
            yield name, tags


def show_tag_keys(statement: show.ShowTagKeys, engine: Engine, database: str, context: QueryContext) -> StatementResult:
    """A series of keys for each measurement; policies that FROM names make no difference."""
    database = named(statement.database or database)
    where = Where.read(statement.condition)
    where.check_operators()
    where.check_names()
    where.check_some()
    chunks = []
    for name in _with_data(engine, database, statement, where, context):
        condition = where.beyond(NAME).of_tags(name, engine.field_keys(database, name), unknown=True)
        keys = [(key,) for key in engine.tag_keys(database, name, condition)]
        chunks.append(series(name, ("tagKey",), page(keys, statement)))
    return answer(chunks)


def show_tag_values(
    statement: show.ShowTagValues, engine: Engine, database: str, context: QueryContext
) -> StatementResult:
    """A series of pairs for each measurement; policies that FROM names make no difference."""
    database = named(statement.database or database)
    where = Where.read(statement.condition)
    where.check_operators()
    check_left_sides(statement.condition)
    where.check_names()
    where.check_some()
    keys = where.about(TAG_KEY)
    chunks = []
    for name in _with_data(engine, database, statement, where, context):
        condition = where.beyond(NAME, TAG_KEY).of_tags(name, engine.field_keys(database, name), unknown=True)
        rows: list[Row] = []
        for key in engine.tag_keys(database, name, condition):
            context.look()
            if key_matches(statement.keys, key) and keys.meets(key):
                values = engine.tag_values(database, name, key, condition)
                rows += looking([(key, value) for value in values], context)
        chunks.append(series(name, ("key", "value"), page(rows, statement)))
    return answer(chunks)


def _with_data(
    engine: Engine,
    database: str,
    statement: show.ShowTagKeys | show.ShowTagValues,
    where: Where,
    context: QueryContext,
) -> Iterable[str]:
    """The measurements meant by FROM and by a condition on `_name`; none if the time range touches no shard."""
    names = where.about(NAME)
    if where.timed and not _has_shards(engine, database, where.time_range):
        return
    for name in measurements(engine, database, statement.sources, context):
        if names.meets(name):
            yield name


def _has_shards(engine: Engine, database: str, time_range: TimeRange) -> bool:
    return any(engine.shards(database, policy.name, time_range) for policy in engine.policies(database))


def show_field_keys(
    statement: show.ShowFieldKeys, engine: Engine, database: str, context: QueryContext
) -> StatementResult:
    """A series of fields and types for each measurement, as far as the policies that are meant have them."""
    found: dict[str, set[Row]] = {}
    for place in places(engine, statement.database or database, statement.sources):
        for name in place.chosen(engine.measurements(place.database)):
            context.look()
            for field, types in engine.field_keys(place.database, name, place.policy).items():
                found.setdefault(name, set()).update((field, type_) for type_ in types)
    chunks = []
    for name in sorted(found):
        ordered = sorted(found[name], key=lambda pair: (pair[0], TYPE_PREFERENCE.index(pair[1])))
        rows = [(field, type_.value) for field, type_ in ordered]
        chunks.append(series(name, ("fieldKey", "fieldType"), page(rows, statement)))
    return answer(chunks)


def key_matches(keys: show.TagKeyFilter, key: str) -> bool:
    """Whether `WITH KEY …` means a tag key."""
    if keys.regex is not None:
        found = compile_regex(keys.regex.pattern).search(key) is not None
        return found if keys.operator == "=~" else not found
    return (key in keys.names) != (keys.operator == "!=")
