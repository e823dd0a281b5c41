"""What Tab offers in the shell: keywords, functions, and the names in the database that fit the place.

Names are asked for when first needed and again after a statement ran, so new ones turn up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import influxish
from influxish.errors import InfluxishError
from influxish.functions import FUNCTIONS
from influxish.influxql.tokens import KEYWORDS

DELIMITERS = " \t\n,()=<>!+-*/;"
"""Characters that part words; a double quote is none, so quoted names complete whole."""

COMMANDS = (".epoch", ".format", ".rows", "explain", "help", "quit", "use")
FORMATS = ("table", "json", "csv")
EPOCHS = ("rfc3339", "ns", "us", "ms", "s", "m", "h")

_STATEMENTS = ("ALTER", "CREATE", "DELETE", "DROP", "EXPLAIN", "GRANT", "KILL", "REVOKE", "SELECT", "SET", "SHOW")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SOURCE = re.compile(r'\bfrom\s+("(?:[^"\\]|\\.)*"|[A-Za-z_]\w*)', re.IGNORECASE)
_AFTER_SOURCE_WORD = re.compile(r"\b(?:from|into|measurement|,)\s*$", re.IGNORECASE)


class Completer:
    """Finds completions in the names of one database.

    Attributes:
        name: the database in use, "" for none.
    """

    def __init__(self, database: influxish.Database, name: str) -> None:
        self._database, self.name = database, name
        self._names: dict[tuple[str, str], list[str]] = {}

    def forget(self) -> None:
        """Names may have changed: ask again when they are needed."""
        self._names.clear()

    def candidates(self, before: str, word: str) -> list[str]:
        """What `word` may become.

        Args:
            before: everything typed before it, also on earlier lines of the statement.
            word: the part of a word left of the cursor.
        """
        typed = before.split()
        match typed:
            case []:
                return _fitting(word, (*COMMANDS, *_STATEMENTS))
            case ["use" | "USE"]:
                return _fitting(word, map(quoted, self._database.databases()))
            case [".format"]:
                return _fitting(word, FORMATS)
            case [".epoch"]:
                return _fitting(word, EPOCHS)
        if _AFTER_SOURCE_WORD.search(before) and not before.rstrip().endswith(","):
            return _fitting(word, map(quoted, self._measurements()))
        source = _SOURCE.search(before)
        measurement = unquoted(source[1]) if source else ""
        names = [*self._tags(measurement), *self._fields(measurement)]
        functions = sorted({f"{name.lower()}(" for name in FUNCTIONS if _PLAIN_NAME.fullmatch(name)})
        return _fitting(word, (*map(quoted, sorted(set(names))), *functions, *sorted(KEYWORDS)))

    def _measurements(self) -> list[str]:
        return self._asked("name", "SHOW MEASUREMENTS")

    def _tags(self, measurement: str) -> list[str]:
        return self._asked("tagKey", "SHOW TAG KEYS" + (f" FROM {quoted(measurement)}" if measurement else ""))

    def _fields(self, measurement: str) -> list[str]:
        return self._asked("fieldKey", "SHOW FIELD KEYS" + (f" FROM {quoted(measurement)}" if measurement else ""))

    def _asked(self, column: str, query: str) -> list[str]:
        key = (self.name, query)
        if key not in self._names:
            try:
                rows = self._database.query(query, database=self.name).rows
                self._names[key] = [str(row[column]) for row in rows]
            except InfluxishError:
                # Tab must never disturb the line being typed; the statement itself will say what is wrong.
                self._names[key] = []
        return self._names[key]


def readline_function(completer: Completer, line: Callable[[], tuple[str, str]]) -> Callable[[str, int], str | None]:
    """The completer as readline calls it. `line` gives what is typed: before the word, and the word."""
    found: list[str] = []

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            found[:] = completer.candidates(line()[0], text)
        return found[state] if state < len(found) else None

    return complete


def quoted(name: str) -> str:
    """A name as it must be typed: in double quotes where it would not be read as one name.

    >>> quoted("cpu"), quoted("my cpu"), quoted("select")
    ('cpu', '"my cpu"', '"select"')
    """
    if _PLAIN_NAME.fullmatch(name) and name.upper() not in KEYWORDS:
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def unquoted(text: str) -> str:
    """The name that was typed."""
    if not text.startswith('"'):
        return text
    return text.removeprefix('"').removesuffix('"').replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def _fitting(word: str, candidates: Iterable[str]) -> list[str]:
    """Those that begin as typed; keywords in any case, names also when the quote was not typed yet."""
    lower = word.lower()
    return [
        candidate
        for candidate in candidates
        if candidate.startswith((word, f'"{word}')) or candidate.lower().startswith(lower)
    ]
