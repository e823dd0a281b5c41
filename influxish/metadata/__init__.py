"""Statements about databases and their schema: SHOW …, CREATE and DROP DATABASE, CREATE RETENTION POLICY.

They are answered from the store's index; no graph is made for them. Statements not listed in `execute_metadata` are
understood by the parser and executed by later versions.
"""

from __future__ import annotations

from influxish.emit.series import StatementResult
from influxish.exec.context import QueryContext
from influxish.influxql import ast, manage, show
from influxish.metadata.answers import answer, go_duration, series
from influxish.metadata.cardinality import show_cardinality
from influxish.metadata.listing import (
    show_field_keys,
    show_measurements,
    show_series,
    show_tag_keys,
    show_tag_values,
)
from influxish.metadata.sources import named
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy
from influxish.types import DAY, HOUR, WEEK


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
            return answer([series("databases", ("name",), [(name,) for name in engine.databases()])], empty=True)
        case show.ShowRetentionPolicies():
            return _show_policies(engine, statement.database or database)
        case show.ShowMeasurements():
            return show_measurements(statement, engine, database, context)
        case show.ShowSeries():
            return show_series(statement, engine, database, context)
        case show.ShowTagKeys():
            return show_tag_keys(statement, engine, database, context)
        case show.ShowTagValues():
            return show_tag_values(statement, engine, database, context)
        case show.ShowFieldKeys():
            return show_field_keys(statement, engine, database, context)
        case (
            show.ShowSeriesCardinality()
            | show.ShowMeasurementCardinality()
            | show.ShowTagKeyCardinality()
            | show.ShowTagValuesCardinality()
            | show.ShowFieldKeyCardinality()
        ):
            return show_cardinality(statement, engine, database, context)
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


def _show_policies(engine: Engine, database: str) -> StatementResult:
    default = engine.default_policy(named(database))
    rows = [
        (policy.name, go_duration(policy.duration), go_duration(policy.shard_duration), 1, policy.name == default)
        for policy in engine.policies(database)
    ]
    return answer([series("", ("name", "duration", "shardGroupDuration", "replicaN", "default"), rows)])
