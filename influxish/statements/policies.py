"""SHOW, CREATE and DROP databases; SHOW, CREATE, ALTER and DROP retention policies.

What a policy may be is checked here, with InfluxDB's rules and texts; the store takes any.
"""

from __future__ import annotations

from dataclasses import replace

from influxish.emit.series import StatementResult
from influxish.errors import CompileError, ExecutionError
from influxish.influxql import ast, manage, show
from influxish.statements.answers import answer, go_duration, series
from influxish.statements.registry import StatementContext, executes
from influxish.storage.interface import RetentionPolicy
from influxish.types import DAY, HOUR, WEEK

SHORTEST = HOUR
"""The least time that points can be kept for, and that a shard group can cover, ns."""

DEFAULT_NAME = "autogen"


def default_shard_duration(duration: int) -> int:
    """The time that one shard group covers where nothing is said, ns, by how long points are kept (InfluxDB's rule)."""
    if 0 < duration < 2 * DAY:
        return HOUR
    if 0 < duration < 180 * DAY:
        return DAY
    return WEEK


def shard_duration_of(asked: int | None, duration: int) -> int:
    """The time that one shard group covers, ns, when `asked` is what was said of it (None or 0: nothing)."""
    return max(asked, SHORTEST) if asked else default_shard_duration(duration)


@executes(show.ShowDatabases)
def show_databases(statement: show.ShowDatabases, context: StatementContext) -> StatementResult:
    """Names, in the order in which they were made."""
    return answer([series("databases", ("name",), [(name,) for name in context.engine.databases()])], empty=True)


@executes(show.ShowRetentionPolicies)
def show_policies(statement: show.ShowRetentionPolicies, context: StatementContext) -> StatementResult:
    """One row for each policy, in the order in which they were made; a series without rows if there is none."""
    rows = [
        (
            policy.name,
            go_duration(policy.duration),
            go_duration(policy.shard_duration),
            policy.replication,
            policy.default,
        )
        for policy in context.engine.policies(context.meant(statement.database))
    ]
    columns = ("name", "duration", "shardGroupDuration", "replicaN", "default")
    return answer([series("", columns, rows)], empty=True)


@executes(manage.CreateDatabase)
def create_database(statement: manage.CreateDatabase, context: StatementContext) -> None:
    """Make a database, with the policy that WITH describes; where there is one already it must be the same.

    Raises:
        CompileError: a name or a duration that cannot be.
        ExecutionError: the database exists, and its default policy is another.
    """
    engine = context.engine
    _check_name(statement.name, statement)
    said = (statement.duration, statement.replication, statement.shard_duration, statement.policy)
    if all(value is None for value in said):
        engine.create_database(statement.name)
        return
    duration, name = statement.duration or 0, statement.policy or DEFAULT_NAME
    shard_duration = shard_duration_of(statement.shard_duration, duration)
    policy = RetentionPolicy(name, duration, shard_duration, True, statement.replication or 1)
    _check(policy, statement)
    if not engine.has_database(statement.name):
        engine.create_database(statement.name, policy)
    elif not (existing := {found.name: found for found in engine.policies(statement.name)}):
        engine.create_policy(statement.name, policy)
    elif name not in existing or not _is_described(existing[name], statement):
        raise ExecutionError("retention policy conflicts with an existing policy")


def _is_described(policy: RetentionPolicy, statement: manage.CreateDatabase) -> bool:
    same_duration = statement.duration in (None, policy.duration)
    same_shards = shard_duration_of(statement.shard_duration, policy.duration) == policy.shard_duration
    same_copies = statement.replication in (None, policy.replication)
    return policy.default and same_duration and same_shards and same_copies


@executes(manage.CreateRetentionPolicy)
def create_policy(statement: manage.CreateRetentionPolicy, context: StatementContext) -> None:
    """Make a retention policy; one that is there already in the same form stays.

    Raises:
        CompileError: a name or a duration that cannot be.
        NotFound: no such database.
        ExecutionError: there is another of that name.
    """
    shard_duration = shard_duration_of(statement.shard_duration, statement.duration)
    policy = RetentionPolicy(
        statement.name, statement.duration, shard_duration, statement.default, statement.replication
    )
    _check(policy, statement)
    context.engine.create_policy(statement.database, policy)


@executes(manage.AlterRetentionPolicy)
def alter_policy(statement: manage.AlterRetentionPolicy, context: StatementContext) -> None:
    """Change what is said of a policy.

    Raises:
        CompileError: a duration that cannot be.
        NotFound: no such database or policy.
    """

    def changed(policy: RetentionPolicy) -> RetentionPolicy:
        duration = policy.duration if statement.duration is None else statement.duration
        shard_duration = policy.shard_duration
        if statement.shard_duration is not None:
            shard_duration = shard_duration_of(statement.shard_duration, duration)
        copies = statement.replication or policy.replication
        result = replace(policy, duration=duration, shard_duration=shard_duration, replication=copies)
        _check_durations(result, statement)
        return replace(result, default=policy.default or statement.default)

    context.engine.change_policy(statement.database, statement.name, changed)


@executes(manage.DropRetentionPolicy)
def drop_policy(statement: manage.DropRetentionPolicy, context: StatementContext) -> None:
    """Drop a policy with its points; nothing happens if there is none.

    Raises:
        NotFound: no such database.
    """
    context.engine.drop_policy(statement.database, statement.name)


@executes(manage.DropDatabase)
def drop_database(statement: manage.DropDatabase, context: StatementContext) -> None:
    """Drop a database with all that is in it; nothing happens if there is none."""
    context.engine.drop_database(statement.name)


def _check(policy: RetentionPolicy, statement: ast.Statement) -> None:
    _check_name(policy.name, statement)
    _check_durations(policy, statement)


def _check_name(name: str, statement: ast.Statement) -> None:
    if name in ("", ".", "..") or "/" in name or "\\" in name or not name.isprintable():
        raise CompileError("invalid name", span=statement.span, hint="a name has no slash, and is neither . nor ..")


def _check_durations(policy: RetentionPolicy, statement: ast.Statement) -> None:
    if 0 < policy.duration < SHORTEST:
        message = f"retention policy duration must be at least {go_duration(SHORTEST)}"
        raise CompileError(message, span=statement.span)
    if 0 < policy.duration < policy.shard_duration:
        raise CompileError("retention policy duration must be greater than the shard duration", span=statement.span)
