"""`influxish query`, `explain` and `databases`: ask, and print what comes back."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from influxish.cli.opening import open_existing, parameters, query_text
from influxish.emit.csv import write_csv
from influxish.emit.json import write_json
from influxish.emit.msgpack import write_msgpack
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.emit.table import write_table
from influxish.errors import ExecutionError, InfluxishError


def query(options: argparse.Namespace) -> int:
    """Print the answers to all statements; an error is raised after what was answered before it is printed."""
    if options.format == "msgpack" and sys.stdout.isatty():
        raise InfluxishError("MessagePack is not for terminals: send it to a file with > FILE, or to another program")
    text, params = query_text(options.query), parameters(options.params)
    with open_existing(options.data) as database:
        results = database.run(text, database=options.db, params=params, disable=options.disable)
        print_results(
            results,
            options.format,
            epoch=options.epoch,
            pretty=options.pretty,
            chunk_size=options.chunk_size,
            max_rows=options.max_rows,
        )
    return 0


def explain(options: argparse.Namespace) -> int:
    """Print the graph of a SELECT."""
    text, params = query_text(options.query), parameters(options.params)
    with open_existing(options.data) as database:
        explanation = database.explain(
            text, database=options.db, params=params, disable=options.disable, analyze=options.analyze
        )
        if options.format == "json":
            print(json.dumps(explanation.json(), indent=2))
        else:
            print(explanation.dot() if options.format == "dot" else explanation.text())
    return 0


def databases(options: argparse.Namespace) -> int:
    """Print each database with its measurements."""
    with open_existing(options.data) as database:
        names = database.databases()
        if not names:
            print(f"no databases in {options.data}; `influxish import --data {options.data} --db NAME FILE` makes one")
        for name in names:
            measurements = [row["name"] for row in database.query("SHOW MEASUREMENTS", database=name).rows]
            listed = ", ".join(measurements) if measurements else "empty"
            print(f"{name}  ({listed})")
    return 0


def print_results(
    results: Iterable[StatementResult],
    format: str,
    *,
    epoch: str = "",
    pretty: bool = False,
    chunk_size: int = 0,
    max_rows: int = 0,
) -> None:
    """Write answers to standard output.

    Raises:
        InfluxishError: what broke the answers off; everything before it was written.
    """
    recorded = RecordedErrors(results)
    binary = sys.stdout.buffer
    sys.stdout.flush()
    match format:
        case "json":
            binary.writelines(write_json(recorded, epoch=epoch, pretty=pretty, chunk_size=chunk_size))
        case "csv":
            binary.writelines(write_csv(recorded, epoch=epoch))
        case "msgpack":
            binary.writelines(write_msgpack(recorded, epoch=epoch, chunk_size=chunk_size))
        case _:
            sys.stdout.writelines(write_table(recorded, width=terminal_width(), epoch=epoch, max_rows=max_rows))
    binary.flush()
    recorded.raise_first()


def terminal_width() -> int:
    """Columns of the terminal that standard output is, 0 when it is none."""
    with suppress(ValueError, OSError):
        if sys.stdout.isatty():
            return shutil.get_terminal_size().columns
    return 0


class RecordedErrors:
    """Results on their way to a writer. A writer puts only one line of an error into its document; the error itself,
    with its picture of the query, is kept here for the terminal."""

    def __init__(self, results: Iterable[StatementResult]) -> None:
        self._results = results
        self._seen: list[StatementResult] = []
        self._error: InfluxishError | None = None

    def __iter__(self) -> Iterator[StatementResult]:
        try:
            for result in self._results:
                watched = replace(result, chunks=self._watched(result.chunks))
                self._seen.append(watched)
                yield watched
                if self._error is not None or watched.error:
                    return
        except InfluxishError as error:
            self._error = error
            raise

    def _watched(self, chunks: Iterable[SeriesChunk]) -> Iterator[SeriesChunk]:
        try:
            yield from chunks
        except InfluxishError as error:
            self._error = error
            raise

    def raise_first(self) -> None:
        """Raise what went wrong, if anything did."""
        if self._error is not None:
            raise self._error
        for result in self._seen:
            if result.error:
                raise ExecutionError(result.error)
