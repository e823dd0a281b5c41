#!/usr/bin/env python3
"""Load the Numenta Anomaly Benchmark's series: one measurement with tags `source` and `file`, and the field `value`.

    python tools/import_nab.py --data ./metrics --db nab path/to/nab

FOLDER holds folders of CSV files with the columns timestamp and value; times are UTC. The name of a file's folder
becomes the tag `source`, its own name without .csv the tag `file`. A time that comes twice in a file keeps its last
value. Loading again changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import influxish
from influxish.batch import object_array
from influxish.cli.csv_input import CsvReader, CsvShape
from influxish.cli.input import Source
from influxish.cli.progress import Progress
from influxish.errors import InfluxishError
from influxish.types import DataType

SHAPE = CsvShape(time="timestamp", fields={"value": DataType.FLOAT})


def main(arguments: list[str] | None = None) -> int:
    """Load every file; 0 when all rows of all files were loaded, 1 otherwise."""
    options = parse_arguments(arguments)
    paths = sorted(options.folder.glob("*/*.csv"))
    if not paths:
        print(f"error: {options.folder} has no folders with .csv files", file=sys.stderr)
        return 1
    try:
        return load(paths, options)
    except InfluxishError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the benchmark's data is")
    parser.add_argument("--data", metavar="DIR", required=True, help="folder of the databases, made if missing")
    parser.add_argument("--db", default="nab", help="database, made if missing (default: nab)")
    parser.add_argument("--measurement", default="nab", help="name of the measurement (default: nab)")
    return parser.parse_args(arguments)


def load(paths: list[Path], options: argparse.Namespace) -> int:
    total = sum(path.stat().st_size for path in paths)
    done = rows = rejected = 0
    with influxish.open(options.data) as database, Progress("loading", total, "rows") as progress:
        database.create_database(options.db)
        for path in paths:
            loaded, refused = load_file(database, options, path)
            for text in refused:
                progress.clear()
                print(text, file=sys.stderr)
            rows, rejected, done = rows + loaded, rejected + len(refused), done + path.stat().st_size
            progress.update(done, rows)
    print(f"loaded {rows:,} rows of {len(paths)} files into {options.db}", file=sys.stderr)
    return 1 if rejected else 0


def load_file(database: influxish.Database, options: argparse.Namespace, path: Path) -> tuple[int, list[str]]:
    """Write one series; returns how many rows were written, and a text for each that was refused."""
    source = Source(str(path))
    loaded, refused = 0, []
    try:
        for block in CsvReader(source, SHAPE).blocks():
            refused += [f"{path}:{line}: {reason}" for line, reason, _ in block.rejected]
            if not block.lines:
                continue
            tags = {"source": path.parent.name, "file": path.stem}
            columns = block.columns | {key: object_array([value] * len(block.lines)) for key, value in tags.items()}
            loaded += database.write(
                columns, database=options.db, measurement=options.measurement, tags=tuple(tags), time=SHAPE.time
            )
    finally:
        source.close()
    return loaded, refused


if __name__ == "__main__":
    sys.exit(main())
