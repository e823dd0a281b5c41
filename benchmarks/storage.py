"""The engine alone on TSBS-like data: durable writes, bytes per value, and scans of one field.

    python benchmarks/storage.py [FOLDER]

100 hosts × 10 fields × 24 h at 10 s: 8.64 M values, two decimals, walking between 0 and 100. Line protocol is read
from memory; every write is in the log and fsynced when it returns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from influxish.functions.expression import Comparison, Literal, Reference
from influxish.storage.engine import Engine
from influxish.storage.interface import ScanRequest, ScanStats
from influxish.storage.line_protocol import parse_lines
from influxish.storage.points import PointBatch
from influxish.types import DataType, FieldRequest, TimeRange

HOSTS, ROWS, FIELDS = 100, 8640, 10
START, STEP = 1_577_836_800_000_000_000, 10_000_000_000
ROUNDS = 7


def walk() -> dict[str, np.ndarray]:
    """Field → (ROWS, HOSTS) values."""
    random = np.random.default_rng(7)
    fields = {}
    for number in range(FIELDS):
        steps = random.normal(0, 1, (ROWS, HOSTS))
        level = np.abs((random.random(HOSTS) * 100 + np.cumsum(steps, 0)) % 200 - 100)
        fields[f"usage_{number}"] = np.round(level, 2)
    return fields


def batches(fields: dict[str, np.ndarray], rows: int = 50) -> Iterator[PointBatch]:
    """Points as they come in: all hosts of one instant, then those of the next."""
    hosts = np.array([f"host_{n}" for n in range(HOSTS)] * rows, object)
    for first in range(0, ROWS, rows):
        count = min(rows, ROWS - first)
        times = START + np.repeat(np.arange(first, first + count), HOSTS) * STEP
        tags = {"hostname": hosts[: count * HOSTS], "region": "eu-central-1"}
        columns = {name: values[first : first + count].reshape(-1) for name, values in fields.items()}
        yield PointBatch.from_columns("cpu", times, tags, columns)


def text(fields: dict[str, np.ndarray], rows: int) -> bytes:
    """The first `rows` instants of all hosts as line protocol."""
    lines = []
    columns = [(name, values[:rows].tolist()) for name, values in fields.items()]
    for row in range(rows):
        for host in range(HOSTS):
            pairs = ",".join(f"{name}={values[row][host]}" for name, values in columns)
            lines.append(f"cpu,hostname=host_{host},region=eu-central-1 {pairs} {START + row * STEP}")
    return "\n".join(lines).encode()


def median(action: Callable[[], object]) -> float:
    """Seconds, warm."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return sorted(times)[ROUNDS // 2]


def main() -> None:
    fields = walk()
    values = HOSTS * ROWS * FIELDS
    ready = list(batches(fields))
    lines = text(fields, 1000)
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        print("| what | figure |\n| --- | ---: |")
        with Engine.open(Path(folder) / "arrays") as engine:
            engine.create_database("d")
            start = time.perf_counter()
            for batch in ready:
                engine.write("d", "", batch)
            written = time.perf_counter()
            engine.flush()
            flushed = time.perf_counter()
            print(
                f"| write {len(ready)} batches of 50,000 values, durable | {values / (written - start):,.0f} values/s |"
            )
            print(f"| … and flushed into segments | {values / (flushed - start):,.0f} values/s |")
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            print(f"| on disk, everything | {size / values:.2f} bytes/value |")
            scans(engine)
        with Engine.open(Path(folder) / "lines") as engine:
            engine.create_database("d")
            start = time.perf_counter()
            chunk, position = 1 << 20, 0
            while position < len(lines):
                stop = lines.find(b"\n", position + chunk)
                stop = len(lines) if stop < 0 else stop
                engine.write("d", "", parse_lines(lines[position:stop])[0])
                position = stop + 1
            engine.flush()
            seconds = time.perf_counter() - start
            print(
                f"| line protocol, 10 fields a line, durable and flushed, one thread | {1e6 / seconds:,.0f} values/s |"
            )
        start = time.perf_counter()
        Engine.open(Path(folder) / "arrays").close()
        print(f"| open and close | {(time.perf_counter() - start) * 1e3:.1f} ms |")


def scans(engine: Engine) -> None:
    field = (FieldRequest("v", "usage_0", DataType.FLOAT),)
    host = Reference("hostname", type=DataType.TAG)
    one = Comparison("=", host, Literal("host_42", type=DataType.STRING), type=DataType.BOOLEAN)
    high = Comparison(
        ">", Reference("v", type=DataType.FLOAT), Literal(90.0, type=DataType.FLOAT), type=DataType.BOOLEAN
    )
    requests = {
        "scan one field, 864,000 rows": ScanRequest("cpu", field),
        "scan one field grouped by host": ScanRequest("cpu", field, dimensions=("hostname",)),
        "scan one field where > 90": ScanRequest("cpu", field, predicate=high),
        "scan one field of one host": ScanRequest("cpu", field, series=one),
        "scan one field, one hour": ScanRequest("cpu", field, time_range=TimeRange(START, START + 360 * STEP)),
    }
    for label, request in requests.items():

        def run(request: ScanRequest = request) -> int:
            return sum(b.rows for shard in engine.shards("d") for b in shard.scan(request, ScanStats()))

        seconds = median(run)
        print(f"| {label} | {seconds * 1e3:.2f} ms ({run() / seconds / 1e6:,.0f} M rows/s) |")


if __name__ == "__main__":
    main()
