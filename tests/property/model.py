"""What a query answers, computed one point at a time from the written rules of the language: the engine is held to it.

Shares no code with the engine. Where the rules leave an answer open it says `Undefined`, and only the engine's answers
with different optimizer rules are compared.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.property.language import (
    FIELD_TYPES,
    SECOND,
    TAG_KEYS,
    Binary,
    Call,
    Comparison,
    Condition,
    Expression,
    Junction,
    Literal,
    Match,
    Query,
    Reference,
    Value,
    parts,
)
from tests.property.reductions import Cell, Result, Sample, Stored, apply, samples_of

Row = tuple[int, tuple[Cell, ...]]
OF_ONE_TYPE = ("count", "mean", "median", "stddev")
"""Functions that give the same type whatever they are called on."""
SELECTORS = {"min", "max", "first", "last", "percentile"}
LISTS = {"top", "bottom", "distinct"}


WEEK = 604_800

SECONDS_BEFORE_1970 = 62_135_596_800
"""Since the year 1, from which shards are counted."""

Leaf = Reference | Call
Leaves = tuple[int, dict[Leaf, Cell]]
"""Time of a row, and the calls and plain columns that its columns are computed from."""


class Undefined(Exception):
    """The rules do not say what the answer is."""


@dataclass(frozen=True)
class Series:
    """A series of an answer.

    Attributes:
        tags: GROUP BY tag → value.
        rows: all of its rows, before LIMIT and OFFSET.
        first, stop: those that LIMIT and OFFSET leave.
    """

    tags: dict[str, str]
    rows: list[Row]
    first: int
    stop: int


def answer(points: Sequence[Stored], query: Query, shard_seconds: int = WEEK) -> list[Series]:
    """The series a query answers, in order.

    Args:
        shard_seconds: how much of time one shard covers.
    Raises:
        Undefined: a field that exists, but nowhere in the range of time; a line to a null; a rest that the last digit
            decides.
    """
    known = _known_fields(points, query)
    points = sorted(points, key=lambda point: point.series, reverse=_from_last_series(query))
    keys = sorted(TAG_KEYS if query.dimensions == ("*",) else set(query.dimensions))
    if query.dimensions == ("*",):
        keys = sorted({key for point in points for key in point.tags})
    groups: dict[tuple[str, ...], list[Stored]] = defaultdict(list)
    for point in _within_series_limit(points, query, keys, known, shard_seconds):
        if _in_range(point.time, query) and _holds(query.condition, point, known):
            groups[tuple(point.tags.get(key, "") for key in keys)].append(point)
    _end_at_nothing(groups, query)
    found, several = [], len(set(query.calls)) > 1  # each of several calls has its own limit
    for values in sorted(groups, reverse=query.descending):
        rows = _finished(_rows(groups[values], query, known), query, known)
        if rows:
            first = 0 if several else min(query.skip, len(rows))
            stop = len(rows) if several else min(_stop(query), len(rows))
            found.append(Series(dict(zip(keys, values, strict=True)), rows, first, stop))
    return [series for series in found if series.first < series.stop]


def _stop(query: Query) -> int:
    """How many rows LIMIT and OFFSET look at."""
    return query.skip + query.limit if query.limit else 1 << 40


def _end_at_nothing(groups: dict[tuple[str, ...], list[Stored]], query: Query) -> None:
    """Take the points away that come behind the end of a percentile, if nothing else is asked.

    A bucket without such a rank is taken for the end: before any other, or when the one before was such, too.
    Where empty buckets are filled, those behind the last one of a group take one each; a straight line two.
    """
    if len(set(query.calls)) != 1 or query.calls[0].function != "percentile":
        return
    (call,) = set(query.calls)
    filled = query.every > 0 and query.fill != "none"
    endless = query.descending and query.start is None
    stops, last = 0, None  # buckets without a rank since the last one that has it, and which that was
    ended = False
    for values in sorted(groups, reverse=query.descending):
        kept: list[Stored] = []
        cut: dict[int, list[Stored]] = defaultdict(list)
        for point in groups[values]:
            cut[_bucket(point.time, query) if query.every else 0].append(point)
        for bucket in sorted(cut, reverse=query.descending):
            samples = samples_of(cut[bucket], call.field)
            if samples and not apply(call, samples):
                stops += 1
            elif samples:
                if last is not None and filled and not endless:
                    if last[0] == values and stops and query.fill == "linear":
                        raise Undefined("a straight line behind a bucket without a rank")
                    stops = 0 if last[0] == values else stops - _buckets_behind(last[1], query)
                ended = ended or stops > (last is not None)
                stops, last = 0, (values, bucket)
            kept += [] if ended else cut[bucket]
        groups[values] = [point for point in groups[values] if point in kept]


def _buckets_behind(bucket: int, query: Query) -> int:
    """How many buckets without a rank the empty ones behind the last bucket of a group take."""
    assert query.stop is not None
    end = _bucket(query.stop - 1, query)
    if query.descending:
        assert query.start is not None
        end = _bucket(query.start, query)
    return abs(end - bucket) // query.every * (2 if query.fill == "linear" else 1)


def _within_series_limit(
    points: list[Stored], query: Query, keys: list[str], known: set[str], shard_seconds: int
) -> list[Stored]:
    """The points that SLIMIT and SOFFSET leave: each shard counts its groups that its tags allow, by their keys."""
    if not query.series_limit and not query.series_skip:
        return points

    def shard(point: Stored) -> int:
        return (point.time // SECOND + SECONDS_BEFORE_1970) // shard_seconds

    shards: dict[int, set[str]] = defaultdict(set)
    for point in points:
        if _may_hold(query.condition, point, known):
            shards[shard(point)].add(_group_key(point, keys))
    stop = query.series_skip + query.series_limit
    within = {number: sorted(found)[query.series_skip : stop] for number, found in shards.items()}
    return [point for point in points if _group_key(point, keys) in within.get(shard(point), ())]


def _group_key(point: Stored, keys: list[str]) -> str:
    present = [key for key in keys if point.tags.get(key)]
    return "|".join([*present, *(point.tags[key] for key in present)])


def _may_hold(condition: Condition | None, point: Stored, known: set[str]) -> bool:
    """Whether the tags of a point allow a condition, whatever its fields are."""
    match condition:
        case Junction(operator="AND"):
            return _may_hold(condition.left, point, known) and _may_hold(condition.right, point, known)
        case Junction():
            return _may_hold(condition.left, point, known) or _may_hold(condition.right, point, known)
        case Match() if condition.name in known:
            return True
        case Comparison():
            both = [
                part.name for part in (*parts(condition.left), *parts(condition.right)) if isinstance(part, Reference)
            ]
            if not both or known.intersection(both):
                return True
    return _holds(condition, point, known)


def _from_last_series(query: Query) -> bool:
    """Whether of points that are alike the one of the last series comes first: where time runs backwards."""
    if len(query.calls) == 1 and not query.every and query.calls[0].function in ("first", "last"):
        return query.calls[0].function == "last"
    return query.descending


def _in_range(time: int, query: Query) -> bool:
    return (query.start is None or time >= query.start) and (query.stop is None or time < query.stop)


def _known_fields(points: Sequence[Stored], query: Query) -> set[str]:
    """Names that are fields. One that no point has is a missing tag to WHERE, and has no type to fill."""
    everywhere = {name for point in points for name in point.fields}
    in_range = {name for point in points if _in_range(point.time, query) for name in point.fields}
    fields = {call.field for call in query.calls} if isinstance(query.fill, int | float) else set()
    if ((_names(query) | fields) & everywhere) - in_range:
        raise Undefined("a field that only other shards may know")
    return everywhere


def _names(query: Query) -> set[str]:
    """All names in the WHERE clause and in plain columns."""
    named = {part.name for column in query.columns for part in parts(column) if isinstance(part, Reference)}
    waiting = [query.condition] if query.condition is not None else []
    while waiting:
        match waiting.pop():
            case Junction(left=left, right=right):
                waiting += [left, right]
            case Match(name=name):
                named.add(name)
            case Comparison(left=left, right=right):
                both = (*parts(left), *parts(right))
                named |= {part.name for part in both if isinstance(part, Reference)}
    return named


def _rows(points: list[Stored], query: Query, known: set[str]) -> list[Leaves]:
    if not query.calls:
        rows = _raw_rows(points, query)
    elif query.every:
        return _bucket_rows(points, query, known)
    else:
        rows = _whole_rows(points, query)
        if query.calls[0].function in LISTS:
            return rows
    return sorted(rows, key=lambda row: row[0], reverse=query.descending)


# Raw queries


def _raw_rows(points: list[Stored], query: Query) -> list[Leaves]:
    used = {part.name for column in query.columns for part in parts(column) if isinstance(part, Reference)}
    fields = used & FIELD_TYPES.keys()
    return [(point.time, _cells(query, {}, point)) for point in points if fields & point.fields.keys()]


# WHERE


def _holds(condition: Condition | None, point: Stored, known: set[str]) -> bool:
    match condition:
        case None:
            return True
        case Junction(operator="AND"):
            return _holds(condition.left, point, known) and _holds(condition.right, point, known)
        case Junction():
            return _holds(condition.left, point, known) or _holds(condition.right, point, known)
        case Match():
            value = _operand(condition.name, point, known)
            return isinstance(value, str) and bool(re.search(condition.pattern, value)) != condition.negated
        case Comparison(left=Reference() as a, right=Reference() as b) if not {a.name, b.name} & known:
            return False  # a missing tag equals an empty text, but no other tag
        case Comparison():

            def of(part: Reference | Call) -> Cell:
                assert isinstance(part, Reference)
                return _operand(part.name, point, known)

            left, right = (_value(side, of) for side in (condition.left, condition.right))
            return _compares(condition.operator, left, right)


def _operand(name: str, point: Stored, known: set[str]) -> Cell:
    """What a name means in WHERE: a missing tag is the empty string, a missing field is nothing."""
    return point.fields.get(name) if name in known else point.tags.get(name, "")


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _compares(operator: str, left: Cell, right: Cell) -> bool:
    if left is None or right is None or _kind(left) is not _kind(right):
        return False
    if operator in ("=", "!="):
        return (left == right) == (operator == "=")
    # Only numbers have an order.
    return _kind(left) is float and _COMPARE[operator](left, right)  # type: ignore[arg-type]


def _kind(value: Value) -> type:
    return float if type(value) is int else type(value)


# Arithmetic


def _value(expression: Expression, of: Callable[[Reference | Call], Cell]) -> Cell:
    match expression:
        case Literal():
            return expression.value
        case Binary():
            left, right = _value(expression.left, of), _value(expression.right, of)
            if not isinstance(left, int | float) or not isinstance(right, int | float):
                return None
            return _arithmetic(expression.operator, left, right)
        case _:
            return of(expression)


def _arithmetic(operator: str, left: float | int, right: float | int) -> float | int:
    """NaN is a value, which is shown as null: divided by zero it is 0 like any other."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right if right else 0.0
    assert operator == "%"
    if isinstance(left, int) and isinstance(right, int):
        return int(math.copysign(abs(left) % abs(right), left)) if right else 0
    if abs(right) < 1e-12:
        raise Undefined("a divisor that the last digit makes zero")
    rest = math.fmod(left, right)
    if 0 < min(abs(rest), abs(right) - abs(rest)) < 1e-9 * abs(right):
        raise Undefined("a rest that the last digit decides")
    return rest


# Aggregate queries


def _cells(
    query: Query, results: Mapping[Call, Result | None], point: Stored | None, extras: Mapping[str, Cell] | None = None
) -> dict[Leaf, Cell]:
    """What a row is computed from. `extras` are the plain columns where no point was selected; there null is meant."""
    cells: dict[Leaf, Cell] = {}
    for column in query.columns:
        for part in parts(column):
            if isinstance(part, Reference):
                cells[part] = point.cell(part.name) if point is not None else (extras or {}).get(part.name)
            elif isinstance(part, Call):
                result = results[part]
                cells[part] = None if result is None else result.value
        if isinstance(column, Call):
            for key in column.keys:
                cells[Reference(key)] = point.cell(key) if point is not None else None
    return cells


def _finished(rows: list[Leaves], query: Query, known: set[str]) -> list[Row]:
    """The rows of a group: fill() puts something in where a row lacks a value, then the columns are computed."""
    last: dict[Leaf, Cell] = {}
    finished = []
    for time, cells in rows:
        filled = {leaf: _default(leaf, query, known, last) if cell is None else cell for leaf, cell in cells.items()}
        last = filled
        row: list[Cell] = []
        for column in query.columns:
            row.append(_value(column, filled.__getitem__))
            if isinstance(column, Call):
                row += [filled[Reference(key)] for key in column.keys]
        finished.append((time, tuple(None if isinstance(cell, float) and math.isnan(cell) else cell for cell in row)))
    return finished


def _default(leaf: Leaf, query: Query, known: set[str], last: Mapping[Leaf, Cell]) -> Cell:
    if query.fill == "previous":
        return last.get(leaf)
    if not isinstance(query.fill, int | float):
        return None
    name, function = (leaf.field, leaf.function) if isinstance(leaf, Call) else (leaf.name, "")
    if name not in known and function and not function.startswith(OF_ONE_TYPE):
        return None  # nobody can say of what type it would be
    if name not in known and name not in TAG_KEYS and (isinstance(leaf, Call) or not query.calls):
        # A column that is not known holds numbers; but how many there are is whole, whatever they are.
        return int(query.fill) if function.startswith("count") else query.fill
    number = _filled_with(query.fill, name, function) if name in known else None
    return query.fill if number is None else number


def _whole_rows(points: list[Stored], query: Query) -> list[Leaves]:
    """Without GROUP BY time."""
    stamp = 0 if query.start is None else query.start
    found = {}
    for call in query.calls:
        samples = samples_of(points, call.field)
        found[call] = apply(call, samples, backwards=query.descending) if samples else []
    if len(found) == 1:
        (call,) = found
        rows = []
        for result in found[call]:
            keeps_time = call.function in SELECTORS or call.function in ("top", "bottom")
            time = result.time if keeps_time and result.time is not None else stamp
            rows.append((time, _cells(query, {call: result}, result.point)))
        return rows
    if not any(found.values()) or query.skip:
        return []
    return [(stamp, _cells(query, {call: results[0] if results else None for call, results in found.items()}, None))]


def _bucket_rows(points: list[Stored], query: Query, known: set[str]) -> list[Leaves]:
    """With GROUP BY time."""
    assert query.stop is not None
    buckets: dict[Call, dict[int, list[Result]]] = {}
    for call in query.calls:
        cut: dict[int, list[Sample]] = defaultdict(list)
        for sample in samples_of(points, call.field):
            cut[_bucket(sample.time, query)].append(sample)
        answers = {time: apply(call, samples, backwards=query.descending) for time, samples in cut.items()}
        buckets[call] = {time: results for time, results in answers.items() if results}
    if query.calls[0].function in LISTS:
        return _list_rows(buckets[query.calls[0]], query)
    grids = {call: _grid(found, query) for call, found in buckets.items()}
    kept = {}
    for call, grid in grids.items():
        own = sorted(buckets[call] if query.fill == "none" else grid, reverse=query.descending)
        kept[call] = set(own[query.skip : _stop(query)] if len(buckets) > 1 else own)
    times = sorted(set().union(*kept.values()), reverse=query.descending)
    columns = {call: _filled(call, {t: r[0] for t, r in buckets[call].items()}, grids[call], query) for call in buckets}
    rows = []
    for time in times:
        results = {call: column.get(time) if time in kept[call] else None for call, column in columns.items()}
        point = next((result.point for result in results.values() if result is not None and result.point), None)
        number = query.fill if isinstance(query.fill, int | float) else None
        extras = {name: _filled_with(number, name) for name in known}
        rows.append((time, _cells(query, results, point, extras)))
    return rows


def _bucket(time: int, query: Query) -> int:
    return time - (time - query.offset) % query.every


def _list_rows(buckets: dict[int, list[Result]], query: Query) -> list[Leaves]:
    rows = []
    for time in sorted(buckets, reverse=query.descending):
        for result in buckets[time]:
            shown = result.time if result.time is not None else time
            rows.append((shown, _cells(query, {query.calls[0]: result}, result.point)))
    return rows


def _grid(found: dict[int, list[Result]], query: Query) -> list[int]:
    """The buckets in which a call has a place: all of the range, once it has a value at all."""
    if not found:
        return []
    assert query.stop is not None
    first = min(found) if query.start is None else _bucket(query.start, query)
    return list(range(first, _bucket(query.stop - 1, query) + 1, query.every))


def _filled(call: Call, found: dict[int, Result], grid: list[int], query: Query) -> dict[int, Result]:
    """Bucket → result, with those that fill() puts in the empty ones."""
    column = dict(found)
    order = sorted(grid, reverse=query.descending)
    last: Result | None = None
    for time in order:
        if time in found:
            last = found[time]
        elif query.fill == "previous":
            column[time] = last or Result(None)
        elif query.fill == "linear":
            column[time] = Result(_between(time, found, call, query.every))
        elif query.fill == "null":
            column[time] = Result(0 if call.function.startswith("count") else None)
        elif query.fill != "none":
            number = _filled_with(query.fill, call.field, call.function)
            column[time] = Result(result_type(call.field, call.function)() if number is None else number)
    return column


def result_type(field: str, function: str) -> type:
    """The type of a call's values."""
    if function.startswith("count"):
        return int
    return float if function in ("mean", "median", "stddev") else FIELD_TYPES[field]


def _filled_with(fill: Cell | str, name: str, function: str = "") -> Cell:
    """A number given to fill(), in the type of a column; of texts and booleans it is none."""
    kind = result_type(name, function) if name in FIELD_TYPES else str
    if not isinstance(fill, int | float) or kind in (str, bool):
        return None
    return int(fill) if kind is int else float(fill)


def _between(time: int, found: dict[int, Result], call: Call, every: int) -> Cell:
    before = max((other for other in found if other < time), default=None)
    after = min((other for other in found if other > time), default=None)
    kind = result_type(call.field, call.function)
    if before is None or after is None or kind in (str, bool):
        return None
    low, high = found[before].value, found[after].value
    if math.isnan(low) or math.isnan(high):
        raise Undefined("a line to a null")
    since, at, until = (math.trunc(Fraction(moment, every)) for moment in (before, time, after))  # whole buckets
    if kind is int:
        return int((high - low) / (until - since) * (at - since) + low)  # in floats, as the server does
    return float(Fraction(low) + (Fraction(high) - Fraction(low)) * Fraction(at - since, until - since))
