"""What is told of an exception that nobody foresaw, which is a fault of ours: one line, or the traceback on request."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

FAILED, BUG = 1, 70
"""Exit codes: what was asked for could not be done; and EX_SOFTWARE of BSD's sysexits.h."""

DEBUG = "INFLUXISH_DEBUG"
"""The environment variable that, set to 1, asks for tracebacks."""


def tell_bug(error: BaseException) -> int:
    """Report `error` on standard error and return the exit code. Too little memory is told as what it is."""
    kind, message = type(error).__name__, " ".join(str(error).split())
    with suppress(OSError):
        if os.environ.get(DEBUG) == "1":
            from traceback import print_exception

            print_exception(error)
        if isinstance(error, MemoryError):
            print(f"error: there is not enough memory{': ' if message else ''}{message}", file=sys.stderr)
            return FAILED
        what = f"{kind}: {message}" if message else kind
        print(f"influxish: internal error: {what}; please report it with the statement that caused it", file=sys.stderr)
    return BUG
