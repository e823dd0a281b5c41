"""The threads inside queries of a database right now: closing sends them away and waits until they are gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from influxish.errors import StorageError
from influxish.exec.context import CancelSwitch, QueryContext
from influxish.functions.interruption import interrupted_by


class RunningQueries:
    """Counts threads inside queries, not queries: a stream that nobody is reading keeps nobody waiting.

    Attributes:
        closing: every context of the database looks at it; set by `close`, for good.
    """

    def __init__(self) -> None:
        self.closing = CancelSwitch()
        self._changed = threading.Condition()
        self._working: list[int] = []  # an entry for each step that is going on: its thread

    def refuse_when_closed(self) -> None:
        """Raises: StorageError: no query begins any more."""
        if self.closing.is_set:
            raise StorageError("the database is closed")

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
