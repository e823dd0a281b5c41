"""The queries of a database right now, and the threads inside them: closing sends those away and waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from influxish.errors import StorageError
from influxish.exec.context import CancelSwitch, QueryContext
from influxish.functions.interruption import interrupted_by


@dataclass(frozen=True, eq=False, slots=True)
class RunningQuery:
    """A text that is being answered, until its last row is read.

    Attributes:
        id: never used again while the database is open.
        describe: its statements as text.
        database: the one meant where it names none.
        started: `time.monotonic()` when it began.
        killed: stops it.
    """

    id: int
    describe: Callable[[], str]
    database: str
    started: float
    killed: CancelSwitch


@dataclass(slots=True)
class QueryCounts:
    """What was asked since the database was opened.

    Attributes:
        executed, finished: texts that were begun, and that are answered, or failed.
        nanoseconds: wall time of those that are finished.
    """

    executed: int = 0
    finished: int = 0
    nanoseconds: int = 0


class RunningQueries:
    """What closing waits for is threads inside queries, not queries: a stream that nobody reads keeps nobody waiting.

    Attributes:
        closing: every context of the database looks at it; set by `close`, for good.
        counts: of all queries, those that have ended included.
    """

    def __init__(self) -> None:
        self.closing = CancelSwitch()
        self.counts = QueryCounts()
        self._changed = threading.Condition()
        self._ids = count(1)
        self._queries: dict[int, RunningQuery] = {}
        self._working: list[int] = []  # an entry for each step that is going on: its thread

    def refuse_when_closed(self) -> None:
        """Raises: StorageError: no query begins any more."""
        if self.closing.is_set:
            raise StorageError("the database is closed")

    @contextmanager
    def listed(self, context: QueryContext, describe: Callable[[], str], database: str) -> Iterator[None]:
        """Tell of a query as long as it is answered; arguments as of `RunningQuery`."""
        query = RunningQuery(next(self._ids), describe, database, context.started, context.killed)
        with self._changed:
            self._queries[query.id] = query
            self.counts.executed += 1
        try:
            yield
        finally:
            with self._changed:
                del self._queries[query.id]
                self.counts.finished += 1
                self.counts.nanoseconds += int((time.monotonic() - query.started) * 1e9)

    def queries(self) -> list[RunningQuery]:
        """Those that are being answered, oldest first."""
        return list(self._queries.copy().values())

    @contextmanager
    def step(self, context: QueryContext) -> Iterator[None]:
        """Work for a query; `close` waits for its end.

        Raises:
            QueryCancelled, LimitExceeded: as `QueryContext.look`.
        """
        thread = threading.get_ident()
        with self._changed:
            context.look()  # under the lock: no step begins once closing has
            self._working.append(thread)
        try:
            with interrupted_by(context.look):  # parsing is handed the look; all later stages ask for it here
                yield
        finally:
            with self._changed:
                self._working.remove(thread)
                self._changed.notify_all()

    def close(self) -> None:
        """Let no step begin, cancel those that are going on, and wait for them: as long as they take to look.

        Steps below the call itself are not waited for.
        """
        with self._changed:
            self.closing.cancel()
            own = threading.get_ident()
            self._changed.wait_for(lambda: all(thread == own for thread in self._working))
