"""Several inputs as one, on the caller's thread; `exchange.py` is the same on the worker pool."""

from __future__ import annotations

from typing import Self

from influxish.batch import Batch
from influxish.exec.iterator import BatchIterator
from influxish.functions.state import StateBatch


class MergeIterator(BatchIterator):
    """Everything of the first input, then of the second …; each input is open only while it is read."""

    def __init__(self, *inputs: BatchIterator) -> None:
        super().__init__()
        self._inputs = list(reversed(inputs))
        self._current: BatchIterator | None = None

    def open(self) -> Self:
        return self

    def next_batch(self) -> Batch | StateBatch | None:
        while True:
            if self._current is None:
                if not self._inputs:
                    return None
                self._current = self._inputs.pop().open()
            if (batch := self._current.next_batch()) is not None:
                return batch
            self._current.close()
            self._current = None

    def close(self) -> None:
        if self._current is not None:
            self._current.close()
            self._current = None
        self._inputs.clear()


class NothingIterator(BatchIterator):
    """No rows."""

    def next_batch(self) -> None:
        return None
