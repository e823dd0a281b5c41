"""The entry of the command line: reads the arguments, runs one command, and turns failures into one line.

Commands are imported when they run, so `influxish --help` starts without the engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from influxish.cli.arguments import parser

FAILED, INTERRUPTED, BROKEN_PIPE = 1, 130, 141
"""Exit codes: an error of the input, Ctrl-C, and a reader of our output that went away. Wrong usage is 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    module, function = options.run.split(":")
    try:
        code: int = getattr(import_module(module), function)(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered must not fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except _errors() as error:
        sys.stdout.flush()
        print(f"error: {error}", file=sys.stderr)
        return FAILED


def _errors() -> tuple[type[Exception], ...]:
    from influxish.errors import InfluxishError

    return (InfluxishError,)
