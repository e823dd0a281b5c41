"""SHOW STATS and SHOW DIAGNOSTICS: series and columns that InfluxDB has, as far as there are such figures here.

What InfluxDB counts and nobody counts here is left out: no figure is made up.
"""

from __future__ import annotations

import gc
import os
import platform
import resource
import socket
import sys
import time
from collections.abc import Iterator, Mapping

from influxish.emit.series import SeriesChunk, StatementResult
from influxish.influxql import show
from influxish.statements.answers import answer, go_duration, series
from influxish.statements.registry import StatementContext, executes
from influxish.types import format_time
from influxish.version import __version__

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Names of machines that Go calls otherwise."""


@executes(show.ShowStats)
def show_stats(statement: show.ShowStats, context: StatementContext) -> StatementResult:
    """What was counted since the database was opened, or of one module."""
    return answer(chunk for chunk in _statistics(context) if statement.module in ("", chunk.name))


@executes(show.ShowDiagnostics)
def show_diagnostics(statement: show.ShowDiagnostics, context: StatementContext) -> StatementResult:
    """What runs here, and with which settings, or of one module."""
    return answer(chunk for chunk in _diagnostics(context) if statement.module in ("", chunk.name))


def _row(name: str, values: Mapping[str, object], tags: Mapping[str, str] | None = None) -> SeriesChunk:
    """A series of one row, its columns by name."""
    columns = tuple(sorted(values))
    return series(name, columns, [[values[column] for column in columns]], tags)


def _statistics(context: StatementContext) -> Iterator[SeriesChunk]:
    engine = context.engine
    collected = sum(generation["collections"] for generation in gc.get_stats())
    # getrusage counts in KiB, but in bytes on macOS
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    yield _row("runtime", {"NumGC": collected, "Sys": most})
    queries = context.running.counts
    yield _row(
        "queryExecutor",
        {
            "queriesActive": queries.executed - queries.finished,
            "queriesExecuted": queries.executed,
            "queriesFinished": queries.finished,
            "queryDurationNs": queries.nanoseconds,
        },
    )
    for name in engine.databases():
        context.look()
        measurements = engine.measurements(name)
        total = sum(engine.count_series(name, measurement) for measurement in measurements)
        yield _row("database", {"numMeasurements": len(measurements), "numSeries": total}, {"database": name})
    for shard in engine.statistics.shards():
        tags = {"database": shard.database, "id": str(shard.id), "path": str(shard.path or "")}
        tags["retentionPolicy"] = shard.policy
        yield _row("shard", {"diskBytes": shard.bytes, "numFiles": shard.files}, tags)
    writes, delivery = engine.statistics.writes, context.delivery
    yield _row(
        "write",
        {
            "pointReq": writes.points,
            "req": writes.requests,
            "subWriteDrop": delivery.dropped_writes,
            "subWriteOk": delivery.accepted_writes,
            "writeDrop": writes.too_old,
            "writeError": writes.failed,
            "writeOk": writes.succeeded,
        },
    )
    yield from _subscriber(context)
    turns = context.continuous.counts
    yield _row("cq", {"queryFail": turns.failed, "queryOk": turns.succeeded})


def _subscriber(context: StatementContext) -> Iterator[SeriesChunk]:
    """The sum, and each destination that anything was sent to."""
    outlets = context.delivery.outlets()
    counted = [(outlet.subscribed, counts) for outlet in outlets for counts in outlet.counts]
    written = sum(counts.points_written for _, counts in counted)
    failed = sum(counts.write_failures for _, counts in counted)
    yield _row("subscriber", {"pointsWritten": written, "writeFailures": failed})
    for subscribed, counts in counted:
        tags = {
            "database": subscribed.database,
            "destination": counts.url,
            "mode": subscribed.subscription.mode,
            "name": subscribed.subscription.name,
            "retention_policy": subscribed.policy,
        }
        values = {"pointsWritten": counts.points_written, "writeFailures": counts.write_failures}
        yield _row("subscriber", values, tags)


def _diagnostics(context: StatementContext) -> Iterator[SeriesChunk]:
    engine, limits = context.engine, context.query.limits
    yield _row("build", {"Version": __version__})
    yield _row("config-coordinator", {"query-timeout": _seconds(limits.max_query_seconds)})
    folder = str(engine.path) if engine.path is not None else ""
    data = {"cache-snapshot-memory-size": engine.options.memtable_bytes, "dir": folder}
    yield _row("config-data", {**data, "wal-dir": folder and str(engine.path / "wal") if engine.path else ""})
    delivery = context.delivery.options
    yield _row(
        "config-subscriber",
        {
            "enabled": delivery.deliver_subscriptions,
            "http-timeout": _seconds(delivery.subscription_timeout),
            "write-buffer-size": delivery.subscription_buffer,
            "write-concurrency": 1,
        },
    )
    yield _row("network", {"hostname": socket.gethostname()})
    machine = platform.machine().lower()
    yield _row(
        "runtime",
        {
            "GOARCH": _ARCHITECTURES.get(machine, machine),
            "GOMAXPROCS": context.query.pool.workers,
            "GOOS": platform.system().lower(),
            "version": f"python{platform.python_version()}",
        },
    )
    now = time.time_ns()
    opened = engine.statistics.opened
    yield _row(
        "system",
        {
            "PID": os.getpid(),
            "currentTime": format_time(now),
            "started": format_time(opened),
            "uptime": go_duration(max(now - opened, 0)),
        },
    )


def _seconds(seconds: float) -> str:
    """As Go prints a duration; what is no limit is 0s."""
    return go_duration(int(seconds * 1e9)) if seconds != float("inf") else "0s"
