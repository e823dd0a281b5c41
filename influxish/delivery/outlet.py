"""One subscription being served: a queue of writes, a thread that empties it, and what came of them.

A write is never held up: what finds the queue full is dropped and counted. What a destination does not take is counted
and not sent again, as InfluxDB does it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from influxish.delivery.destinations import DeliveryFailed, Destination, destination
from influxish.delivery.options import DeliveryOptions
from influxish.storage.line_writer import write_lines
from influxish.storage.points import PointBatch
from influxish.storage.subscriptions import Subscribed

_IDLE_SECONDS = 5.0
"""A thread that has nothing to send for so long ends; the next write starts another one."""

_REQUEST_POINTS = 5_000
"""Writes that wait together are sent in requests of about so many points, as InfluxDB's clients are told to."""

_WAITING_POINTS = 1_000_000
"""So many points may wait, beside the number of writes, since a write can be large. One write always may."""


@dataclass(frozen=True, slots=True)
class DestinationCounts:
    """What came of the points for one destination.

    Attributes:
        points_written: points that it took.
        write_failures: requests that it did not take.
        last_error: why it did not take the last of those; "" if it took all.
    """

    url: str
    points_written: int = 0
    write_failures: int = 0
    last_error: str = ""


class Outlet:
    """Serves one subscription. Thread-safe.

    Args:
        wanted: whether the subscription is there still: what waits for one that was dropped is forgotten.

    Attributes:
        dropped_points: points that found no room.
    """

    def __init__(self, subscribed: Subscribed, options: DeliveryOptions, wanted: Callable[[], bool]) -> None:
        self.subscribed, self.dropped_points = subscribed, 0
        self._buffer, self._timeout, self._wanted = options.subscription_buffer, options.subscription_timeout, wanted
        self._counts = [DestinationCounts(url) for url in subscribed.subscription.destinations]
        self._destinations: list[Destination | None] = [None for _ in self._counts]  # each is made when it is used
        self._next = 0  # the destination that is tried first
        self._changed = threading.Condition()
        self._waiting: deque[PointBatch] = deque()
        self._points = 0  # of what waits
        self._busy = self._closing = self._aborted = False
        self._thread: threading.Thread | None = None

    @property
    def counts(self) -> list[DestinationCounts]:
        """Of each destination, in their order."""
        return list(self._counts)

    def offer(self, points: PointBatch) -> bool:
        """Take points to be sent; False if there is no room for them, or it is closing: they are dropped."""
        with self._changed:
            full = len(self._waiting) >= self._buffer
            full = full or bool(self._waiting and self._points + points.rows > _WAITING_POINTS)
            if self._closing or full or not self._works():
                self.dropped_points += points.rows
                return False
            self._waiting.append(points)
            self._points += points.rows
            self._changed.notify_all()
            return True

    def _works(self) -> bool:
        """Whether a thread empties the queue. The lock is held."""
        if self._thread is None:
            name = f"influxish-subscription-{self.subscribed.subscription.name}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except (
                RuntimeError
            ):  # the system has no more threads; the write that is being told of is stored all the same
                return False
            self._thread = thread
        return True

    def flush(self, seconds: float) -> bool:
        """Wait until nothing waits or is being sent, so long at most; whether that came about."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._waiting or self._busy), seconds)

    def finish(self) -> None:
        """Take no more points, and end when all that wait are sent."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Drop what waits, and break off what is being sent. To be called after `finish`."""
        with self._changed:
            self._aborted = True
            self.dropped_points += self._points
            self._waiting.clear()
            self._points = 0
        for each in self._destinations:
            if each is not None:
                each.abort()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, so long at most: a connection that is being made cannot be broken off."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        try:
            while batches := self._taken():
                try:
                    if self._wanted():
                        self._send([line for points in batches for line in write_lines(points)])
                except Exception as error:  # a fault of ours: it is told of like those of destinations
                    self._counts = [_failed(counts, error) for counts in self._counts]
        except BaseException:
            with self._changed:
                self._end()
            raise

    def _taken(self) -> list[PointBatch]:
        """The writes that are sent next; none to end."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._closing, _IDLE_SECONDS)
            taken, rows = list[PointBatch](), 0
            while self._waiting and (not taken or rows + self._waiting[0].rows <= _REQUEST_POINTS):
                taken.append(self._waiting.popleft())
                rows += taken[-1].rows
            self._points -= rows
            self._busy = bool(taken)
            if not taken:
                self._end()
            return taken

    def _end(self) -> None:
        """This thread works no more. The lock is held: the next write starts another thread."""
        for each in self._destinations:
            if each is not None:
                each.close()
        self._thread, self._busy = None, False
        self._changed.notify_all()

    def _destination(self, number: int) -> Destination:
        found = self._destinations[number]
        if found is None:
            url, there = self._counts[number].url, self.subscribed
            found = self._destinations[number] = destination(url, self._timeout, there.database, there.policy)
        return found

    def _send(self, lines: list[str]) -> None:
        each_takes = self.subscribed.subscription.mode == "ALL"
        for _ in self._destinations:
            if self._aborted:
                return
            number = self._next
            self._next = (number + 1) % len(self._destinations)
            counts = self._counts[number]
            try:
                self._destination(number).send(lines)
            except (
                Exception
            ) as error:  # DeliveryFailed, or a fault of ours: other destinations get the points all the same
                self._counts[number] = _failed(counts, error)
            else:
                self._counts[number] = replace(counts, points_written=counts.points_written + len(lines))
                if not each_takes:
                    return


def _failed(counts: DestinationCounts, error: Exception) -> DestinationCounts:
    """The same, and one failure more."""
    reason = str(error) if isinstance(error, DeliveryFailed) else f"{type(error).__name__}: {error}"
    told = f"{reason} ({time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())})"
    return replace(counts, write_failures=counts.write_failures + 1, last_error=told)
