"""`influxish import`: files of line protocol or CSV into a database, with every refused line named and kept.

Reads and writes in blocks, so memory stays small and an interrupt loses nothing that was accepted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Self

import influxish
from influxish.cli.csv_input import CsvBlock, CsvReader, CsvShape
from influxish.cli.input import (
    LONGEST_LINE,
    BrokenInput,
    LineBlock,
    Source,
    is_same_file,
    line_blocks,
    numbered_lines,
)
from influxish.cli.opening import open_or_make
from influxish.cli.progress import Progress, short
from influxish.cli.rejects import Rejects
from influxish.errors import InfluxishError, PartialWrite, WriteError
from influxish.types import FIELD_TYPES, PRECISIONS, DataType

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def run(options: argparse.Namespace) -> int:
    """Import every file; 0 when all of it was loaded."""
    for name in options.files:
        rejects = _rejects_path(name, options.rejects)
        for other in options.files:
            if is_same_file(other, rejects):
                raise InfluxishError(
                    f"{rejects} is one of the files to load, and the rejected lines of {name} would go into it: name "
                    "another file with --rejects"
                )
    with open_or_make(options.data) as database, Interrupts() as interrupts:
        if options.db not in database.databases():
            database.create_database(options.db)
            _say(f"created database {options.db}")
        return _Importer(database, options, interrupts).run()


class Interrupts:
    """Ctrl-C while this context is open: at once, but after the batch that is being written, if one is.

    Attributes:
        asked: whether somebody did.
    """

    def __init__(self) -> None:
        self.asked = False
        self._writing = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *exc: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if not self._writing:
            raise KeyboardInterrupt

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """What happens inside is finished first.

        Raises:
            KeyboardInterrupt: afterwards, if somebody asked meanwhile.
        """
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
        if self.asked:
            raise KeyboardInterrupt


class _Importer:
    """Carries the counts of one run over its files."""

    def __init__(self, database: influxish.Database, options: argparse.Namespace, interrupts: Interrupts) -> None:
        self._database, self._options, self._interrupts = database, options, interrupts
        self._points = self._rejected = self._bytes_before = 0
        self._broken: list[str] = []
        self._started = time.monotonic()

    def run(self) -> int:
        names = self._options.files
        sources = [Source(name) for name in names]
        sizes = [source.size for source in sources]
        with Progress("importing", sum(sizes) if all(sizes) else 0, "points") as progress:
            for name, source, size in zip(names, sources, sizes, strict=True):
                try:
                    self._file(name, source, progress)
                except KeyboardInterrupt:
                    break
                except InfluxishError:  # a full disk, say; what was written before it is there
                    if self._points:
                        self._summary(len(names), "stopped")
                    raise
                finally:
                    source.close()
                self._bytes_before += size
        self._summary(len(names), "interrupted" if self._interrupts.asked else "")
        if self._interrupts.asked:
            return INTERRUPTED
        return 1 if self._rejected or self._broken else 0

    def _file(self, name: str, source: Source, progress: Progress) -> None:
        chosen = self._options.rejects
        rejects = Rejects(source.name, _rejects_path(name, chosen), append=bool(chosen))
        try:
            for _ in self._csv(source, rejects) if self._options.format == "csv" else self._lines(source, rejects):
                progress.update(self._bytes_before + source.position, self._points)
        except BrokenInput as error:
            self._broken.append(str(error))
        finally:
            rejects.close()
            progress.clear()
            self._rejected += rejects.count
            for line in rejects.report():
                _say(line)

    def _lines(self, source: Source, rejects: Rejects) -> Iterator[None]:
        for block in line_blocks(source):
            if block.too_long:
                reason = f"the line is longer than {LONGEST_LINE:,} bytes"
                rejects.add(block.first_line, reason, block.too_long + b"...")
                continue
            try:
                self._write(block.data, precision=self._options.precision)
            except PartialWrite as error:
                self._reject_lines(block, error.rejected, rejects)
            except WriteError as error:
                self._reject_lines(block, [(error.line, str(error))], rejects)
            yield

    def _reject_lines(self, block: LineBlock, rejected: list[tuple[int, str]], rejects: Rejects) -> None:
        lines = numbered_lines(block)
        for line, reason in rejected:
            number = block.first_line + max(line, 1) - 1
            rejects.add(number, reason, lines.get(number, b""))

    def _csv(self, source: Source, rejects: Rejects) -> Iterator[None]:
        reader = CsvReader(source, _csv_shape(self._options))
        rejects.begin_csv(reader.header, self._options.delimiter)
        measurement = self._options.measurement or Path(source.name).name.split(".")[0]
        for block in reader.blocks():
            for line, reason, cells in block.rejected:
                rejects.add_cells(line, reason, cells)
            if block.lines:
                layout = {"measurement": measurement, "tags": reader.tags, "time": reader.time}
                self._write_rows(block, slice(0, len(block.lines)), layout, rejects)
            yield

    def _write_rows(self, block: CsvBlock, rows: slice, layout: dict[str, Any], rejects: Rejects) -> None:
        """Write rows of a block. A refusal of columns names no row: halves are written until those at fault are found,
        which is harmless, since writing a point again changes nothing."""
        before = self._points
        try:
            self._write({name: values[rows] for name, values in block.columns.items()}, **layout)
            return
        except PartialWrite as error:
            if error.written == 0 or rows.stop - rows.start == 1:
                for place in range(rows.start, rows.stop):
                    rejects.add_cells(block.lines[place], error.rejected[0][1], block.rows[place])
                return
        self._points = before  # what was written is counted with the halves
        middle = (rows.start + rows.stop) // 2
        self._write_rows(block, slice(rows.start, middle), layout, rejects)
        self._write_rows(block, slice(middle, rows.stop), layout, rejects)

    def _write(self, data: Any, **layout: Any) -> None:
        with self._interrupts.postponed():
            try:
                self._points += self._database.write(data, database=self._options.db, policy=self._options.rp, **layout)
            except PartialWrite as error:
                self._points += error.written
                raise

    def _summary(self, files: int, ended: str) -> None:
        """Say how much was loaded. `ended` is what kept it from being all; "" is nothing."""
        seconds = time.monotonic() - self._started
        for text in self._broken:
            _say(f"error: {text}")
        rate = short(self._points / seconds) if seconds else "0"
        one = self._points == 1
        loaded = f"{self._points:,} point{'' if one else 's'} from {files} file{'' if files == 1 else 's'}"
        if ended:
            _say(f"{ended}: {loaded} {'was loaded and is' if one else 'were loaded and are'} kept")
        else:
            _say(f"loaded {loaded} into {self._options.db} in {seconds:.1f} s ({rate}/s)")
        if self._rejected:
            _say(f"rejected {self._rejected:,} line{'s' if self._rejected != 1 else ''}")


def _rejects_path(name: str, chosen: str) -> Path:
    """Where the rejected lines of the input `name` go; `chosen` for all inputs, "" for a file for each."""
    return Path(chosen or ("stdin.rejects" if name == "-" else f"{name}.rejects"))


def _csv_shape(options: argparse.Namespace) -> CsvShape:
    fields: dict[str, DataType | None] = {}
    for item in filter(None, options.fields.split(",")):
        name, colon, word = item.rpartition(":")
        if not colon:
            fields[item] = None
            continue
        known = {type.value: type for type in FIELD_TYPES}
        if word not in known:
            raise InfluxishError(f"--fields {item}: there is no type {word!r}; use one of {', '.join(sorted(known))}")
        fields[name] = known[word]
    return CsvShape(
        time=options.time,
        tags=tuple(filter(None, options.tags.split(","))),
        fields=fields,
        unit=PRECISIONS[options.precision],
        delimiter=options.delimiter,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)
