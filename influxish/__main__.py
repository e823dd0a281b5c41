"""`python -m influxish` is the command line."""

import sys

from influxish.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
