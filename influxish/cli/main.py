"""The command line: reads the arguments, runs one command, and turns failures into one line.

Commands are imported when they run, so `influxish --help` starts without the engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

from influxish.cli.bugs import FAILED, tell_bug
from influxish.cli.interrupts import INTERRUPTED, leave_at_once, raise_again

BROKEN_PIPE = 141
"""Exit code: a reader of our output that went away. Wrong usage is 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        run = _command(arguments)
        raise_again()
        code = run()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as error:
        _drop_output()
        place = f"{error.filename}: " if error.filename else "cannot write the output: "
        return _failed(f"{place}{error.strerror or error}")
    except SystemExit:
        raise
    except BaseException as error:  # a panic of what is written in Rust is no Exception
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        return _failed(str(error)) if isinstance(error, _root_of_errors()) else tell_bug(error)


def _command(arguments: Sequence[str] | None) -> Callable[[], int]:
    """What the arguments ask for, with all that it needs imported.

    Raises:
        SystemExit: help was printed, or the usage is wrong.
    """
    leave_at_once()
    from influxish.cli.arguments import parser

    _have_output()
    try:
        options = parser().parse_args(arguments)
    except SystemExit:
        sys.stdout.flush()  # what fails when the interpreter ends is not told as an error
        raise
    module, function = options.run.split(":")
    _load_engine()
    run = getattr(import_module(module), function)
    return lambda: run(options)


def _load_engine() -> None:
    """Import now what every command would import later."""
    import numpy as np
    from pcodec import ChunkConfig, standalone

    import influxish.database  # noqa: F401

    # Its first call looks numpy up, and panics when an interrupt comes just then.
    standalone.simple_compress(np.zeros(1), ChunkConfig())


def _have_output() -> None:
    """Where standard output is closed, put one in its place that cannot be written, so that writing fails as usual."""
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115


def _drop_output() -> None:
    """What is still buffered must not fail once more when the interpreter ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str) -> int:
    with suppress(OSError):
        print(f"error: {message}", file=sys.stderr)
    return FAILED


def _root_of_errors() -> type[Exception]:
    from influxish.errors import InfluxishError

    return InfluxishError
