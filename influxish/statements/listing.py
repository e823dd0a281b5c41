"""SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES and FIELD KEYS: what there is, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from influxish.emit.series import StatementResult
from influxish.errors import CompileError
from influxish.influxql import show
from influxish.regex import compile_regex
from influxish.statements.answers import Row, answer, looking, page, series
from influxish.statements.conditions import (
    NAME,
    TAG_KEY,
    Where,
)
from influxish.statements.measurement_filter import MeasurementFilter
from influxish.statements.registry import StatementContext, executes
from influxish.statements.sources import Place, chosen_by_any, measurements, places, with_matches
from influxish.statements.spelling import begins_with_time, check_left_sides, refuse_calls
from influxish.storage.line_writer import series_key
from influxish.storage.points import Tags
from influxish.types import TimeRange


@executes(show.ShowMeasurements)
def show_measurements(statement: show.ShowMeasurements, context: StatementContext) -> StatementResult:
    """Names, whatever their retention policy; those of an unknown database are none."""
    engine, database = context.engine, context.meant(statement.database)
    if begins_with_time(statement.condition):
        span = statement.condition.span if statement.condition is not None else statement.span
        raise CompileError("SHOW MEASUREMENTS doesn't support time in WHERE clause", span=span)
    if not engine.has_database(database):
        return answer([])
    sources = (statement.source,) if statement.source is not None else ()
    names = list(measurements(context, database, sources))
    if statement.condition is not None:

        def values_of(name: str, key: str) -> Sequence[str]:
            context.look()
            return engine.tag_values(database, name, key)

        picked = MeasurementFilter(names, values_of).names(statement.condition)
        names = [name for name in names if name in picked]
    return answer([series("measurements", ("name",), page([(name,) for name in names], statement))])


@executes(show.ShowSeries)
def show_series(statement: show.ShowSeries, context: StatementContext) -> StatementResult:
    """Series of the whole database, as far as a policy that is meant has any data; of its shards in a time range."""
    meant = places(context, statement.database, statement.sources)
    refuse_calls(statement.condition)
    where = Where.read(statement.condition)
    if not where.timed:
        where.check_operators(arithmetic=False)
    found: dict[tuple[str, Tags], None] = {}
    meant = with_matches(context, meant)
    for place in meant:
        for name, tags in _series_of(place, meant, where, context):
            found[name, tags] = None
    keys = sorted(found) if len(meant) > 1 else found
    rows = [(series_key(name, tags),) for name, tags in looking(keys, context)]
    return answer([series("", ("key",), page(rows, statement))])


def _series_of(
    place: Place, meant: Sequence[Place], where: Where, context: StatementContext
) -> Iterable[tuple[str, Tags]]:
    engine = context.engine
    shards = engine.shards(place.database, place.policy, where.time_range)
    if not shards or (where.timed and where.time_range.stop <= 0):  # as rows, series have the time 0
        return
    names = engine.measurements(place.database)
    for name in place.chosen(names) if where.timed else chosen_by_any(meant, names):
        context.look()
        fields = engine.field_keys(place.database, name, place.policy)
        condition = where.of_tags(name, fields, unknown=not where.timed)
        among = np.logical_or.reduce([shard.present(name) for shard in shards]) if where.timed else None
        for tags in engine.series_keys(place.database, name, condition, context.look, among):
            yield name, tags


@executes(show.ShowTagKeys)
def show_tag_keys(statement: show.ShowTagKeys, context: StatementContext) -> StatementResult:
    """A series of keys for each measurement; policies that FROM names make no difference."""
    engine, database = context.engine, context.meant(statement.database)
    engine.policies(database)  # raises what is raised where there is no such database
    where = Where.read(statement.condition, names_first=True)
    if not _has_shards(context, database, where.time_range):
        return answer([])
    where.check_texts(NAME)
    where.check_operators()
    where.check_some()
    chunks = []
    for name in _meant(context, database, statement, where):
        fields = engine.field_keys(database, name)
        condition = where.beyond(NAME, TAG_KEY).of_tags(name, fields, unknown=True, selected=False)
        keys = [(key,) for key in engine.tag_keys(database, name, condition)]
        chunks.append(series(name, ("tagKey",), page(keys, statement)))
    return answer(chunks)


@executes(show.ShowTagValues)
def show_tag_values(statement: show.ShowTagValues, context: StatementContext) -> StatementResult:
    """A series of pairs for each measurement; policies that FROM names make no difference."""
    engine, database = context.engine, context.meant(statement.database)
    engine.policies(database)  # raises what is raised where there is no such database
    where = Where.read(statement.condition)
    where.check_some()
    where.check_texts(NAME)
    where.check_operators()
    if not _has_shards(context, database, where.time_range):
        return answer([])
    keys = where.about(TAG_KEY)
    chunks = []
    for name in _meant(context, database, statement, where):
        check_left_sides(statement.condition)
        where.check_texts(TAG_KEY)
        fields = engine.field_keys(database, name)
        condition = where.beyond(NAME, TAG_KEY).of_tags(name, fields, unknown=True, selected=False)
        rows: list[Row] = []
        for key in engine.tag_keys(database, name, condition):
            context.look()
            if key_matches(statement.keys, key) and keys.meets(key):
                values = engine.tag_values(database, name, key, condition)
                rows += looking([(key, value) for value in values], context)
        chunks.append(series(name, ("key", "value"), page(rows, statement)))
    return answer(chunks)


def _meant(
    context: StatementContext, database: str, statement: show.ShowTagKeys | show.ShowTagValues, where: Where
) -> Iterable[str]:
    """The measurements meant by FROM and by a condition on `_name`."""
    names = where.about(NAME)
    for name in measurements(context, database, statement.sources):
        if names.meets(name):
            yield name


def _has_shards(context: StatementContext, database: str, time_range: TimeRange) -> bool:
    engine = context.engine
    return any(engine.shards(database, policy.name, time_range) for policy in engine.policies(database))


@executes(show.ShowFieldKeys)
def show_field_keys(statement: show.ShowFieldKeys, context: StatementContext) -> StatementResult:
    """A series of fields and types for each measurement, as far as the policies that are meant have them."""
    engine, found = context.engine, dict[str, set[Row]]()
    meant = with_matches(context, places(context, statement.database, statement.sources))
    for place in meant:
        for name in chosen_by_any(meant, engine.measurements(place.database)):
            context.look()
            for field, types in engine.field_keys(place.database, name, place.policy).items():
                found.setdefault(name, set()).update((field, type_) for type_ in types)
    chunks = []
    for name in sorted(found):
        rows = sorted((field, type_.value) for field, type_ in found[name])
        chunks.append(series(name, ("fieldKey", "fieldType"), page(rows, statement)))
    return answer(chunks)


def key_matches(keys: show.TagKeyFilter, key: str) -> bool:
    """Whether `WITH KEY …` means a tag key."""
    if keys.regex is not None:
        found = compile_regex(keys.regex.pattern).search(key) is not None
        return found if keys.operator == "=~" else not found
    return (key in keys.names) != (keys.operator == "!=")
