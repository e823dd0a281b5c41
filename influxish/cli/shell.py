"""`influxish shell`: statements typed one after another, with history, completion and answers as tables."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import influxish
from influxish.cli.bugs import tell_bug
from influxish.cli.completion import DELIMITERS, EPOCHS, FORMATS, Completer, readline_function, unquoted
from influxish.cli.opening import open_existing
from influxish.cli.querying import print_results
from influxish.errors import InfluxishError, ParseError
from influxish.influxql import parse

try:
    import readline
except ImportError:  # not on every platform; the shell works without history and completion
    readline = None  # type: ignore[assignment]

HISTORY_LINES = 10_000

_BEGINNINGS = frozenset(
    (
        *("select", "show", "create", "drop", "alter", "delete", "explain", "grant", "revoke", "kill", "set"),
        *("use", "help", "?", "quit", "exit", ".help", ".format", ".epoch", ".rows", ".quit", ".exit"),
    )
)
"""What the first line of a statement or a command begins with."""

HELP = """\
Type a statement; it may go over several lines, and `;` or a complete statement ends it.
  SELECT …, SHOW …, CREATE …    any InfluxQL statement
  explain [analyze] SELECT …    the graph of a query, before and after the optimizer
  use DB                        ask DB from now on
  .format table|json|csv        how answers are printed
  .epoch ns|us|ms|s|m|h         times as integers; .epoch rfc3339 as text again
  .rows N                       how many rows of an answer a table shows, 0 for all
  help                          this text
  quit                          leave, as Ctrl-D does
Tab completes, the arrow keys find earlier statements, Ctrl-C clears the line or stops a query."""


def run(options: argparse.Namespace) -> int:
    """Read statements until the end of input."""
    with open_existing(options.data) as database:
        if options.db and options.db not in database.databases():
            raise InfluxishError(f"database not found: {options.db}; {_known(database)}")
        shell = Shell(database, options.db, options.format, options.epoch)
        if not sys.stdin.isatty():
            return shell.read_script()
        return shell.read_terminal()


class Shell:
    """What is typed, and how answers are printed."""

    def __init__(self, database: influxish.Database, name: str, format: str, epoch: str) -> None:
        self._database, self._name, self._format, self._epoch = database, name, format, epoch
        self._rows = 100
        self._typed: list[str] = []
        self._completer = Completer(database, name)

    def read_terminal(self) -> int:
        """Prompt, with history and completion where the platform has them."""
        history = _history_file()
        self._set_up_readline(history)
        print(f"influxish {influxish.__version__}: `help` lists what can be typed, Tab completes, Ctrl-D leaves")
        if not self._name:
            print(_known(self._database))
        try:
            while True:
                try:
                    line = input(self._prompt())
                except KeyboardInterrupt:
                    self._typed.clear()
                    print()
                    continue
                except EOFError:
                    print()
                    return 0
                if self._leaves(line):
                    return 0
                self._take_line(line)
        finally:
            _save_history(history)

    def read_script(self) -> int:
        """Statements from a pipe or a file, each ended by `;`, an empty line, the end of the input, or a line that
        begins another one; the first error ends it with exit code 1."""
        for line in sys.stdin:
            if self._typed and _begins_another("\n".join(self._typed), line):
                self._run(self._all_typed())
            if self._leaves(line):
                return 0
            if (statement := self._statement(line.rstrip("\n"), eager=False)) is not None:
                self._run(statement)
        if self._typed:
            self._run(self._all_typed())
        return 0

    def _all_typed(self) -> str:
        text = "\n".join(self._typed)
        self._typed.clear()
        return text

    def _prompt(self) -> str:
        return f"{self._name or 'influxish'}> " if not self._typed else f"{'…'.rjust(len(self._name or 'influxish'))}> "

    def _leaves(self, line: str) -> bool:
        return not self._typed and line.strip().rstrip(";").lower() in ("quit", "exit", ".quit", ".exit")

    def _take_line(self, line: str) -> None:
        """Run what `line` completes; whatever goes wrong is told, and the next line is read."""
        try:
            statement = self._statement(line, eager=True)
            if statement is not None:
                if readline is not None:
                    readline.add_history(" ".join(statement.splitlines()))
                self._run(statement)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
        except InfluxishError as error:
            sys.stdout.flush()
            print(f"error: {error}", file=sys.stderr)
        except (OSError, SystemExit):  # the terminal went away, most likely
            raise
        except BaseException as error:  # a panic of what is written in Rust is no Exception
            self._typed.clear()
            sys.stdout.flush()
            tell_bug(error)

    def _statement(self, line: str, *, eager: bool) -> str | None:
        """What is to be run now that `line` was typed; None when more must follow. An empty line ends a statement.

        `eager`: so does the end of a line, when a statement is complete there.
        """
        if not self._typed and not line.strip():
            return None
        ended = not line.strip()
        self._typed.append(line)
        text = "\n".join(self._typed).strip()
        ended = ended or text.endswith(";") or _is_command(text)
        if not ended and (not eager or _is_unfinished(text)):
            return None
        self._typed.clear()
        return text

    def _run(self, text: str) -> None:
        words = text.rstrip(";").split(None, 1)
        argument = words[1].strip() if len(words) > 1 else ""
        match words[0].lower() if words else "":
            case "":
                return
            case "help" | ".help" | "?":
                print(HELP)
            case "use":
                self._use(unquoted(argument))
            case ".format":
                self._format = _choice(".format", argument, FORMATS)
            case ".epoch":
                choice = _choice(".epoch", argument, EPOCHS)
                self._epoch = "" if choice == "rfc3339" else choice
            case ".rows":
                if not argument.isdigit():
                    raise InfluxishError(".rows takes a number, 0 for all rows")
                self._rows = int(argument)
            case "explain":
                print(self._database.explain(text, database=self._name).text())
            case _:
                self._ask(text)

    def _use(self, name: str) -> None:
        if name not in self._database.databases():
            raise InfluxishError(f"database not found: {name}; {_known(self._database)}")
        self._name = self._completer.name = name

    def _ask(self, text: str) -> None:
        started = time.perf_counter()
        try:
            results = self._database.run(text, database=self._name)
            print_results(results, self._format, epoch=self._epoch, max_rows=self._rows)
        finally:
            self._completer.forget()
        if self._format == "table":
            print(f"({(time.perf_counter() - started) * 1000:.0f} ms)")

    def _set_up_readline(self, history: Path) -> None:
        if readline is None:
            return
        with suppress(OSError):
            readline.read_history_file(history)
        readline.set_history_length(HISTORY_LINES)
        readline.set_auto_history(False)
        readline.set_completer_delims(DELIMITERS)
        readline.set_completer(readline_function(self._completer, self._line_before_word))
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")

    def _line_before_word(self) -> tuple[str, str]:
        line, start = readline.get_line_buffer(), readline.get_begidx()
        return "\n".join([*self._typed, line[:start]]), line[start : readline.get_endidx()]


def _is_command(text: str) -> bool:
    return text.startswith(".") or text.split(None, 1)[0].lower() in ("use", "help", "?")


def _begins_another(text: str, line: str) -> bool:
    """Whether `line` begins a statement or a command because `text` before it is whole and cannot go on with it."""
    word = line.split(None, 1)[0].rstrip(";").lower() if line.strip() else ""
    if word not in _BEGINNINGS:
        return False
    try:
        parse(text)
    except ParseError:
        return False
    try:
        parse(f"{text}\n{line}")
    except ParseError as error:
        return "found EOF" not in error.message
    return False


def _is_unfinished(text: str) -> bool:
    """Whether `text` is the beginning of a statement, and only its end is missing."""
    try:
        parse(text)
    except ParseError as error:
        return "found EOF" in error.message
    return False


def _choice(command: str, word: str, choices: tuple[str, ...]) -> str:
    if word not in choices:
        raise InfluxishError(f"{command} takes one of {', '.join(choices)}")
    return word


def _known(database: influxish.Database) -> str:
    names = database.databases()
    return f"the databases are {', '.join(names)}; `use` chooses one" if names else "there are no databases yet"


def _history_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "influxish" / "history"


def _save_history(path: Path) -> None:
    if readline is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(path)
    except OSError as error:
        print(f"the history could not be kept in {path}: {error.strerror}", file=sys.stderr)
