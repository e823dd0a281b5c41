"""What a person named: a folder that must exist, parameters, a query that may stand on standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import influxish
from influxish.errors import InfluxishError


def open_existing(folder: str) -> influxish.Database:
    """The databases in a folder that is there: a misspelt name must not make an empty one.

    Raises:
        InfluxishError: there is no such folder, or it is a file. And as `influxish.open`.
    """
    _refuse_file(folder)
    if not Path(folder).is_dir():
        raise InfluxishError(f"there is no folder {folder}; `influxish import --data {folder} …` makes it")
    return open_or_make(folder)


def open_or_make(folder: str) -> influxish.Database:
    """The databases in a folder, made if it is missing. What is found broken in its files is told on standard error.

    Raises:
        InfluxishError: the folder is a file. And as `influxish.open`.
    """
    _refuse_file(folder)
    database = influxish.open(folder)
    for damage in database.damage:
        print(f"warning: {damage}", file=sys.stderr)
    return database


def _refuse_file(path: str) -> None:
    if Path(path).exists() and not Path(path).is_dir():
        raise InfluxishError(
            f"{path} is a file, and --data takes a folder: `influxish import --data FOLDER --db NAME {path}` loads a "
            "file into one"
        )


def query_text(text: str) -> str:
    """The text of a query; "-" is what stands on standard input."""
    return sys.stdin.read() if text == "-" else text


def parameters(text: str) -> dict[str, object]:
    """Values for `$name` from JSON text; "" is none.

    Raises:
        InfluxishError: no JSON object.
    """
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InfluxishError(f"--params is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise InfluxishError('--params must be a JSON object such as \'{"host": "a"}\'')
    return values
