"""Parallelism as an operator: several inputs run on the worker pool, their batches come out in one fixed order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Self

from influxish.batch import Batch
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator
from influxish.functions.state import StateBatch

BUFFERED = 2
"""Batches that an input may be ahead of the reader."""


class _Fragment:
    """One input and where it stands."""

    def __init__(self, iterator: BatchIterator) -> None:
        self.iterator = iterator
        self.ready: deque[Batch | StateBatch] = deque()
        self.opened = self.running = self.queued = self.done = False


class Exchange(BatchIterator):
    """Drive the inputs on the pool, a batch at a time, and pass their batches on in turn.

    An input never blocks a worker: when its buffer is full it is simply not given another step, so a slow reader
    holds no thread. Inputs take turns in a fixed order, so the same query gives the same order every time.
    """

    def __init__(self, inputs: Sequence[BatchIterator], context: QueryContext, workers: int) -> None:
        super().__init__()
        self._context = context
        self._waiting = deque(_Fragment(iterator) for iterator in inputs)
        self._active: list[_Fragment] = []
        self._width = 2 * workers
        self._turn = 0
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._closed = False

    def open(self) -> Self:
        with self._changed:
            while self._waiting and len(self._active) < self._width:
                self._active.append(self._waiting.popleft())
            for fragment in self._active:
                self._schedule(fragment)
        return self

    def next_batch(self) -> Batch | StateBatch | None:
        with self._changed:
            while self._active:
                self._context.look()
                if self._failure is not None:
                    raise self._failure
                fragment = self._active[self._turn]
                if fragment.ready:
                    batch = fragment.ready.popleft()
                    self._context.memory.take(-batch.nbytes)
                    self._schedule(fragment)
                    self._turn = (self._turn + 1) % len(self._active)
                    return batch
                if fragment.done and self._waiting:
                    self._active[self._turn] = self._waiting.popleft()
                    self._schedule(self._active[self._turn])
                elif fragment.done:
                    self._active.pop(self._turn)
                    self._turn %= max(1, len(self._active))
                else:
                    self._changed.wait(0.05)  # wakes by itself to look at the deadline
            if self._failure is not None:
                raise self._failure
        return None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            while any(fragment.running for fragment in self._active):
                self._changed.wait()
            for fragment in self._active:
                self._context.memory.take(-sum(batch.nbytes for batch in fragment.ready))
                fragment.ready.clear()
                if fragment.opened:
                    fragment.opened = False
                    fragment.iterator.close()
            self._active.clear()
            self._waiting.clear()

    def _schedule(self, fragment: _Fragment) -> None:
        """Give a fragment a step if it has room for another batch."""
        idle = not (fragment.running or fragment.queued or fragment.done or self._closed)
        if idle and self._failure is None and len(fragment.ready) < BUFFERED:
            fragment.queued = True
            self._context.pool.submit(lambda: self._step(fragment))

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
            self._schedule(fragment)
            self._changed.notify_all()
