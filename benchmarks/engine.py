"""The engine beside DuckDB and Polars, in one run on one machine: import, space on disk, queries and their memory.

    python benchmarks/engine.py [--hosts 100] [--hours 24] [--repeat 7] [--data DIR]

The rows are those of the Time Series Benchmark Suite's cpu-only case: ten fields of every host at ten seconds, random
walks from 0 to 100 with two decimals. influxish reads its own store, the others a Parquet file sorted by host and
time. Every answer is compared with the peers' before it is timed. Progress goes to standard error, the report to
standard output, and all of it to benchmarks/out/engine.json. A missed bar is printed, and is no failure.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import machine
import numpy as np
from peers import DATABASE, PEERS, Engine, Influxish, Question, difference, missing
from questions import MAIN, questions

import influxish
from influxish.cli.devops import Fleet
from influxish.optimizer.rules import RULES
from influxish.types import HOUR

OUT = Path(__file__).parent / "out" / "engine.json"
LINES, PARQUET, STORE, ABOUT = "cpu.lp", "cpu.parquet", "store", "dataset.json"
IMPORT_BAR, QUERY_BAR_MS, MEMORY_BAR, SPACE_BAR = 500_000, 100, 512 * machine.MIB, 4.0


def main() -> None:
    options = parse_arguments()
    if options.measure_memory:
        measure_memory(Path(options.measure_memory[0]), options.measure_memory[1])
        return
    folder = Path(options.data) if options.data else Path(tempfile.mkdtemp(prefix="influxish-benchmark-"))
    try:
        report = Report()
        report.heading("Machine")
        for name, value in machine.describe().items():
            report.line(f"{name:10} {value}")
        report.figures["machine"] = machine.describe()
        benchmark(folder, options, report)
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(json.dumps(report.figures, indent=1))
        say(f"figures are in {OUT}")
    finally:
        if not options.data:
            shutil.rmtree(folder)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--repeat", type=int, default=7, help="timed runs of each query; the median is shown")
    parser.add_argument("--data", metavar="DIR", help="keep the files there, and use them again within the hour")
    parser.add_argument("--measure-memory", nargs=2, metavar=("STORE", "QUERY"), help=argparse.SUPPRESS)
    return parser.parse_args()


class Report:
    """Prints as it goes, and keeps the figures."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}

    def heading(self, text: str) -> None:
        print(f"\n{text}\n{'-' * len(text)}", flush=True)

    def line(self, text: str) -> None:
        print(text, flush=True)

    def bar(self, what: str, met: bool, bar: str) -> None:
        """Say whether a bar that was set beforehand is met."""
        self.line(f"  {what}: {'met' if met else 'MISSED'} (bar: {bar})")
        self.figures.setdefault("bars", {})[what] = {"bar": bar, "met": met}


def say(text: str) -> None:
    print(f"[{time.perf_counter() - _STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


_STARTED = time.perf_counter()


def benchmark(folder: Path, options: argparse.Namespace, report: Report) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stop = time.time_ns() // HOUR * HOUR
    fleet = Fleet(options.hosts, stop - options.hours * HOUR, stop, only=("cpu",))
    prepare(folder, fleet, report)
    measure_import(folder, fleet, report)
    engines = open_engines(folder, report)
    try:
        asked = questions(fleet)
        compare(engines, asked, options.repeat, report)
        without_rules(engines[0], asked[MAIN], options.repeat, report)
    finally:
        for engine in engines:
            engine.close()
    memory(folder / STORE, [asked[MAIN], asked[MAIN + 1]], report)


# Data and import


def prepare(folder: Path, fleet: Fleet, report: Report) -> None:
    """The line protocol and the Parquet file, unless they are there from a run within this hour."""
    about = {"hosts": fleet.hosts, "start": fleet.start, "stop": fleet.stop}
    marker = folder / ABOUT
    report.heading("Data")
    report.line(f"{fleet.values:,} values: {fleet.hosts} hosts, {fleet.samples:,} samples of ten fields each")
    report.figures["data"] = about | {"values": fleet.values}
    if marker.exists() and json.loads(marker.read_text()) == about:
        say(f"using the files in {folder}")
        return
    if not marker.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds other files; name an empty folder with --data")
    marker.unlink(missing_ok=True)
    say("making the rows")
    columns: list[dict[str, Any]] = []
    with (folder / LINES).open("wb") as sink:
        for block in fleet.blocks():
            sink.write(block.lines().encode())
            columns.append(block.columns())
    if absent := missing(["pyarrow"]):
        report.line(f"no Parquet file: {', '.join(absent)} is not installed")
    else:
        seconds = write_parquet(folder / PARQUET, columns)
        report.line(f"Parquet (zstd) written by pyarrow from arrays: {fleet.values / seconds:,.0f} values/s")
        report.line(f"Parquet (zstd) takes {(folder / PARQUET).stat().st_size / fleet.values:.2f} bytes a value")
    marker.write_text(json.dumps(about))


def write_parquet(path: Path, blocks: Sequence[dict[str, Any]]) -> float:
    """Write the rows by host and time, the order that suits the questions best; returns the seconds of writing."""
    import pyarrow
    from pyarrow import parquet

    whole = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    order = np.lexsort((whole["time"], whole["hostname"].astype(str)))
    arrays = {}
    for name, values in whole.items():
        if name == "time":
            arrays[name] = pyarrow.array(values[order] // 1000, pyarrow.timestamp("us"))
        else:
            arrays[name] = pyarrow.array(values[order])
    table = pyarrow.table(arrays)
    started = time.perf_counter()
    # 122,880 rows is the row group that DuckDB itself writes, and cuts its work by.
    parquet.write_table(table, path, compression="zstd", row_group_size=122_880)
    return time.perf_counter() - started


def measure_import(folder: Path, fleet: Fleet, report: Report) -> None:
    """`influxish import`, from the start of the command to its end: durable, and in segments."""
    shutil.rmtree(folder / STORE, ignore_errors=True)
    size = (folder / LINES).stat().st_size
    say(f"importing {size / 1e6:,.0f} MB of line protocol")
    command = [sys.executable, "-m", "influxish", "import", "--data", str(folder / STORE), "--db", DATABASE]
    started = time.perf_counter()
    subprocess.run([*command, str(folder / LINES)], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    stored = sum(path.stat().st_size for path in (folder / STORE).rglob("*") if path.is_file())
    rate, space = fleet.values / seconds, stored / fleet.values
    report.heading("Import")
    report.line(f"influxish import: {seconds:.2f} s, {rate:,.0f} values/s, {size / seconds / 1e6:,.0f} MB/s, durable")
    report.bar("import, values/s", rate >= IMPORT_BAR, f"{IMPORT_BAR:,}")
    report.line(f"store: {stored:,} bytes in all files, {space:.2f} bytes a value")
    report.bar("bytes a value", space <= SPACE_BAR, f"{SPACE_BAR:g}")
    report.figures["import"] = {"seconds": seconds, "values_per_second": rate, "bytes_per_value": space}


# Queries


def open_engines(folder: Path, report: Report) -> list[Engine]:
    engines: list[Engine] = [Influxish(folder / STORE)]
    for name, (modules, make) in PEERS.items():
        if absent := missing(modules):
            report.line(f"{name}: not installed (needs {', '.join(absent)})")
        elif (folder / PARQUET).exists():
            engines.append(make(folder / PARQUET))
    return engines


@dataclass(frozen=True)
class Timing:
    """Milliseconds: the median of the runs and the fastest."""

    median: float
    fastest: float


def timings(works: Sequence[Callable[[], object]], repeat: int) -> list[Timing]:
    """Time each in turn, round by round, so that a change of the machine meets all alike."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(repeat):
        for work, times in zip(works, spent, strict=True):
            started = time.perf_counter()
            work()
            times.append((time.perf_counter() - started) * 1000)
    return [Timing(statistics.median(times), min(times)) for times in spent]


def compare(engines: Sequence[Engine], asked: Sequence[Question], repeat: int, report: Report) -> None:
    report.heading(f"Queries: ms, median of {repeat} runs, warm page cache, no result cache in any engine")
    report.line(
        "A GROUP BY time() without an upper bound goes on to now: influxish also makes the empty buckets since the\n"
        "data's last hour; these rows are left out of the comparison, not of the time."
    )
    width = max(len(question.name) for question in asked)
    names = "".join(f"{engine.name:>12}" for engine in engines)
    report.line(f"\n{'':{width}}{names}{'to fastest peer':>18}")
    found = report.figures["queries"] = {}
    for question in asked:
        say(question.name)
        answers = [engine.table(question, engine.ask(question)) for engine in engines]
        wrong = [
            f"{engine.name}: {text}"
            for engine, answer in zip(engines[1:], answers[1:], strict=True)
            if (text := difference(question, answers[0], answer))
        ]
        if wrong:
            report.line(f"{question.name:{width}}  not timed, the answers differ: influxish and {'; '.join(wrong)}")
            found[question.name] = {"differs": wrong}
            continue
        times = timings([partial(engine.ask, question) for engine in engines], repeat)
        cells = "".join(f"{timing.median:12.2f}" for timing in times)
        peers = [timing.median for timing in times[1:]]
        ratio = f"{times[0].median / min(peers):17.2f}x" if peers else ""
        report.line(f"{question.name:{width}}{cells}{ratio}")
        found[question.name] = {engine.name: timing.median for engine, timing in zip(engines, times, strict=True)}
    main_query = found[asked[MAIN].name].get("influxish")
    if main_query is not None:
        report.bar(f"{asked[MAIN].name}, ms", main_query < QUERY_BAR_MS, f"< {QUERY_BAR_MS}")


def without_rules(engine: Engine, question: Question, repeat: int, report: Report) -> None:
    """The main query with optimizer rules switched off; the answers stay the same."""
    assert isinstance(engine, Influxish)
    report.heading(f"Rules: {question.name}, ms, median of {repeat} runs")
    variants = {"all rules": (), "no rule": ("all",)} | {f"without {rule.name}": (rule.name,) for rule in RULES}
    plain = engine.table(question, engine.ask(question))
    for name, disable in variants.items():
        if text := difference(question, plain, engine.table(question, engine.ask(question, disable))):
            report.line(f"{name}: the answer differs: {text}")
    times = timings([partial(engine.ask, question, disable) for disable in variants.values()], repeat)
    for name, timing in zip(variants, times, strict=True):
        report.line(f"{name:30}{timing.median:10.2f}{timing.median / times[0].median:9.2f}x")
    report.figures["rules"] = {name: timing.median for name, timing in zip(variants, times, strict=True)}


# Memory


def memory(store: Path, asked: Sequence[Question], report: Report) -> None:
    """Each query in a fresh process: what the process grew by while it ran, and what the engine says it held."""
    report.heading("Memory of a query, in a fresh process")
    found = report.figures["memory"] = {}
    for question in asked:
        say(f"memory of {question.name}")
        command = [sys.executable, __file__, "--measure-memory", str(store), question.influxql]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found[question.name] = figures
        grown, held, whole = (figures[name] / machine.MIB for name in ("grown", "accounted", "process"))
        report.line(
            f"{question.name}: the process grew by {grown:.0f} MiB to {whole:.0f}; accounted for: {held:.1f} MiB"
        )
    grown_most = max(figures["grown"] for figures in found.values())
    report.bar("peak memory of a query", grown_most <= MEMORY_BAR, f"{MEMORY_BAR // machine.MIB} MiB")


def measure_memory(store: Path, query: str) -> None:
    """Run in the fresh process: prints bytes as JSON."""
    with influxish.open(store) as database:
        before, _ = machine.resident_bytes()
        database.query(query, database=DATABASE)
        _, peak = machine.resident_bytes()
        explained = database.explain(query, database=DATABASE, analyze=True)
    print(json.dumps({"grown": max(0, peak - before), "process": peak, "accounted": explained.peak_memory}))


if __name__ == "__main__":
    main()
