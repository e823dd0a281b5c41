"""SHOW, CREATE and DROP SUBSCRIPTION."""

from __future__ import annotations

from itertools import groupby

from influxish.emit.series import StatementResult
from influxish.influxql import manage, show
from influxish.statements.answers import answer, series
from influxish.statements.registry import StatementContext, executes
from influxish.storage.subscriptions import Subscription

_COLUMNS = ("retention_policy", "name", "mode", "destinations")


@executes(show.ShowSubscriptions)
def show_subscriptions(statement: show.ShowSubscriptions, context: StatementContext) -> StatementResult:
    """A series for each database that has any."""
    chunks = []
    for database, found in groupby(context.engine.subscriptions.all(), key=lambda each: each.database):
        listed = [(each.policy, each.subscription) for each in found]
        rows = [(policy, each.name, each.mode, each.destinations) for policy, each in listed]
        chunks.append(series(database, _COLUMNS, rows))
    return answer(chunks)


@executes(manage.CreateSubscription)
def create_subscription(statement: manage.CreateSubscription, context: StatementContext) -> None:
    """Subscribe to a policy; whether anything is sent is a setting of the database.

    Raises:
        CompileError: a destination that is none.
        NotFound: no such database or policy.
        ExecutionError: there is a subscription of that name.
    """
    subscription = Subscription(statement.name, statement.mode, statement.destinations)
    context.engine.subscriptions.create(statement.database, statement.retention_policy, subscription)


@executes(manage.DropSubscription)
def drop_subscription(statement: manage.DropSubscription, context: StatementContext) -> None:
    """End a subscription.

    Raises:
        NotFound: no such database, policy or subscription.
    """
    context.engine.subscriptions.drop(statement.database, statement.retention_policy, statement.name)
