"""SHOW QUERIES and KILL QUERY: what this database is asked right now, from whichever thread."""

from __future__ import annotations

import time

from influxish.emit.series import StatementResult
from influxish.errors import ExecutionError, NotFound
from influxish.influxql import manage, show
from influxish.statements.answers import answer, go_duration, series
from influxish.statements.registry import StatementContext, executes

_UNITS = (1_000_000_000, 1_000_000, 1_000)


@executes(show.ShowQueries)
def show_queries(statement: show.ShowQueries, context: StatementContext) -> StatementResult:
    """All queries, oldest first, that which asks included."""
    now = time.monotonic()
    rows = [
        (query.id, query.describe(), query.database, _age(now - query.started), _status(query.killed.is_set))
        for query in context.running.queries()
    ]
    return answer([series("", ("qid", "query", "database", "duration", "status"), rows)])


@executes(manage.KillQuery)
def kill_query(statement: manage.KillQuery, context: StatementContext) -> None:
    """Stop a query at its next look. There is one host, so the name of one is passed over.

    Raises:
        NotFound: no query of that number runs.
        ExecutionError: it is being stopped already.
    """
    query = next((query for query in context.running.queries() if query.id == statement.id), None)
    if query is None:
        raise NotFound(f"no such query id: {statement.id}")
    if query.killed.is_set:
        raise ExecutionError("already killed")
    query.killed.cancel()


def _status(killed: bool) -> str:
    return "killed" if killed else "running"


def _age(seconds: float) -> str:
    """In whole seconds, ms or µs, whichever is the largest that it has."""
    nanoseconds = int(seconds * 1e9)
    unit = next((unit for unit in _UNITS if nanoseconds >= unit), 1)
    return go_duration(nanoseconds // unit * unit)
