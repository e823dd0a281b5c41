"""`influxish demo`: makes up a fleet's metrics, asks questions of them, and shows how the answers were found."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import dataclass

import numpy as np

import influxish
from influxish.cli.devops import Fleet
from influxish.cli.opening import open_or_make
from influxish.cli.plots import bars, plot
from influxish.cli.progress import Progress, short
from influxish.emit.table import write_table
from influxish.emit.times import rfc3339
from influxish.errors import InfluxishError
from influxish.types import HOUR, SECOND

DATABASE = "devops"
HOSTS = 150
"""As many as make five million points in a day."""
_MARKER = "demo"
_STEP = 10 * SECOND


@dataclass(frozen=True, slots=True)
class _Question:
    """A question in words and in InfluxQL."""

    words: str
    query: str


_BUSY_HOURS = _Question(
    "How busy is the fleet over the day?",
    "SELECT mean(usage_user) FROM cpu WHERE {range} GROUP BY time(10m)",
)
_BUSY_HOSTS = _Question("Which hosts work hardest?", "SELECT mean(usage_user) FROM cpu GROUP BY hostname")
_TABLES = (
    _Question(
        "How do the regions compare?",
        "SELECT count(usage_user), mean(usage_user), percentile(usage_user, 99) FROM cpu GROUP BY region",
    ),
    _Question("When was it worst, and where?", "SELECT top(usage_user, hostname, 3) FROM cpu"),
    _Question(
        "How much memory was free in the last hours?",
        "SELECT min(available_percent), mean(available_percent) FROM mem WHERE {recent} GROUP BY time(1h)",
    ),
)
_EXPLAINED = "SELECT count(usage_user) FROM cpu"


def run(options: argparse.Namespace) -> int:
    """Make the data unless it is there, then ask."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    with open_or_make(options.data) as database:
        fleet = _prepare(database, options)
        ranges = {
            "range": _between(fleet.start, fleet.stop),
            "recent": _between(max(fleet.start, fleet.stop - 4 * HOUR), fleet.stop),
        }
        _show_busy_hours(database, fleet, _BUSY_HOURS.query.format(**ranges), width)
        _show_busy_hosts(database, width)
        for question in _TABLES:
            result = _ask(database, question.words, question.query.format(**ranges))
            sys.stdout.writelines(write_table([result.statement], width=width, max_rows=12))
        _show_graph(database)
    print(
        f"\nGo on:\n  influxish shell --data {options.data} --db {DATABASE}"
        f"\n  influxish explain --data {options.data} --db {DATABASE} --analyze '{_EXPLAINED}'"
    )
    return 0


def _prepare(database: influxish.Database, options: argparse.Namespace) -> Fleet:
    """The fleet whose data is in the folder, made now where it is missing or was not finished."""
    if DATABASE not in database.databases():
        # Shards of half a day, so that even one day shows how the work is split over shards.
        database.query(f"CREATE DATABASE {DATABASE} WITH SHARD DURATION 12h")
    found = list(database.query(f"SELECT * FROM {_MARKER}", database=DATABASE).rows)
    if found:
        marker = found[0]
        fleet = Fleet(marker["hosts"], marker["start"], marker["stop"], _STEP, marker["seed"])
        _check_same(fleet, options)
        if marker["complete"]:
            print(f"Using the data in {options.data}: {_size(fleet)}")
            return fleet
        print(f"The data in {options.data} is not complete: writing it again")
    else:
        stop = time.time_ns() // _STEP * _STEP
        hours = 24.0 if options.hours is None else options.hours
        fleet = Fleet(
            options.hosts or HOSTS, stop - int(hours * HOUR), stop, _STEP, 1 if options.seed is None else options.seed
        )
        if not fleet.samples:
            raise InfluxishError("--hours is too short for a sample")
    _mark(database, fleet, complete=False)
    started = time.monotonic()
    _write(database, fleet)
    seconds = time.monotonic() - started
    _mark(database, fleet, complete=True)
    print(f"Wrote {_size(fleet)} to {options.data} in {seconds:.1f} s ({short(fleet.values / seconds)} values/s)")
    return fleet


def _check_same(fleet: Fleet, options: argparse.Namespace) -> None:
    hours = (fleet.stop - fleet.start) / HOUR
    wanted = (options.hosts or fleet.hosts, hours if options.hours is None else options.hours)
    seed = fleet.seed if options.seed is None else options.seed
    if wanted != (fleet.hosts, hours) or seed != fleet.seed:
        raise InfluxishError(
            f"{options.data} holds a demo of {fleet.hosts} hosts and {hours:g} hours, made with --seed {fleet.seed}; "
            f"name another folder with --data"
        )


def _mark(database: influxish.Database, fleet: Fleet, *, complete: bool) -> None:
    """Keep what is being made in the database itself, so that a second run finds it, or finishes it."""
    columns = {
        "time": np.array([fleet.start]),
        "hosts": np.array([fleet.hosts]),
        "start": np.array([fleet.start]),
        "stop": np.array([fleet.stop]),
        "seed": np.array([fleet.seed]),
        "complete": np.array([complete]),
    }
    database.write(columns, database=DATABASE, measurement=_MARKER)


def _write(database: influxish.Database, fleet: Fleet) -> None:
    written = 0
    with Progress("writing", fleet.values, "values") as progress:
        for block in fleet.blocks():
            database.write(
                block.columns(), database=DATABASE, measurement=block.measurement, tags=tuple(block.tags), time="time"
            )
            written += block.values
            progress.update(written, written)


def _between(start: int, stop: int) -> str:
    first, last = rfc3339(np.array([start, stop]))
    return f"time >= '{first}' AND time < '{last}'"


def _size(fleet: Fleet) -> str:
    first, last = rfc3339(np.array([fleet.start, fleet.stop]))
    return f"{fleet.points:,} points ({fleet.values:,} values) of {fleet.hosts} hosts, {first} to {last}"


def _ask(database: influxish.Database, words: str, query: str) -> influxish.Result:
    started = time.perf_counter()
    result = database.query(query, database=DATABASE)
    milliseconds = (time.perf_counter() - started) * 1000
    print(f"\n{words}\n> {query}\n  ({milliseconds:.0f} ms)\n")
    return result


def _show_busy_hours(database: influxish.Database, fleet: Fleet, query: str, width: int) -> None:
    result = _ask(database, _BUSY_HOURS.words, query)
    values = np.array([np.nan if row["mean"] is None else row["mean"] for row in result.rows], np.float64)
    lines = plot(values, width)
    first, last = rfc3339(np.array([fleet.start, fleet.stop]))
    margin = len(lines[0]) - len(lines[0].lstrip()) + lines[0].lstrip().find("┤") + 1
    print("\n".join(lines))
    print(f"{' ' * margin}{first}{last.rjust(max(len(lines[-1]) - margin - len(first), len(last) + 2))}")


def _show_busy_hosts(database: influxish.Database, width: int) -> None:
    result = _ask(database, _BUSY_HOSTS.words, _BUSY_HOSTS.query)
    means = sorted(((row["mean"], row["hostname"]) for row in result.rows), reverse=True)
    shown = means[:8]
    print("\n".join(bars([name for _, name in shown], [mean for mean, _ in shown], min(width, 80))))
    if len(means) > len(shown):
        print(f"… and {len(means) - len(shown)} more hosts")


def _show_graph(database: influxish.Database) -> None:
    print(f"\nHow is an answer found? The graph before and after the optimizer:\n> EXPLAIN {_EXPLAINED}\n")
    print(database.explain(_EXPLAINED, database=DATABASE).text())
