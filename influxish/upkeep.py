"""What a database does by itself, on threads of its own: how often, and how such a thread begins and ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import index
from time import time_ns

from influxish.errors import ExecutionError, InfluxishError
from influxish.settings import check_settings, period
from influxish.types import MAX_TIME, MIN_TIME

_LOG = logging.getLogger("influxish.upkeep")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What is done without being asked for. Nothing is unless it is set: a library has no threads that nobody wanted.

    Raises: InfluxishError: a value that makes no sense.

    Attributes:
        continuous_query_seconds: how often it is looked which continuous queries are due; 0 is never.
        retention_seconds: how often shards are dropped that are older than their retention policy allows; 0 is never.
    """

    continuous_query_seconds: float = field(default=0.0, metadata=period("1").metadata)
    retention_seconds: float = field(default=0.0, metadata=period("1800").metadata)

    def __post_init__(self) -> None:
        check_settings(self)


def moment_or_now(now: int | None) -> int:
    """The moment, UTC ns, that something is to be done for; None is now.

    Raises:
        ExecutionError: there is no such moment.
    """
    if now is None:
        return time_ns()
    try:
        if not isinstance(now, bool) and MIN_TIME <= index(now) <= MAX_TIME:
            return index(now)
    except TypeError:
        pass  # it is no whole number, which is told below
    raise ExecutionError(
        f"now is no moment of the times there are; give UTC nanoseconds from {MIN_TIME} to {MAX_TIME}, or None"
    )


class Periodic:
    """Does something again and again, on a thread of its own, until it is stopped.

    Args:
        name: of the thread.
        seconds: from the end of one time to the beginning of the next, > 0.
        action: what to do. What it raises is logged, and does not keep it from being done again.
    """

    def __init__(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        self._seconds, self._action = seconds, action
        self._stopping = threading.Event()
        # Daemonic: who forgets to close a database can still end the program.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more. Safe to repeat."""
        self._stopping.set()

    def join(self) -> None:
        """Wait for the end of what is being done; only after `stop`."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        told = ""
        while not self._stopping.wait(self._seconds):
            try:
                self._action()
                told = ""
            except InfluxishError as error:
                if not self._stopping.is_set():  # else it was stopped, as it was to be
                    _LOG.warning("%s: %s", self._thread.name, error)
            except Exception as error:  # our fault; it must neither end the thread nor pass unseen
                text = f"internal error: {type(error).__name__}: {error}"
                if text != told:  # else it would fill the log at every turn
                    _LOG.exception("%s: %s", self._thread.name, text)
                told = text
