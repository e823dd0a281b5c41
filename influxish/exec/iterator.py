"""The protocol of operators: open, pull batches until None, close. And the wrapper that watches every one of them."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

from influxish.batch import BATCH_ROWS, Batch
from influxish.exec.context import QueryContext
from influxish.exec.profile import NodeProfile
from influxish.functions.interruption import interrupted_by
from influxish.functions.state import StateBatch


class BatchIterator(ABC):
    """A Volcano operator (G. Graefe, 1994), driven by one thread at a time. Constructors store, `open` acquires.

    What it yields are rows (`Batch`), or partial states (`StateBatch`) out of an aggregation that runs per shard.
    """

    def __init__(self, *children: BatchIterator) -> None:
        self.children = children
        self._opened = ExitStack()

    def open(self) -> Self:
        """Open the children. If one fails, those already open are closed again."""
        with ExitStack() as opening:
            for child in self.children:
                opening.enter_context(child)
            self._opened = opening.pop_all()
        return self

    def close(self) -> None:
        """Give everything back, last opened first. Safe to repeat."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def next_batch(self) -> Batch | StateBatch | None:
        """The next batch that is not empty, or None at the end and on every later call."""


class RowIterator(BatchIterator):
    """An operator that yields rows."""

    @abstractmethod
    def next_batch(self) -> Batch | None: ...

    def rows_of(self, child: BatchIterator) -> Batch | None:
        """The next rows of a child that yields rows."""
        batch = child.next_batch()
        assert not isinstance(batch, StateBatch), f"{type(child).__name__} yields states, not rows"
        return batch


class HeldIterator(RowIterator):
    """An operator that must see all of its input before it can answer: subclasses write `produce` as a generator.

    What is produced may be of any size; it is handed on in slices of about `BATCH_ROWS`. `memory` is accounted for
    by the subclass while it collects, and given back on close.
    """

    def __init__(self, *children: BatchIterator, context: QueryContext) -> None:
        super().__init__(*children)
        self.context = context
        self.memory = context.account()
        self._pieces: Iterator[Batch] | None = None
        self._current: Batch | None = None
        self._next = 0

    @abstractmethod
    def produce(self) -> Iterator[Batch]:
        """Read the children and yield the rows of the answer."""

    def next_batch(self) -> Batch | None:
        if self._pieces is None:
            self._pieces = self.produce()
        while self._current is None or self._next >= self._current.rows:
            self._current = next(self._pieces, None)
            self._next = 0
            if self._current is None:
                return None
        start = self._next
        self._next = min(start + BATCH_ROWS, self._current.rows)
        return self._current if self._next - start == self._current.rows else self._current.slice(start, self._next)

    def close(self) -> None:
        self._pieces, self._current = iter(()), None
        self.memory.set(0)
        super().close()

    def collect(self, child: BatchIterator) -> Batch | None:
        """All rows of a child that yields rows as one batch, their memory accounted for."""
        batches = []
        while (batch := self.rows_of(child)) is not None:
            self.memory.add(batch.nbytes)
            batches.append(batch)
        return Batch.concat(batches, self.context.look) if batches else None


class Watched(BatchIterator):
    """Wraps the iterator of a node: counts and times what it yields, and stops when the query shall, in a batch too."""

    def __init__(self, inner: BatchIterator, context: QueryContext, profile: NodeProfile) -> None:
        super().__init__(inner)
        self._inner, self._context, self._profile = inner, context, profile

    def next_batch(self) -> Batch | StateBatch | None:
        self._context.look()
        started = time.perf_counter()
        with interrupted_by(self._context.look):  # for work that is long between two batches
            batch = self._inner.next_batch()
        self._profile.seconds += time.perf_counter() - started
        self._profile.workers.add(threading.current_thread().name)
        if batch is not None:
            self._profile.batches += 1
            self._profile.rows += batch.rows
        return batch
