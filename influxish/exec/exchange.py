"""Parallelism as an operator: several inputs run on the worker pool; the order is that of reading them in turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Self

from influxish.batch import Batch
from influxish.errors import QueryCancelled
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator
from influxish.functions.state import StateBatch

READ_AHEAD = 16 << 20
"""Bytes of batches that an input may be ahead of the reader; a part of a scan that fits is never waited for twice."""


class _Fragment:
    """One input and where it stands."""

    def __init__(self, iterator: BatchIterator) -> None:
        self.iterator = iterator
        self.ready: deque[Batch | StateBatch] = deque()
        self.ahead = 0  # bytes in `ready`
        self.opened = self.running = self.queued = self.done = False


class Exchange(BatchIterator):
    """Drive the inputs on the pool, a batch at a time; what comes out is the first input, then the second, and so on.

    That is the order in which one thread would have read them, so an answer does not show how many workers there were
    or which was faster. An input never blocks a worker: when it is far enough ahead it is simply not given another
    step, so a slow reader holds no thread.

    `context` is one that the inputs were built with and nobody else: closing the exchange stops them through it.
    """

    def __init__(
        self, inputs: Sequence[BatchIterator], context: QueryContext, workers: int, read_ahead: int = READ_AHEAD
    ) -> None:
        super().__init__()
        self._read_ahead = read_ahead
        self._context = context
        self._waiting = deque(_Fragment(iterator) for iterator in inputs)
        self._active: list[_Fragment] = []
        self._width = 2 * workers
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._closed = False

    def open(self) -> Self:
        with self._changed:
            self._admit()
        return self

    def next_batch(self) -> Batch | StateBatch | None:
        with self._changed:
            while self._active:
                self._context.look()
                if self._failure is not None:
                    raise self._failure
                fragment = self._active[0]
                if fragment.ready:
                    batch = fragment.ready.popleft()
                    fragment.ahead -= batch.nbytes
                    self._context.memory.take(-batch.nbytes)
                    self._schedule(fragment)
                    return batch
                if fragment.done:
                    self._active.pop(0)
                    self._admit()
                else:
                    self._changed.wait(0.05)  # wakes by itself to look at the deadline
            if self._failure is not None:
                raise self._failure
        return None

    def close(self) -> None:
        self._context.abandon()
        with self._changed:
            self._closed = True
            while any(fragment.running for fragment in self._active):
                self._changed.wait()
            for fragment in self._active:
                self._context.memory.take(-fragment.ahead)
                fragment.ready.clear()
                fragment.ahead = 0
                if fragment.opened:
                    fragment.opened = False
                    fragment.iterator.close()
            self._active.clear()
            self._waiting.clear()

    def _admit(self) -> None:
        """Let the next inputs begin."""
        while self._waiting and len(self._active) < self._width:
            fragment = self._waiting.popleft()
            self._active.append(fragment)
            self._schedule(fragment)

    def _schedule(self, fragment: _Fragment) -> None:
        """Give a fragment a step if it has room for another batch."""
        idle = not (fragment.running or fragment.queued or fragment.done or self._closed)
        if idle and self._failure is None and fragment.ahead < self._read_ahead:
            try:
                self._context.pool.submit(lambda: self._step(fragment))
                fragment.queued = True
            except QueryCancelled as error:  # the pool is closed; raised to the reader, as this may be a worker
                self._failure = error

    def _step(self, fragment: _Fragment) -> None:
        with self._changed:
            fragment.queued = False
            if self._closed or self._failure is not None:
                self._changed.notify_all()
                return
            fragment.running = True
        batch: Batch | StateBatch | None = None
        failure: BaseException | None = None
        try:
            if not fragment.opened:
                fragment.iterator.open()
                fragment.opened = True
            batch = fragment.iterator.next_batch()
            if batch is not None:
                self._context.memory.take(batch.nbytes)
            else:
                fragment.opened = False
                fragment.iterator.close()
        except BaseException as error:  # carried to the reader's thread, which raises it
            failure, batch = error, None
        with self._changed:
            fragment.running = False
            fragment.done = batch is None
            if failure is not None:
                self._failure = self._failure or failure
            if batch is not None:
                fragment.ready.append(batch)
                fragment.ahead += batch.nbytes
            self._schedule(fragment)
            self._changed.notify_all()
