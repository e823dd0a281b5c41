"""Small pictures of numbers for the terminal: lines of blocks over time, and bars beside names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from influxish.cli.progress import bar
from influxish.emit.widths import clipped, text_width

_BLOCKS = " ▁▂▃▄▅▆▇█"


def plot(values: NDArray[np.float64], width: int, height: int = 5) -> list[str]:
    """Columns of blocks, lowest value to highest, with both written at the left.

    Args:
        values: (n,) in order of time; NaN leaves a gap. More values than columns are averaged.
        width: columns for labels and blocks together.
        height: lines.

    >>> print("\\n".join(plot(np.array([0.0, 1.0, 2.0]), width=10, height=2)))
    2 ┤ ▁█
    0 ┤▁██
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return ["no values"]
    low, high = float(known.min()), float(known.max())
    labels = [f"{number:.4g}" for number in (high, low)]
    margin = max(map(len, labels))
    columns = _averaged(values, max(1, width - margin - 2))
    # The lowest value keeps one eighth, so that it can be told from a gap.
    scaled = 1 + (columns - low) / ((high - low) or 1.0) * (height * 8 - 1)
    eighths = np.where(np.isnan(scaled), 0, np.round(scaled)).astype(int)
    lines = []
    for line in range(height):
        floor = (height - 1 - line) * 8
        label = labels[0] if line == 0 else labels[1] if line == height - 1 else ""
        cells = "".join(_BLOCKS[eighth] for eighth in np.clip(eighths - floor, 0, 8).tolist())
        lines.append(f"{label.rjust(margin)} ┤{cells}".rstrip())
    return lines


def bars(names: Sequence[str], values: Sequence[float], width: int) -> list[str]:
    """One bar per name, the longest for the highest value; values are not negative.

    >>> bars(["a", "bb"], [1.0, 2.0], width=12)
    ['a   ██    1', 'bb  ████  2']
    """
    texts = [f"{value:.4g}" for value in values]
    margin = min(max(map(text_width, names), default=0), max(8, width // 3))
    cells = max(1, width - margin - 4 - max(map(len, texts), default=0) - 1)
    highest = max(values, default=0.0) or 1.0
    lines = []
    for name, value, text in zip(names, values, texts, strict=True):
        shown = clipped(name, margin)
        lines.append(f"{shown}{' ' * (margin - text_width(shown))}  {bar(value / highest, cells)}  {text}")
    return lines


def _averaged(values: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """At most `columns` means of neighbours; NaN where all of them are."""
    if len(values) <= columns:
        return values
    starts = np.arange(columns) * len(values) // columns
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts)
    counts = np.add.reduceat(known.astype(np.int64), starts)
    means: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means
