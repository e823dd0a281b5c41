"""What can be typed: the commands, their options, and the help that teaches them by example.

Imports nothing but the standard library's parser, so that help is instant.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from influxish.version import __version__

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction["_Parser"]

DATA_VARIABLE = "INFLUXISH_DATA"
"""Environment variable that stands in for --data."""

PRECISION_CHOICES = ("ns", "us", "ms", "s", "m", "h")
"""The names of `types.PRECISIONS`, each once; `types` itself would bring numpy along."""

CSV_OPTIONS = {"measurement": "", "time": "", "tags": "", "fields": "", "delimiter": ","}
"""Options of `import` that mean nothing without --format csv, and what they are when they are left out."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Leaves examples as they are, and keeps the names and summaries of commands on one line."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=min(shutil.get_terminal_size().columns - 2, 100))


def parser() -> argparse.ArgumentParser:
    """The whole command line. Each command sets `run` to the function that does it, as `module:function`."""
    top = _Parser(
        prog="influxish",
        usage="influxish [-h] [--version] COMMAND ...",
        description="A time-series query engine: load metrics, ask in InfluxQL, see how the answer was found.",
        epilog=_examples(
            """
            influxish demo
            influxish import --data ./metrics --db telegraf metrics.lp.gz
            influxish query --data ./metrics --db telegraf 'SELECT mean(usage_user) FROM cpu GROUP BY time(1h)'
            influxish explain --data ./metrics --db telegraf 'SELECT count(usage_user) FROM cpu'
            influxish shell --data ./metrics --db telegraf
            """,
            f"Set {DATA_VARIABLE} to leave out --data. `influxish COMMAND --help` explains a command.",
        ),
        formatter_class=_Formatter,
    )
    top.add_argument("--version", action="version", version=f"influxish {__version__}")
    # The metavar is as long as the longest name with its indent, so that every summary stands beside its command.
    commands = top.add_subparsers(title="commands", metavar="COMMAND ...", prog="influxish", required=True)
    for add in (_import, _query, _explain, _databases, _shell, _demo):
        add(commands)
    return top


def _examples(text: str, *notes: str) -> str:
    shown = textwrap.indent(textwrap.dedent(text).strip(), "  ")
    return "\n\n".join((f"examples:\n{shown}", *(textwrap.fill(note, 78) for note in notes)))


def _command(
    commands: _Commands, name: str, run: str, summary: str, description: str, epilog: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=textwrap.fill(textwrap.dedent(description).strip(), 78),
        epilog=epilog,
        formatter_class=_Formatter,
    )
    command.set_defaults(run=run)
    return command


class _Parser(argparse.ArgumentParser):
    """Knows what its library cannot say of options: that some go together. Help that cannot be written is an error."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        found, unknown = super().parse_known_args(args, namespace)
        if getattr(found, "format", "") == "line":
            for name, default in CSV_OPTIONS.items():
                if getattr(found, name) != default:
                    self.error(f"--{name} belongs to CSV: add --format csv")
        return found, unknown

    def _print_message(self, message: str, file: Any = None) -> None:
        # The library's own does not tell when the help could not be written.
        (file or sys.stderr).write(message or "")


def _data(command: argparse.ArgumentParser) -> None:
    default = os.environ.get(DATA_VARIABLE)
    command.add_argument(
        "--data",
        metavar="DIR",
        default=default,
        required=not default,
        help=f"folder that holds the databases (default: ${DATA_VARIABLE})",
    )


def _database(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument("--db", metavar="DB", required=required, default="", help="the database")


def _epoch(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--epoch", choices=PRECISION_CHOICES, default="", help="times as integers of this unit (default: RFC 3339)"
    )


def _rules(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--disable",
        metavar="RULE",
        action="append",
        default=[],
        help="leave out an optimizer rule; may be repeated, `all` leaves out every one. The answer stays the same",
    )
    command.add_argument(
        "--params", metavar="JSON", default="", help='values for $names in the query, such as \'{"host": "a"}\''
    )
    command.add_argument("query", metavar="QUERY", help="InfluxQL; - reads it from standard input")


def _import(commands: _Commands) -> None:
    command = _command(
        commands,
        "import",
        "influxish.cli.importing:run",
        "load files of line protocol or CSV",
        """
        Loads files into a database, which is created if it is missing. Files may be compressed with gzip. Lines that
        cannot be loaded are reported with their number and the reason (the first ten of each file) and kept in
        FILE.rejects beside the data, from where they can be mended and imported; all others are loaded. Ctrl-C stops
        between two batches and keeps what was loaded. The exit code is 1 when anything was left out.
        """,
        _examples(
            """
            influxish import --data ./metrics --db telegraf metrics.lp more.lp.gz
            zcat metrics.lp.gz | influxish import --data ./metrics --db telegraf --precision s -
            influxish import --data ./metrics --db nab --format csv --measurement temperature \\
                --time timestamp --tags room,floor --fields value,count:integer readings.csv
            """,
            "In CSV, times may be RFC 3339, `YYYY-MM-DD HH:MM:SS` (UTC) or integers of --precision. Fields without a "
            "type are inferred from the first rows: numbers become floats, true and false booleans, all else strings. "
            "Empty cells and NaN mean no value.",
        ),
    )
    _data(command)
    _database(command, required=True)
    command.add_argument("--rp", metavar="RP", default="", help="retention policy (default: the database's default)")
    command.add_argument(
        "--precision", choices=PRECISION_CHOICES, default="ns", help="unit of integer times (default: ns)"
    )
    command.add_argument("--format", choices=("line", "csv"), default="line", help="line protocol (default) or CSV")
    command.add_argument(
        "--rejects", metavar="FILE", default="", help="append refused lines of all files to this one instead"
    )
    _csv(command)
    command.add_argument("files", metavar="FILE", nargs="+", help="- is standard input")


def _csv(command: argparse.ArgumentParser) -> None:
    csv = command.add_argument_group("CSV")
    csv.add_argument("--measurement", metavar="NAME", default="", help="default: the file's name up to the first dot")
    csv.add_argument(
        "--time", metavar="COLUMN", default="", help="default: the first column named time, timestamp, date or datetime"
    )
    csv.add_argument("--tags", metavar="A,B", default="", help="columns that become tags")
    csv.add_argument(
        "--fields",
        metavar="C,D:TYPE",
        default="",
        help="columns that become fields, each with or without one of the types float, integer, unsigned, string, "
        "boolean (default: all that are left)",
    )
    csv.add_argument(
        "--delimiter", metavar="CHAR", type=_character, default=",", help="between cells (default: a comma)"
    )


def _query(commands: _Commands) -> None:
    command = _command(
        commands,
        "query",
        "influxish.cli.querying:query",
        "ask in InfluxQL",
        """
        Runs one statement, or several parted by semicolons, and prints the answers. Tables fit the terminal; sent
        elsewhere they are as wide as they need to be.
        """,
        _examples(
            """
            influxish query --data ./metrics --db telegraf 'SELECT max(usage_user) FROM cpu GROUP BY hostname'
            influxish query --data ./metrics --db telegraf --format csv --epoch ms 'SELECT * FROM mem' > mem.csv
            influxish query --data ./metrics --db telegraf --params '{"h": "host_1"}' \\
                'SELECT mean(usage_user) FROM cpu WHERE hostname = $h AND time > now() - 1d GROUP BY time(1h)'
            influxish query --data ./metrics 'SHOW DATABASES'
            """
        ),
    )
    _data(command)
    _database(command, required=False)
    command.add_argument(
        "--format", choices=("table", "json", "csv", "msgpack"), default="table", help="default: table"
    )
    _epoch(command)
    command.add_argument("--pretty", action="store_true", help="indent JSON")
    command.add_argument(
        "--chunk-size", metavar="N", type=_count, default=0, help="JSON and MessagePack: a document for each N rows"
    )
    command.add_argument(
        "--max-rows", metavar="N", type=_count, default=0, help="tables: show N rows and count the rest"
    )
    _rules(command)


def _explain(commands: _Commands) -> None:
    command = _command(
        commands,
        "explain",
        "influxish.cli.querying:explain",
        "show the graph of a query, before and after the optimizer",
        """
        Prints the graph that a SELECT compiles to, the rules that rewrote it, and the graph that runs. With --analyze
        the query runs, and every node shows its rows, batches, time and the blocks it read or skipped.
        """,
        _examples(
            """
            influxish explain --data ./metrics --db telegraf 'SELECT count(usage_user) FROM cpu'
            influxish explain --data ./metrics --db telegraf --analyze --disable partial_aggregate \\
                'SELECT count(usage_user) FROM cpu'
            influxish explain --data ./metrics --db telegraf --format dot 'SELECT mean(free) FROM mem' > plan.dot
            """
        ),
    )
    _data(command)
    _database(command, required=False)
    command.add_argument("--analyze", action="store_true", help="run the query and show what every node did")
    command.add_argument("--format", choices=("text", "dot", "json"), default="text", help="default: text")
    _rules(command)


def _databases(commands: _Commands) -> None:
    command = _command(
        commands,
        "databases",
        "influxish.cli.querying:databases",
        "list the databases and what they hold",
        "Lists the databases in a folder with their measurements.",
        _examples("influxish databases --data ./metrics"),
    )
    _data(command)


def _shell(commands: _Commands) -> None:
    command = _command(
        commands,
        "shell",
        "influxish.cli.shell:run",
        "ask interactively, with history and completion",
        """
        Reads statements and prints their answers. Tab completes keywords, functions and the names in the database;
        `help` lists what else can be typed. Ctrl-C clears the line or stops a query, Ctrl-D leaves.
        """,
        _examples("influxish shell --data ./metrics --db telegraf"),
    )
    _data(command)
    _database(command, required=False)
    command.add_argument("--format", choices=("table", "json", "csv"), default="table", help="default: table")
    _epoch(command)


def _demo(commands: _Commands) -> None:
    command = _command(
        commands,
        "demo",
        "influxish.cli.demo:run",
        "make up a day of metrics and ask questions of it",
        """
        Makes up the metrics of a fleet of hosts (cpu, mem, disk and net every ten seconds, ending now), writes them,
        asks a few questions and shows how they were answered. A second run on the same folder uses the data again.
        """,
        _examples(
            """
            influxish demo
            influxish demo --data ./fleet --hosts 100 --hours 24
            """
        ),
    )
    command.add_argument(
        "--data", metavar="DIR", default="demo-data", help="where to keep the data (default: ./demo-data)"
    )
    command.add_argument("--hosts", metavar="N", type=_positive, help="default: 150")
    command.add_argument("--hours", metavar="H", type=float, help="hours of data (default: 24)")
    command.add_argument("--seed", metavar="N", type=int, help="other seeds give other data (default: 1)")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _character(text: str) -> str:
    character = "\t" if text in ("\\t", "tab") else text
    if len(character) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character")
    return character
