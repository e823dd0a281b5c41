"""`python -m influxish` is the command line, and so is the script `influxish`.

Ctrl-C ends it quietly from its first line to its last, so nothing is imported here before that is seen to.
"""

import os
import sys


def run() -> int:
    """Run the command that the arguments ask for, and return its exit code."""
    try:
        from influxish.cli.interrupts import leave_at_once
    except (KeyboardInterrupt, RuntimeError):  # Python 3.11 has the latter where an Enum is being made
        os._exit(130)
    try:
        leave_at_once()
        from influxish.cli.main import main

        code = main()
        leave_at_once()
        return code
    except KeyboardInterrupt:  # between those lines
        os._exit(130)


if __name__ == "__main__":
    sys.exit(run())
