"""CREATE, DROP and SHOW continuous queries, with the texts of InfluxDB. When they run is `continuous/`."""

from __future__ import annotations

from dataclasses import replace

from influxish.compiler.places import in_full, measurements_of
from influxish.emit.series import StatementResult
from influxish.errors import NotFound
from influxish.influxql import format_node, manage, show
from influxish.statements.answers import answer, series
from influxish.statements.registry import StatementContext, executes


@executes(show.ShowContinuousQueries)
def show_continuous_queries(statement: show.ShowContinuousQueries, context: StatementContext) -> StatementResult:
    """A series for each database, also for those that have none."""
    return answer(
        (
            series(database, ("name", "query"), [(query.name, query.text) for query in queries])
            for database, queries in context.engine.continuous_queries.all().items()
        ),
        empty=True,
    )


@executes(manage.CreateContinuousQuery)
def create_continuous_query(statement: manage.CreateContinuousQuery, context: StatementContext) -> None:
    """Keep a continuous query, its names in full; one that is there already and says the same stays.

    What is wrong with its SELECT is told when it runs.

    Raises:
        NotFound: no such database or retention policy.
        ExecutionError: there is another of that name.
    """
    engine = context.engine
    select = in_full(statement.select, engine, context.database or statement.database)
    for measurement in measurements_of(select):
        if not engine.has_policy(measurement.database, measurement.retention_policy):
            raise NotFound(f"retention policy not found: {measurement.database}.{measurement.retention_policy}")
    text = format_node(replace(statement, select=select))
    engine.continuous_queries.add(statement.database, statement.name, text)


@executes(manage.DropContinuousQuery)
def drop_continuous_query(statement: manage.DropContinuousQuery, context: StatementContext) -> None:
    """Nothing happens if there is none."""
    context.engine.continuous_queries.drop(statement.database, statement.name)
