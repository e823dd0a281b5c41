"""Waiting for another thread in a way that a query can be stopped meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from influxish.functions.interruption import look

_SECONDS_PER_LOOK = 0.02


@contextmanager
def held(lock: threading.Lock) -> Iterator[None]:
    """Hold `lock` inside. Who waits for it looks now and then whether to go on: its holder may work for long."""
    while not lock.acquire(timeout=_SECONDS_PER_LOOK):
        look()
    try:
        yield
    finally:
        lock.release()
