"""Statements about databases and their schema: SHOW …, CREATE and DROP DATABASE, CREATE RETENTION POLICY.

They are answered from the store's index; no graph is made for them. Statements not listed in `execute_metadata` are
understood by the parser and executed by later versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from influxish.batch import Column, object_array
from influxish.compiler.conditions import Clock, split_condition
from influxish.compiler.names import column_label
from influxish.compiler.typing import type_condition
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import NotFound
from influxish.exec.context import QueryContext
from influxish.functions.expression import Expression
from influxish.functions.interruption import look
from influxish.influxql import ast, manage, show
from influxish.regex import compile_regex
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy
from influxish.types import DAY, HOUR, WEEK, DataType

Row = Sequence[Any]
Item = TypeVar("Item")

_ITEMS_PER_LOOK = 16_384
"""Some 50 ms of making keys of series."""


def execute_metadata(
    statement: ast.Statement, engine: Engine, database: str, context: QueryContext
) -> StatementResult | None:
    """Run a statement about the schema; None if it is of another kind.

    Args:
        database: the one meant where the statement names none; "" for none.
        context: looked at before anything is done, and now and then in a long list.
    Raises:
        NotFound: no database is named, or it does not exist where it must.
        CompileError: a condition that is none.
        QueryCancelled, LimitExceeded: as `QueryContext.look`. Nothing is made or dropped then.
    """
    context.look()
    match statement:
        case show.ShowDatabases():
            return _answer([_chunk("databases", ("name",), [(name,) for name in engine.databases()])])
        case show.ShowRetentionPolicies():
            return _show_policies(engine, statement.database or database)
        case show.ShowMeasurements():
            return _show_measurements(statement, engine, _named(statement.database or database), context)
        case show.ShowTagKeys():
            return _each_measurement(statement, engine, database, ("tagKey",), _tag_keys(engine, statement), context)
        case show.ShowTagValues():
            return _each_measurement(
                statement, engine, database, ("key", "value"), _tag_values(engine, statement, context), context
            )
        case show.ShowFieldKeys():
            return _each_measurement(
                statement, engine, database, ("fieldKey", "fieldType"), _field_keys(engine), context
            )
        case show.ShowSeries():
            return _show_series(statement, engine, _named(statement.database or database), context)
        case manage.CreateDatabase():
            engine.create_database(statement.name, _policy_of(statement))
            return StatementResult(0)
        case manage.DropDatabase():
            engine.drop_database(statement.name)
            return StatementResult(0)
        case manage.CreateRetentionPolicy():
            shard = statement.shard_duration or default_shard_duration(statement.duration)
            policy = RetentionPolicy(statement.name, statement.duration, shard, statement.default)
            engine.create_policy(statement.database, policy)
            return StatementResult(0)
    return None


def default_shard_duration(duration: int) -> int:
    """The time that one shard group covers where nothing is said, ns, by how long points are kept (InfluxDB's rule)."""
    if 0 < duration < 2 * DAY:
        return HOUR
    if 0 < duration < 180 * DAY:
        return DAY
    return WEEK


def _policy_of(statement: manage.CreateDatabase) -> RetentionPolicy | None:
    if statement.duration is None and statement.shard_duration is None and statement.policy is None:
        return None
    duration = statement.duration or 0
    shard = statement.shard_duration or default_shard_duration(duration)
    return RetentionPolicy(statement.policy or "autogen", duration, shard, default=True)


# --- SHOW ---------------------------------------------------------------------------------------------------------


def _show_policies(engine: Engine, database: str) -> StatementResult:
    default = engine.default_policy(_named(database))
    rows = [
        (policy.name, go_duration(policy.duration), go_duration(policy.shard_duration), 1, policy.name == default)
        for policy in engine.policies(database)
    ]
    return _answer([_chunk("", ("name", "duration", "shardGroupDuration", "replicaN", "default"), rows)])


def _show_measurements(
    statement: show.ShowMeasurements, engine: Engine, database: str, context: QueryContext
) -> StatementResult:
    condition = _condition(statement.condition)
    sources = (statement.source,) if statement.source is not None else ()
    names = [
        (name,)
        for name in _measurements(engine, database, sources, context)
        if condition is None or engine.series_keys(database, name, condition, context.look)
    ]
    return _answer([_chunk("measurements", ("name",), _page(names, statement))])


def _show_series(statement: show.ShowSeries, engine: Engine, database: str, context: QueryContext) -> StatementResult:
    condition = _condition(statement.condition)
    keys = [
        (series_key(name, tags),)
        for name in _measurements(engine, database, statement.sources, context)
        for tags in _looking(engine.series_keys(database, name, condition, context.look), context)
    ]
    return _answer([_chunk("", ("key",), _page(keys, statement))])


RowsOf = Callable[[str, str, Expression | None], Iterable[Row]]


def _each_measurement(
    statement: show.ShowTagKeys | show.ShowTagValues | show.ShowFieldKeys,
    engine: Engine,
    database: str,
    columns: tuple[str, ...],
    rows_of: RowsOf,
    context: QueryContext,
) -> StatementResult:
    """A series for each measurement that has rows; LIMIT and OFFSET count within each."""
    database = _named(statement.database or database)
    condition = None if isinstance(statement, show.ShowFieldKeys) else _condition(statement.condition)
    chunks = [
        _chunk(name, columns, _page(list(_looking(rows_of(database, name, condition), context)), statement))
        for name in _measurements(engine, database, statement.sources, context)
    ]
    return _answer(chunks)


def _tag_keys(engine: Engine, statement: show.ShowTagKeys) -> RowsOf:
    return lambda database, name, condition: [(key,) for key in engine.tag_keys(database, name, condition)]


def _tag_values(engine: Engine, statement: show.ShowTagValues, context: QueryContext) -> RowsOf:
    def rows(database: str, name: str, condition: Expression | None) -> Iterable[Row]:
        for key in engine.tag_keys(database, name, condition):
            context.look()
            if _key_matches(statement.keys, key):
                yield from ((key, value) for value in engine.tag_values(database, name, key, condition))

    return rows


def _field_keys(engine: Engine) -> RowsOf:
    return lambda database, name, condition: [
        (field, type.value) for field, types in engine.field_keys(database, name).items() for type in types
    ]


def _key_matches(keys: show.TagKeyFilter, key: str) -> bool:
    if keys.regex is not None:
        found = compile_regex(keys.regex.pattern).search(key) is not None
        return found if keys.operator == "=~" else not found
    return (key in keys.names) != (keys.operator == "!=")


def _measurements(engine: Engine, database: str, sources: Sequence[ast.Source], context: QueryContext) -> Iterator[str]:
    """The measurements that a FROM clause means; all of them without one, none in an unknown database."""
    if not engine.has_database(database):
        return
    for name in engine.measurements(database):
        if not sources or any(_is_meant(source, name) for source in sources):
            context.look()
            yield name


def _looking(items: Iterable[Item], context: QueryContext) -> Iterator[Item]:
    """The same, with a look at the context now and then."""
    for number, item in enumerate(items):
        if number % _ITEMS_PER_LOOK == 0:
            context.look()
        yield item


def _is_meant(source: ast.Source, name: str) -> bool:
    assert isinstance(source, ast.Measurement)
    return compile_regex(source.regex.pattern).search(name) is not None if source.regex else source.name == name


def _condition(node: ast.Expression | None) -> Expression | None:
    """A condition over tags; bounds on time are passed over, as the index has no times."""
    condition, _ = split_condition(node, Clock(0))
    if condition is None:
        return None
    return type_condition(condition, lambda ref: (column_label(ref.name), DataType.TAG))


def _named(database: str) -> str:
    if not database:
        raise NotFound("database name required")
    return database


# --- answers ------------------------------------------------------------------------------------------------------


def _page(rows: Sequence[Row], statement: Any) -> Sequence[Row]:
    stop = statement.offset + statement.limit if statement.limit else None
    return rows[statement.offset : stop]


def _chunk(name: str, columns: tuple[str, ...], rows: Sequence[Row]) -> SeriesChunk:
    return SeriesChunk(name, None, columns, tuple(_column([row[i] for row in rows]) for i in range(len(columns))))


def _column(values: list[Any]) -> Column:
    look()
    if values and isinstance(values[0], bool):
        return Column(DataType.BOOLEAN, object_array(values).astype(bool))
    if values and isinstance(values[0], int):
        return Column(DataType.INTEGER, object_array(values).astype("int64"))
    return Column(DataType.STRING, object_array(values))


def _answer(chunks: Sequence[SeriesChunk]) -> StatementResult:
    """Without the series that have no rows; SHOW DATABASES keeps its one."""
    return StatementResult(0, [chunk for chunk in chunks if chunk.rows or chunk.name == "databases"])


def go_duration(nanoseconds: int) -> str:
    """A duration as Go prints it: `168h0m0s`, `1m30s`, `0s`."""
    if not nanoseconds:
        return "0s"
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    fraction = f"{rest / 1e9:.9f}".rstrip("0")[1:] if rest else ""
    text = f"{seconds}{fraction}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def series_key(measurement: str, tags: Iterable[tuple[str, str]]) -> str:
    """A series as line protocol writes it, with its escapes."""
    name = measurement.replace(",", "\\,").replace(" ", "\\ ")
    return ",".join([name, *(f"{_escaped(key)}={_escaped(value)}" for key, value in tags)])


def _escaped(text: str) -> str:
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
