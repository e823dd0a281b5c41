"""Statements that are no SELECT: SHOW …, CREATE …, ALTER …, DROP …, DELETE, KILL. No graph is made for them.

`registry.py` has the dispatch; the other files execute what their names say, each class of statement by one function.
"""

from __future__ import annotations

from influxish import influxql
from influxish.emit.series import StatementResult
from influxish.errors import UnsupportedStatement
from influxish.influxql import ast
from influxish.statements import (  # noqa: F401 (they enter what they execute)
    cardinality,
    continuous,
    deleting,
    listing,
    policies,
    queries,
    shards,
    statistics,
    subscriptions,
    users,
)
from influxish.statements.registry import EXECUTORS, StatementContext

__all__ = ["StatementContext", "execute"]


def execute(statement: ast.Statement, context: StatementContext) -> StatementResult:
    """Run a statement that is no SELECT.

    The context is looked at before anything is done, and now and then in a long list.

    Raises:
        NotFound: no database is named, or it does not exist where it must.
        CompileError: a condition or a name that is none.
        ExecutionError: what it asks for cannot be done.
        UnsupportedStatement: this version does not execute it.
        QueryCancelled, LimitExceeded: as `QueryContext.look`. Nothing is changed then.
        WriteError, StorageError: as the method of `Engine` that is called for it.
    """
    context.look()
    executor = EXECUTORS.get(type(statement))
    if executor is None:
        name = influxql.format_node(statement).split(" ", 1)[0]
        raise UnsupportedStatement(f"this {name} statement is not executed by this version", span=statement.span)
    return executor(statement, context) or StatementResult(0)
