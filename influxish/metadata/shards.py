"""SHOW SHARDS and SHOW SHARD GROUPS. On one machine a group is one shard, and both have its number."""

from __future__ import annotations

from influxish.emit.series import StatementResult
from influxish.metadata.answers import answer, series
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy
from influxish.types import MAX_TIME, TimeRange, format_time

_GROUP = ("id", "database", "retention_policy", "start_time", "end_time", "expiry_time")
_SHARD = ("id", "database", "retention_policy", "shard_group", "start_time", "end_time", "expiry_time", "owners")


def show_shards(engine: Engine) -> StatementResult:
    """A series for each database, without rows where it has no shards."""
    chunks = []
    for name in engine.databases():
        rows = [(id, name, p.name, id, *_times(p, covered), "") for id, p, covered in engine.shard_ranges(name)]
        chunks.append(series(name, _SHARD, rows))
    return answer(chunks, empty=True)


def show_shard_groups(engine: Engine) -> StatementResult:
    """One series for all databases."""
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
