"""What `engine.py` asks: each question in InfluxQL, in SQL and for Polars, with the same meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
from peers import Question

from influxish.cli.devops import CPU_FIELDS, Fleet
from influxish.types import HOUR

MAIN = 0
"""Place of the question that a bar is set for; the next one asks it of all fields."""


def questions(fleet: Fleet) -> list[Question]:
    """All questions about a fleet's cpu."""
    start, stop = fleet.stop - 2 * HOUR, fleet.stop - HOUR
    host = f"host_{fleet.hosts // 2}"
    means = [f"mean_{name}" for name in CPU_FIELDS]
    return [
        Question(
            "mean by 1h and host",
            "SELECT mean(usage_user) FROM cpu GROUP BY time(1h), hostname",
            "SELECT date_trunc('hour', time) AS time, hostname, avg(usage_user) AS mean FROM cpu GROUP BY 1, 2",
            lambda cpu: _by_hour_and_host(cpu, {"mean": "usage_user"}),
            ("hostname", "time", "mean"),
            ("hostname", "time"),
        ),
        Question(
            "mean of ten fields by 1h and host",
            f"SELECT {', '.join(f'mean({name}) AS mean_{name}' for name in CPU_FIELDS)} FROM cpu "
            "GROUP BY time(1h), hostname",
            "SELECT date_trunc('hour', time) AS time, hostname, "
            f"{', '.join(f'avg({name}) AS mean_{name}' for name in CPU_FIELDS)} FROM cpu GROUP BY 1, 2",
            lambda cpu: _by_hour_and_host(cpu, dict(zip(means, CPU_FIELDS, strict=True))),
            ("hostname", "time", *means),
            ("hostname", "time"),
        ),
        Question(
            "max of one host by 1m in one hour",
            f"SELECT max(usage_user) FROM cpu WHERE hostname = '{host}' AND time >= {start} AND time < {stop} "
            "GROUP BY time(1m)",
            f"SELECT date_trunc('minute', time) AS time, max(usage_user) AS max FROM cpu WHERE hostname = '{host}' "
            f"AND time >= {_timestamp(start)} AND time < {_timestamp(stop)} GROUP BY 1",
            lambda cpu: _max_by_minute(cpu, host, start, stop),
            ("time", "max"),
            ("time",),
        ),
        Question(
            "count where usage_user > 90",
            "SELECT count(usage_user) FROM cpu WHERE usage_user > 90",
            "SELECT count(usage_user) AS count FROM cpu WHERE usage_user > 90",
            lambda cpu: _count_above(cpu, 90),
            ("count",),
            ("count",),
        ),
        Question(
            "last of each host",
            "SELECT last(usage_user) FROM cpu GROUP BY hostname",
            "SELECT hostname, max(time) AS time, arg_max(usage_user, time) AS last FROM cpu GROUP BY hostname",
            _last_of_each_host,
            ("hostname", "time", "last"),
            ("hostname",),
        ),
        Question(
            "first 100 rows of one host",
            f"SELECT {', '.join(CPU_FIELDS)} FROM cpu WHERE hostname = '{host}' LIMIT 100",
            f"SELECT time, {', '.join(CPU_FIELDS)} FROM cpu WHERE hostname = '{host}' ORDER BY time LIMIT 100",
            lambda cpu: _first_rows(cpu, host, 100),
            ("time", *CPU_FIELDS),
            ("time",),
        ),
        Question(
            "nothing to scan (fixed cost)",
            "SELECT mean(usage_user) FROM cpu WHERE time < '1971-01-01' GROUP BY hostname",
            "SELECT hostname, avg(usage_user) AS mean FROM cpu WHERE time < TIMESTAMP '1971-01-01' GROUP BY hostname",
            _nothing,
            ("hostname", "mean"),
            ("hostname",),
        ),
    ]


def _timestamp(nanoseconds: int) -> str:
    return f"TIMESTAMP '{np.datetime64(nanoseconds, 'ns').astype('datetime64[s]')}'"


def _moment(nanoseconds: int) -> Any:
    import polars

    return polars.lit(np.datetime64(nanoseconds, "ns").astype("datetime64[us]").item())


def _by_hour_and_host(cpu: Any, columns: dict[str, str]) -> Any:
    from polars import col

    keys = [col("hostname"), col("time").dt.truncate("1h")]
    return cpu.group_by(keys).agg([col(field).mean().alias(name) for name, field in columns.items()])


def _max_by_minute(cpu: Any, host: str, start: int, stop: int) -> Any:
    from polars import col

    chosen = (col("hostname") == host) & (col("time") >= _moment(start)) & (col("time") < _moment(stop))
    return cpu.filter(chosen).group_by(col("time").dt.truncate("1m")).agg(col("usage_user").max().alias("max"))


def _count_above(cpu: Any, limit: float) -> Any:
    from polars import col

    return cpu.filter(col("usage_user") > limit).select(col("usage_user").count().alias("count"))


def _last_of_each_host(cpu: Any) -> Any:
    from polars import col

    last = col("usage_user").get(col("time").arg_max()).alias("last")
    return cpu.group_by("hostname").agg(col("time").max(), last)


def _first_rows(cpu: Any, host: str, rows: int) -> Any:
    from polars import col

    return cpu.filter(col("hostname") == host).select("time", *CPU_FIELDS).sort("time").head(rows)


def _nothing(cpu: Any) -> Any:
    from polars import col

    return (
        cpu.filter(col("time") < _moment(365 * 24 * HOUR))
        .group_by("hostname")
        .agg(col("usage_user").mean().alias("mean"))
    )
