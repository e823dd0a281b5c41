"""SHOW SHARDS and SHOW SHARD GROUPS. On one machine a group is one shard, and both have its number."""

from __future__ import annotations

from influxish.emit.series import StatementResult
from influxish.influxql import show
from influxish.statements.answers import answer, series
from influxish.statements.registry import StatementContext, executes
from influxish.storage.interface import RetentionPolicy
from influxish.types import MAX_TIME, TimeRange, format_time

_GROUP = ("id", "database", "retention_policy", "start_time", "end_time", "expiry_time")
_SHARD = ("id", "database", "retention_policy", "shard_group", "start_time", "end_time", "expiry_time", "owners")


@executes(show.ShowShards)
def show_shards(statement: show.ShowShards, context: StatementContext) -> StatementResult:
    """A series for each database, without rows where it has no shards."""
    chunks, engine = [], context.engine
    for name in engine.databases():
        rows = [(id, name, p.name, id, *_times(p, covered), "") for id, p, covered in engine.shard_ranges(name)]
        chunks.append(series(name, _SHARD, rows))
    return answer(chunks, empty=True)


@executes(show.ShowShardGroups)
def show_shard_groups(statement: show.ShowShardGroups, context: StatementContext) -> StatementResult:
    """One series for all databases."""
    engine = context.engine
    rows = [
        (id, name, policy.name, *_times(policy, covered))
        for name in engine.databases()
        for id, policy, covered in engine.shard_ranges(name)
    ]
    return answer([series("shard groups", _GROUP, rows)], empty=True)


def _times(policy: RetentionPolicy, covered: TimeRange) -> tuple[str, str, str]:
    """Start, end, and when the last point may go; that is the end where points are kept for ever."""
    moments = (covered.start, covered.stop, covered.stop + policy.duration)
    start, stop, expiry = (format_time(min(moment, MAX_TIME)) for moment in moments)
    return start, stop, expiry
