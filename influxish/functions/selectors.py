"""Functions whose result is one or some of the rows themselves: min, first, percentile, top …

Rows come in any order of time: a batch may run backwards, and states of several shards are laid end to end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from zlib import crc32

import numpy as np

from influxish.batch import Positions
from influxish.functions.interruption import look
from influxish.functions.ordering import (
    at_ranks,
    codes_of,
    equal_values,
    extremes,
    first_extreme,
    rising,
    smallest,
    take,
    tiled,
)
from influxish.functions.registry import (
    Arguments,
    Parameter,
    Picked,
    Rows,
    SelectorFunction,
    Stamp,
    register,
    same,
    whole_number,
)
from influxish.functions.segments import Segments
from influxish.functions.sorting import gather, sort_order
from influxish.types import FIELD_TYPES, NUMERIC, Array, DataType

_Keep = Callable[[Rows, Segments, Arguments], Picked]


def _one_row(choose: Callable[[Rows, Segments], Positions]) -> _Keep:
    """`keep` from a function that picks exactly one row of every segment, given segments that tile the rows."""

    def keep(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
        rows, segments, positions = tiled(rows, segments)
        chosen = choose(rows, segments) if len(segments) else segments.starts
        return Picked(chosen if positions is None else positions[chosen])

    return keep


# Of equal values the earliest point is taken. NaN, which only arithmetic in a subquery can make, never beats a number.
MIN = register(
    SelectorFunction(
        name="min",
        summary="The smallest value; of equal ones the earliest.",
        takes=NUMERIC | {DataType.BOOLEAN},
        returns=same,
        by_source=True,
        stamp=Stamp.POINT_ALONE,
        keep=_one_row(lambda rows, segments: first_extreme(rows.values, rows.times, segments, np.minimum)),
    )
)

MAX = register(
    SelectorFunction(
        name="max",
        summary="The largest value; of equal ones the earliest.",
        takes=NUMERIC | {DataType.BOOLEAN},
        returns=same,
        by_source=True,
        stamp=Stamp.POINT_ALONE,
        keep=_one_row(lambda rows, segments: first_extreme(rows.values, rows.times, segments, np.maximum)),
    )
)


def _at_time(rows: Rows, segments: Segments, ufunc: np.ufunc) -> Positions:
    """The row at the extreme time; points of several series at one time: that of the largest value.

    Of booleans the first is the smallest. Source: influxdata/influxdb 1.8, query/call_iterator.go, FloatFirstReduce,
    BooleanFirstReduce and their kin.
    """
    if rising(rows.times, segments):
        return segments.starts if ufunc is np.minimum else segments.stops - 1
    found, groups = extremes(rows.times, segments, ufunc)
    if len(found) > len(segments):
        smallest = ufunc is np.minimum and rows.values.dtype == np.bool_
        chosen, groups = extremes(rows.values[found], groups, np.minimum if smallest else np.maximum)
        found = found[chosen]
    return found[groups.starts]


FIRST = register(
    SelectorFunction(
        name="first",
        summary="The value with the earliest time; of several at that time the largest, of booleans the smallest.",
        takes=FIELD_TYPES,
        returns=same,
        by_source=True,
        stamp=Stamp.POINT_ALONE,
        edge="first",
        keep=_one_row(lambda rows, segments: _at_time(rows, segments, np.minimum)),
    )
)

LAST = register(
    SelectorFunction(
        name="last",
        summary="The value with the latest time; of several at that time the largest.",
        takes=FIELD_TYPES,
        returns=same,
        by_source=True,
        stamp=Stamp.POINT_ALONE,
        edge="last",
        keep=_one_row(lambda rows, segments: _at_time(rows, segments, np.maximum)),
    )
)


def _everything(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
    return Picked(segments.rows, segments.lengths)


def _percentile(rows: Rows, segments: Segments, arguments: Arguments, *, backwards: bool = False) -> Picked:
    """The row of nearest rank: floor(n · N / 100 + 0.5), counted from 1. A rank that does not exist has no row.

    Source: influxdata/influxdb 1.8, query/functions.go, newFloatPercentileIterator. Points of equal value rank by
    time here, or against it; there they do so as far as a sort of more than twelve points leaves them in order.
    """
    rows, segments, positions = tiled(rows, segments)
    lengths = segments.lengths
    ranks = np.floor(lengths * arguments[0] / 100 + 0.5) - 1
    exists = (ranks >= 0) & (ranks < lengths)
    inside = np.where(exists, ranks, 0).astype(np.int64)
    times = -rows.times if backwards else rows.times
    chosen = at_ranks(_ascending(rows.values), times, segments, inside)[exists]
    return Picked(chosen if positions is None else positions[chosen], exists.astype(np.int64))


_PERCENTILE = SelectorFunction(
    name="percentile",
    summary="The value at rank floor(n · N / 100 + 0.5) of the sorted values; never interpolated.",
    takes=NUMERIC,
    returns=same,
    parameters=(Parameter("N", frozenset({DataType.FLOAT})),),
    stamp=Stamp.POINT_ALONE,
    pushdown=False,  # any row may have the rank, so nothing can be thrown away
    keep=_everything,
    pick=_percentile,
    stops=True,
)
PERCENTILE = register(replace(_PERCENTILE, backwards=replace(_PERCENTILE, pick=partial(_percentile, backwards=True))))


def _ascending(values: Array) -> Array:
    """Keys that sort as the values do; NaN ranks with +inf, behind all numbers."""
    return np.where(np.isnan(values), np.inf, values) if values.dtype.kind == "f" else values


def _descending(values: Array) -> Array:
    """Keys that sort the other way round; NaN still ranks behind all numbers."""
    return _ascending(-values) if values.dtype.kind == "f" else ~values  # -x of the smallest integer would overflow


def _best(key_of: Callable[[Array], Array]) -> _Keep:
    """`keep` of top and bottom: the best point of every combination of keys, then the N best of those.

    What a part of the rows keeps is enough: a point with N better combinations in its part has them in the whole.
    """

    def keep(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
        rows, segments, positions = tiled(rows, segments)
        if not len(segments):
            return Picked(segments.starts, segments.starts)
        ranking = key_of(rows.values)
        if rows.keys:
            found, segments = _best_of_each_key(ranking, rows, segments)
            positions = found if positions is None else positions[found]
            ranking, rows = ranking[found], take(rows, found)
        chosen, counts = smallest(ranking, rows.times, segments, arguments[0])
        return Picked(chosen if positions is None else positions[chosen], counts)

    return keep


def _best_of_each_key(ranking: Array, rows: Rows, segments: Segments) -> tuple[Positions, Segments]:
    """The row of the smallest `ranking` of each (segment, keys), segment by segment, and the segments they form."""
    codes = np.zeros(len(ranking), np.int64)
    for key in rows.keys:
        texts = codes_of(key)
        # Ranked anew after each key, so that codes stay below n and nothing can overflow.
        codes = np.unique(codes * (texts.max() + 1) + texts, return_inverse=True)[1]
    equal = equal_values(codes, segments, stable=True)
    best = equal.order[first_extreme(ranking[equal.order], rows.times[equal.order], equal.groups, np.minimum)]
    return best, Segments.from_starts(np.cumsum(equal.counts) - equal.counts, len(best))


_COUNT_OF_POINTS = Parameter("N", frozenset({DataType.INTEGER}), minimum=1)

TOP = register(
    SelectorFunction(
        name="top",
        summary="The N largest values, or the largest of each combination of tags and the N largest of those.",
        takes=NUMERIC,
        returns=same,
        parameters=(_COUNT_OF_POINTS,),
        stamp=Stamp.POINT,
        single_row=False,
        fillable=False,
        takes_keys=True,
        best_of_keys="max",
        keep=_best(_descending),
    )
)

BOTTOM = register(
    SelectorFunction(
        name="bottom",
        summary="The N smallest values, or the smallest of each combination of tags and the N smallest of those.",
        takes=NUMERIC,
        returns=same,
        parameters=(_COUNT_OF_POINTS,),
        stamp=Stamp.POINT,
        single_row=False,
        fillable=False,
        takes_keys=True,
        best_of_keys="min",
        keep=_best(_ascending),
    )
)


def _bits(values: Array) -> Array:
    """(n,) uint64 that tell the values apart, texts nearly always."""
    if values.dtype == object:
        checksums = {text: crc32(text.encode("utf-8", "surrogatepass")) for text in set(values.tolist())}
        return np.array([checksums[text] for text in values.tolist()], np.uint64)
    return values.astype(np.uint64) if values.dtype == np.bool_ else np.ascontiguousarray(values).view(np.uint64)


def _lots(rows: Rows) -> Array:
    """A number for each row that looks random, and is the same wherever the row is met: from its time and value.

    Source: S. Vigna's splitmix64, 2015.
    """
    bits = _bits(rows.values)
    # No bit is lost: at one time other values draw other lots.
    turned = (bits << np.uint64(1)) | (bits >> np.uint64(63))
    seeds = np.ascontiguousarray(rows.times).view(np.uint64) ^ turned
    mixed = seeds + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _sample(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
    """The N rows of the smallest lots: of the rows of several parts each part has kept its own N smallest.

    Source: E. Cohen, H. Kaplan, "Summarizing data using bottom-k sketches", 2007.
    """
    rows, segments, positions = tiled(rows, segments)
    if not len(segments):
        return Picked(segments.starts, segments.starts)
    chosen, counts = smallest(_lots(rows), rows.times, segments, arguments[0])
    return Picked(chosen if positions is None else positions[chosen], counts)


SAMPLE = register(
    SelectorFunction(
        name="sample",
        summary="N points chosen by lot; the same ones whenever it is asked again.",
        takes=FIELD_TYPES,
        returns=same,
        parameters=(
            whole_number(
                "N",
                1,
                "expected integer argument in {function}()",
                "{function} window must be greater than 1, got {value}",
            ),
        ),
        stamp=Stamp.POINT,
        single_row=False,
        fillable=False,
        keep=_sample,
    )
)


def _distinct(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
    return _distinct_by(np.minimum, rows, segments)


def _distinct_backwards(rows: Rows, segments: Segments, arguments: Arguments) -> Picked:
    return _distinct_by(np.maximum, rows, segments)


def _distinct_by(edge: np.ufunc, rows: Rows, segments: Segments) -> Picked:
    """The different values, in order of the first time that each has, or of the last: `edge` of its times."""
    rows, segments, positions = tiled(rows, segments)
    equal = equal_values(rows.values, segments)
    times = gather(rows.times, equal.order)
    look()
    if len(equal.groups) == len(times):  # all are different
        found = equal.groups.starts
    else:
        earliest, groups = extremes(times, equal.groups, edge)
        found = gather(earliest, groups.starts)
    owners = np.repeat(np.arange(len(segments)), equal.counts)
    look()
    # `found` ascends by value inside a segment and the sort is stable, so values at one time stay in that order.
    chosen = gather(equal.order, gather(found, sort_order([owners, gather(times, found)])))
    return Picked(chosen if positions is None else positions[chosen], equal.counts)


_DISTINCT = SelectorFunction(
    name="distinct",
    summary="The different values, in order of their first occurrence; in descending order, of their last.",
    takes=FIELD_TYPES,
    returns=same,
    stamp=Stamp.BUCKET,
    alone=True,
    single_row=False,
    fillable=False,
    keep=_distinct,
)
DISTINCT = register(replace(_DISTINCT, backwards=replace(_DISTINCT, keep=_distinct_backwards)))
