"""Running the continuous queries that are due, one after the other. The clock, and what runs a SELECT, are not here.

Source of the order of things: influxdata/influxdb 1.8, services/continuous_querier, runContinuousQueries.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from influxish.continuous.query import ContinuousQuery
from influxish.errors import InfluxishError
from influxish.exec.context import CancelSwitch
from influxish.influxql import ast
from influxish.storage.continuous_queries import StoredContinuousQueries, StoredContinuousQuery
from influxish.types import TimeRange

_LOG = logging.getLogger("influxish.continuous")


@dataclass(frozen=True, slots=True)
class ContinuousQueryRun:
    """One turn of a continuous query.

    Attributes:
        time_range: the times that were computed; None if it failed before they were known.
        written: how many points were written.
        error: why it failed; "" if it did not.
    """

    database: str
    name: str
    time_range: TimeRange | None
    written: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class TurnCounts:
    """How many turns continuous queries had since the database was opened, by how they ended."""

    succeeded: int = 0
    failed: int = 0


class ContinuousQueryService:
    """Remembers when each continuous query had its last turn. Thread-safe.

    A turn that failed is not repeated; the next one computes its own times. After the store is opened every continuous
    query begins anew: what was missed meanwhile stays missed, but for what RESAMPLE FOR reaches.

    Args:
        stored: the continuous queries.
        run: runs a SELECT … INTO on behalf of a continuous query: how many points it wrote.
        closing: once it is set, no more of them run.

    Attributes:
        counts: of all turns; replaced at each.
    """

    def __init__(
        self,
        stored: StoredContinuousQueries,
        run: Callable[[StoredContinuousQuery, ast.Select], int],
        closing: CancelSwitch,
    ) -> None:
        self._stored, self._run, self._closing = stored, run, closing
        self.counts = TurnCounts()
        self._turn = threading.Lock()
        self._last: dict[tuple[str, str], int] = {}
        self._runs: dict[tuple[str, str], ContinuousQueryRun] = {}

    def latest(self) -> list[ContinuousQueryRun]:
        """The latest turn of each continuous query that there is and that had one."""
        queries = (query for queries in self._stored.all().values() for query in queries)
        found = (self._runs.get((query.database, query.name)) for query in queries)
        return [run for run in found if run is not None]

    def run_due(self, now: int) -> list[ContinuousQueryRun]:
        """Run what is due, database by database; one that fails does not keep the others from running.

        Args:
            now: ns; turns are due by it.
        """
        runs = []
        with self._turn:
            for query in [query for queries in self._stored.all().values() for query in queries]:
                if self._closing.is_set:
                    break
                run = self._run_one(query, now)
                if run is not None:
                    runs.append(run)
                    self._note(run)
        return runs

    def _run_one(self, stored: StoredContinuousQuery, now: int) -> ContinuousQueryRun | None:
        """Its turn; None if it has none, or nothing to compute."""
        key, time_range = (stored.database, stored.name), None
        try:
            query = ContinuousQuery.read(stored.text, now)
            turn = None if query.schedule is None else query.schedule.turn(now, self._last.get(key))
            if turn is None:
                return None
            self._last[key], time_range = turn.time, turn.time_range
            if time_range is None:
                return None
            written = self._run(stored, query.turn(time_range))
        except InfluxishError as error:
            return ContinuousQueryRun(*key, time_range, error=str(error))
        except Exception as error:  # our fault; it must not stop the queries of others, nor pass unseen
            _LOG.exception("continuous query %s of %s: internal error", stored.name, stored.database)
            return ContinuousQueryRun(*key, time_range, error=f"internal error: {type(error).__name__}: {error}")
        return ContinuousQueryRun(*key, time_range, written)

    def _note(self, run: ContinuousQueryRun) -> None:
        key, counts = (run.database, run.name), self.counts
        if run.error:
            self.counts = replace(counts, failed=counts.failed + 1)
        else:
            self.counts = replace(counts, succeeded=counts.succeeded + 1)
        before = self._runs.get(key)
        if run.error and (before is None or before.error != run.error):  # else it would fill the log at every turn
            _LOG.warning("continuous query %s of %s failed: %s", run.name, run.database, run.error)
        self._runs[key] = run
