"""One run of a node for all of its readers: what the first of them pulls is kept for the others."""

from __future__ import annotations

import threading

from influxish.batch import Batch
from influxish.exec.context import QueryContext
from influxish.exec.iterator import BatchIterator
from influxish.functions.state import StateBatch


class Run:
    """An iterator that several readers read, each from the beginning. For results that are held anyway.

    It ends with the last of its readers; and with the query, if some of them were never opened.
    """

    def __init__(self, iterator: BatchIterator, context: QueryContext) -> None:
        self._iterator = iterator
        self._memory = context.account()
        self._unfinished = 0  # readers that were not closed yet
        self._begun = self._over = False
        self._kept: list[Batch | StateBatch | None] = []
        self._lock = threading.RLock()
        context.at_end.callback(self.finish)

    def reader(self) -> SharedIterator:
        """One more reader."""
        self._unfinished += 1
        return SharedIterator(self)

    def batch(self, number: int) -> Batch | StateBatch | None:
        """The batch of that number, pulled if nobody has read as far; None behind the last one."""
        with self._lock:
            if not self._begun:
                self._begun = True
                self._iterator.open()
            if number == len(self._kept):
                batch = self._iterator.next_batch()
                self._memory.add(0 if batch is None else batch.nbytes)
                self._kept.append(batch)
            return self._kept[number]

    def leave(self) -> None:
        """A reader needs no more."""
        with self._lock:
            self._unfinished -= 1
            if not self._unfinished:
                self.finish()

    def finish(self) -> None:
        """Give everything back. Safe to repeat."""
        with self._lock:
            self._kept.clear()
            self._memory.set(0)
            if self._begun and not self._over:
                self._over = True
                self._iterator.close()


class SharedIterator(BatchIterator):
    """One reader's view of a run."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._read = 0
        self._done = self._left = False

    def next_batch(self) -> Batch | StateBatch | None:
        if self._done:
            return None
        batch = self._run.batch(self._read)
        self._read += 1
        self._done = batch is None
        return batch

    def close(self) -> None:
        if not self._left:
            self._left = True
            self._run.leave()
        super().close()
