"""What a database does by itself, on threads of its own: how often, and how such a thread begins and ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from influxish.errors import InfluxishError
from influxish.settings import check_settings, period

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


class Periodic:
    """Does something again and again, on a thread of its own, until it is stopped.

    Args:
        name: of the thread.
        seconds: from the end of one time to the beginning of the next, > 0.
        action: what to do. An InfluxishError that it raises is logged, and does not keep it from being done again.
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
        while not self._stopping.wait(self._seconds):
            try:
                self._action()
            except InfluxishError as error:
                if not self._stopping.is_set():  # else it was stopped, as it was to be
                    _LOG.warning("%s: %s", self._thread.name, error)
