"""Linear recurrences along segments, for all rows at once: what running sums and exponential averages are made of."""

from __future__ import annotations

import numpy as np

from influxish.batch import Positions
from influxish.functions.interruption import look
from influxish.functions.segments import Segments
from influxish.types import Array


def places(segments: Segments) -> Positions:
    """(n,) the place of each row in its segment, from 0. The segments tile n rows."""
    return segments.rows - np.repeat(segments.starts, segments.lengths)


def recur(factors: Array, terms: Array, segments: Segments) -> Array:
    """y[i] = factors[i] * y[i - 1] + terms[i] along each segment; nothing comes before the first row of one.

    Args:
        factors, terms: (n,) float64.
        segments: tile the n rows.
    Returns:
        (n,) float64.

    Two steps in a row are one step of the same form, so spans of 2, 4, 8 … steps are put together for all rows at
    once, until no span is as long as a segment or all that comes from before is forgotten.
    Source: W. D. Hillis, G. L. Steele, "Data Parallel Algorithms", 1986.
    """
    result = np.array(terms, np.float64)
    if not len(segments):
        return result
    factors = np.array(factors, np.float64)
    factors[segments.starts] = 0.0
    place, span, longest = places(segments), 1, int(segments.lengths.max())
    while span < longest and factors.any():
        look()
        inside = np.flatnonzero(place >= span)
        before = inside - span
        # Both read what the last round left: the right-hand sides are made before anything is stored.
        result[inside] += factors[inside] * result[before]
        factors[inside] *= factors[before]
        span *= 2
    return result


def running_sum(values: Array, segments: Segments) -> Array:
    """The sum of each segment's values so far: (n,) → (n,), added one by one, as a stream would add them.

    Segments of about the same number of rows go together, one value of each at a time; long ones go alone.
    """
    result = np.empty_like(values)
    if not len(segments):
        return result
    order = np.argsort(-segments.lengths, kind="stable")
    lengths = segments.lengths[order]
    alone = int(np.searchsorted(-lengths, -len(segments)))  # more rows than there are segments
    for segment in order[:alone].tolist():
        look()
        rows = slice(int(segments.starts[segment]), int(segments.stops[segment]))
        np.cumsum(values[rows], out=result[rows])
    starts, lengths = segments.starts[order[alone:]], lengths[alone:]
    total = np.zeros(len(starts), values.dtype)
    for step in range(int(lengths[0]) if len(lengths) else 0):
        look()
        count = int(np.searchsorted(-lengths, -step))  # those that are longer
        rows_now = starts[:count] + step
        total = total[:count] + values[rows_now]
        result[rows_now] = total
    return result


def window_sum(values: Array, segments: Segments, count: int) -> Array:
    """The sum of the last `count` values of each segment, or of all that there are so far: (n,) → (n,).

    It is a running sum less what has left the window, one after the other, so that it rounds as a stream's does.
    """
    changes = np.zeros((len(values), 2), values.dtype)
    full = np.flatnonzero(places(segments) >= count)
    changes[full, 0] = -values[full - count]
    changes[:, 1] = values
    pairs = Segments.from_starts(segments.starts * 2, changes.size)
    return running_sum(changes.reshape(-1), pairs)[1::2]
