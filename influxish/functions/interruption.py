"""How work that may take long is told to stop: it calls `look()` between pieces that take milliseconds.

Whoever runs a query says what `look` does, for the thread it runs on; outside a query it does nothing. Kernels
stay functions of their arguments this way, and know nothing of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Look = Callable[[], None]

_current: ContextVar[Look | None] = ContextVar("look", default=None)


def look() -> None:
    """Stop here, with the exception that the query is stopped by, if it shall go on no longer."""
    current = _current.get()
    if current is not None:
        current()


@contextmanager
def interrupted_by(look: Look) -> Iterator[None]:
    """Inside, `look()` on this thread calls the `look` given here. May be nested; the inner one counts."""
    before = _current.set(look)
    try:
        yield
    finally:
        _current.reset(before)
