"""Time of every group function's kernels per value, next to what numpy needs to add the values up.

Run `python benchmarks/kernels.py [--values N] [--only NAME]`. It prints one table: 10 M floats in buckets of about 30
rows, and in segments of a million. `partial` reduces rows to states (or keeps rows), `finish` turns merged states
into the answer. No storage and no query are in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np

from influxish.functions import FUNCTIONS, AggregateFunction, GroupFunction, SelectorFunction
from influxish.functions.registry import Arguments, Rows, State
from influxish.functions.segments import Segments
from influxish.types import SECOND, DataType

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--values", type=int, default=10_000_000)
    parser.add_argument("--only", help="one function", choices=[f.name for f in group_functions()])
    options = parser.parse_args()
    layouts = {"~30 a bucket": 30, "1e6 a segment": 1_000_000}
    print(f"{options.values:,} float64 values, best of {ROUNDS}, one thread; ns a value")
    header = "".join(f"{name + ' ' + step:>24}" for name in layouts for step in ("partial", "finish"))
    print(f"{'':24}{header}")
    prepared = [(rows_of(options.values, seed=1), segments_of(options.values, length)) for length in layouts.values()]
    bound = [best(lambda rows=rows, cut=cut: np.add.reduceat(rows.values, cut.starts)) for rows, cut in prepared]  # type: ignore[misc]
    print_line("np.add.reduceat", [time for each in bound for time in (each, None)], options.values)
    for function in group_functions():
        if options.only in (None, function.name):
            times = [time for rows, cut in prepared for time in measure(function, rows, cut)]
            print_line(function.name, times, options.values)


def group_functions() -> Iterator[GroupFunction]:
    return (function for function in FUNCTIONS.values() if isinstance(function, GroupFunction))


def rows_of(size: int, seed: int) -> Rows:
    """A load in percent with one decimal, a point every ten seconds: values repeat, as metrics do."""
    generator = np.random.default_rng(seed)
    values = np.round(np.clip(generator.normal(40, 15, size), 0, 100), 1)
    return Rows(DataType.FLOAT, values, np.arange(size, dtype=np.int64) * 10 * SECOND)


def segments_of(size: int, length: int) -> Segments:
    """Segments of about `length` rows; short ones differ in length, as with points that fail to arrive."""
    if length > 1000:
        return Segments.from_starts(np.arange(0, size, length, dtype=np.int64), size)
    lengths = np.random.default_rng(2).integers(length - 5, length + 6, size // (length - 5) + 1)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Segments.from_starts(starts[starts < size], size)


def measure(function: GroupFunction, rows: Rows, segments: Segments) -> tuple[float, float | None]:
    """Seconds of partial (or keep) and of finish (or pick, where it is another)."""
    arguments: Arguments = {"percentile": (95,), "top": (3,), "bottom": (3,)}.get(function.name, ())
    if isinstance(function, SelectorFunction):
        pick = function.pick
        keep = best(lambda: function.keep(rows, fresh(segments), arguments))
        return keep, None if pick is None else best(lambda: pick(rows, fresh(segments), arguments))
    assert isinstance(function, AggregateFunction)
    partial = best(lambda: function.partial(rows, fresh(segments), arguments))
    state = function.partial(rows, segments, arguments)
    cut = segments_of_state(state, len(segments))
    return partial, best(lambda: function.finish(state.columns, fresh(cut), arguments, rows.type))


def fresh(segments: Segments) -> Segments:
    """The same segments with nothing computed about them yet."""
    return Segments(segments.starts, segments.stops)


def segments_of_state(state: State, segments: int) -> Segments:
    counts = np.ones(segments, np.int64) if state.counts is None else state.counts
    return Segments.from_starts(np.cumsum(counts) - counts, int(counts.sum()))


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def print_line(name: str, seconds: list[float | None], values: int) -> None:
    cells = "".join(f"{'' if time is None else f'{time / values * 1e9:.2f}':>24}" for time in seconds)
    print(f"{name:24}{cells}", flush=True)


if __name__ == "__main__":
    main()
