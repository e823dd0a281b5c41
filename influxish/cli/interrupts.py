"""What Ctrl-C does to a command before it runs. The first thing that is loaded, so it imports next to nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""


def leave_at_once() -> None:
    """Let Ctrl-C end the process without a word.

    For a time when nothing is open that would need closing. In the middle of an import, a KeyboardInterrupt could come
    out as anything.
    """
    _heed(_leave, signal.default_int_handler)


def raise_again() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, after `leave_at_once`."""
    _heed(signal.default_int_handler, _leave)


def _heed(handler: Callable[..., object], instead_of: Callable[..., object]) -> None:
    # Unless somebody else decided: Ctrl-C is ignored after `nohup`, for instance.
    if signal.getsignal(signal.SIGINT) == instead_of:
        try:
            signal.signal(signal.SIGINT, handler)
        except ValueError:  # only the main thread may
            return


def _leave(*signal_and_frame: object) -> None:
    os._exit(INTERRUPTED)
