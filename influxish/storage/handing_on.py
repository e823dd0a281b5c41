"""Writes on their way to who wants to know of them: in the order in which they became visible, once durable."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from influxish.storage.points import PointBatch


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A write that was carried out.

    Attributes:
        ticket: that the log gave it; 0 where there is no log.
    """

    ticket: int
    database: str
    policy: str
    points: PointBatch


class HandingOn:
    """Writes that wait until they are durable.

    Writers share fsyncs, so the one whose fsync ends first may not be the one that wrote first: each hands on all
    that is durable by then, others' writes too.
    """

    def __init__(self) -> None:
        self._waiting: deque[Written] = deque()
        self._turn = threading.Lock()

    def add(self, written: Written) -> None:
        """Put a write behind those before it. The engine's lock is held, so tickets ascend."""
        self._waiting.append(written)

    def release(self, ticket: int, receive: Callable[[str, str, PointBatch], None]) -> None:
        """Hand on what waits, up to the write of this ticket, which is durable; so are all before it.

        The engine's lock is not held: `receive` may take it. When this returns, the write was handed on, by this
        thread or by another.
        """
        with self._turn:
            while self._waiting and self._waiting[0].ticket <= ticket:
                written = self._waiting.popleft()
                receive(written.database, written.policy, written.points)
