"""How long until influxish is ready: its import, its help, and a query of 200 characters read.

    python benchmarks/startup.py [--repeat 15]

Import and help are timed in processes of their own, from their start to their end, the interpreter's start included.
The best of the runs counts: whatever else the machine does only adds. A missed bar is printed, and is no failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import machine
from engine import OUT, Report

from influxish import influxql

IMPORT_BAR, HELP_BAR, PARSE_BAR = 0.25, 0.3, 0.002
QUERY = (
    "SELECT mean(usage_user) AS busy, max(usage_system) / 100 AS system FROM telegraf..cpu WHERE time >= now("
    ") - 6h AND region =~ /^eu-(west|north)/ AND an_idle < 99.95 GROUP BY time(5m), hostname LIMIT 50"
)
assert len(QUERY) == 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15, help="runs of each; the fastest is shown")
    repeat = parser.parse_args().repeat
    report = Report()
    report.heading("Machine")
    for name, value in machine.describe().items():
        report.line(f"{name:10} {value}")
    report.heading(f"Start: ms, best of {repeat} runs")
    empty = best(lambda: run(["-c", "pass"]), repeat)
    report.line(f"Python alone, part of the next two: {empty * 1000:.1f}")
    influxql.parse(QUERY)  # warm: the tables are loaded
    for name, bar, work in (
        ("import influxish", IMPORT_BAR, lambda: run(["-c", "import influxish"])),
        ("influxish --help", HELP_BAR, lambda: run(["-m", "influxish", "--help"])),
        ("parse 200 characters", PARSE_BAR, lambda: influxql.parse(QUERY)),
    ):
        seconds = best(work, repeat)
        report.line(f"{name}: {seconds * 1000:.2f}")
        report.bar(name, seconds < bar, f"< {bar * 1000:g}")
        report.figures[name] = seconds
    target = OUT.with_name("startup.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report.figures | {"machine": machine.describe()}, indent=1))


def run(arguments: Sequence[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def best(work: Callable[[], object], repeat: int) -> float:
    """Seconds of the fastest run."""
    spent = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return min(spent)


if __name__ == "__main__":
    main()
