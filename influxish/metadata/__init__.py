"""Statements about databases, retention policies and the schema: SHOW …, CREATE …, ALTER … and DROP ….

They are answered from the store's index; no graph is made for them. Statements not listed in `execute_metadata` are
understood by the parser and executed by later versions.
"""

from __future__ import annotations

from influxish.emit.series import StatementResult
from influxish.exec.context import QueryContext
from influxish.exec.running import RunningQueries
from influxish.influxql import ast, manage, show
from influxish.metadata.answers import answer, series
from influxish.metadata.cardinality import show_cardinality
from influxish.metadata.listing import (
    show_field_keys,
    show_measurements,
    show_series,
    show_tag_keys,
    show_tag_values,
)
from influxish.metadata.policies import alter_policy, create_database, create_policy, show_policies
from influxish.metadata.queries import kill_query, show_queries
from influxish.metadata.shards import show_shard_groups, show_shards
from influxish.storage.engine import Engine


def execute_metadata(
    statement: ast.Statement, engine: Engine, database: str, context: QueryContext, running: RunningQueries
) -> StatementResult | None:
    """Run a statement about the schema; None if it is of another kind.

    Args:
        database: the one meant where the statement names none; "" for none.
        running: what SHOW QUERIES tells.
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
            return show_policies(statement, engine, database)
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
        case show.ShowShards():
            return show_shards(engine)
        case show.ShowShardGroups():
            return show_shard_groups(engine)
        case show.ShowQueries():
            return show_queries(running)
        case manage.KillQuery():
            kill_query(statement, running)
            return StatementResult(0)
        case manage.CreateDatabase():
            create_database(statement, engine)
            return StatementResult(0)
        case manage.DropDatabase():
            engine.drop_database(statement.name)
            return StatementResult(0)
        case manage.CreateRetentionPolicy():
            create_policy(statement, engine)
            return StatementResult(0)
        case manage.AlterRetentionPolicy():
            alter_policy(statement, engine)
            return StatementResult(0)
        case manage.DropRetentionPolicy():
            engine.drop_policy(statement.database, statement.name)
            return StatementResult(0)
    return None
