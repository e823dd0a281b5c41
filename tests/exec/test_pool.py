"""The pool under interrupts: a thread that could not be started or counted harms nobody."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from influxish.exec.pool import WorkerPool


@pytest.mark.parametrize("at_start", [True, False])
def test_an_interrupt_while_threads_start_leaves_a_pool_that_works_and_closes(
    monkeypatch: pytest.MonkeyPatch, at_start: bool
) -> None:
    pool, started = WorkerPool(3), threading.Thread.start
    calls: list[threading.Thread] = []

    def interrupted(thread: threading.Thread) -> Any:
        calls.append(thread)
        if len(calls) == 2 and at_start:
            raise KeyboardInterrupt
        started(thread)
        if len(calls) == 2:
            raise KeyboardInterrupt  # this one runs, but the pool does not know it

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.submit(lambda: None)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(10)
    pool.close()
    pool.close()
    for thread in calls:
        if thread.ident is not None:
            thread.join(10)
            assert not thread.is_alive()


def test_closing_right_after_an_interrupted_start_does_not_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    pool = WorkerPool(2)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.submit(lambda: None)
    pool.close()
