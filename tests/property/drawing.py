"""Random points and random queries over them: small, with gaps, nulls, ties, duplicates and cuts in awkward places.

A plain seeded generator: it costs a fraction of what the question costs, and every query has a fair chance of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.property.language import (
    FIELD_TYPES,
    SECOND,
    Binary,
    Call,
    Comparison,
    Condition,
    Expression,
    Junction,
    Literal,
    Match,
    Point,
    Query,
    Reference,
    Value,
)

SERIES = (
    (),
    (("h", "a"),),
    (("h", "b"),),
    (("h", "a"), ("r", "x")),
    (("h", "b"), ("r", "x")),
    (("h", "b"), ("r", "y")),
    (("r", "y"),),
)
ORIGINS = (1_577_836_800 * SECOND, -31 * SECOND, 7 * SECOND)
SPAN = 60
"""Seconds in which all points lie."""

_NUMERIC = ("v", "w", "i")
_NUMERIC_FUNCTIONS = (
    *("count", "count(distinct)", "sum", "mean", "spread", "stddev", "median", "mode"),
    *("min", "max", "first", "last", "percentile"),
)
_VALUES: dict[str, Callable[[Random], Value]] = {
    "v": lambda random: random.randint(-8, 8) / 4,
    "w": lambda random: random.choice([0.1, 0.2, 0.3, 33.33, -12.07, 1e6, 99.99]),
    "i": lambda random: random.randint(-9, 9),
    "s": lambda random: random.choice(["a", "b", "ab"]),
    "b": lambda random: random.random() < 0.5,
}


@dataclass(frozen=True)
class Scene:
    """Points and how they are stored.

    Attributes:
        batches: written one after the other; where stored on disk, flushed in between.
        origin: ns, the least time.
        shard_seconds: time that one shard covers.
        on_disk: in a folder, flushed and opened anew before it is asked.
        narrow: batches, blocks and parts hold a few rows only, as if there were many.
    """

    batches: tuple[tuple[Point, ...], ...]
    origin: int
    shard_seconds: int
    on_disk: bool
    narrow: bool


def draw_scene(random: Random) -> Scene:
    origin, step = random.choice(ORIGINS), random.choice([0, 1_000_000])
    series = random.sample(range(len(SERIES)), random.randint(1, 5))
    # A field that is never written must be as good as any.
    fields = sorted(FIELD_TYPES) if random.random() < 0.8 else random.sample(sorted(FIELD_TYPES), 3)
    density = random.choice([0.3, 0.7, 1.0])
    batches = []
    for _ in range(random.randint(1, 3)):
        points = []
        for _ in range(random.choice([1, 10, 40])):
            number = random.choice(series)
            time = origin + random.randrange(SPAN) * SECOND + number * step
            held = [name for name in fields if random.random() < density] or [random.choice(fields)]
            points.append(Point(SERIES[number], time, tuple((name, _VALUES[name](random)) for name in held)))
        batches.append(tuple(points))
    on_disk, narrow = random.random() < 0.3, random.random() < 0.5
    return Scene(tuple(batches), origin, random.choice([7, 20, 604_800]), on_disk, narrow)


def draw_query(random: Random, scene: Scene) -> Query:
    every = random.choice([0, 0, 3, 7, 10, 25])
    shape = random.choice(["calls", "calls", "arithmetic", "list", "extras"] + ([] if every else ["raw"] * 3))
    dimensions = random.choice([(), (), (), ("h",), ("r",), ("h", "r"), ("*",), ("nosuch",)])
    fills: list[str | float] = ["null"]
    if every and shape in ("calls", "arithmetic", "extras"):
        # Nothing says what a line through plain columns is.
        fills += ["none", "previous", 0, 2.7] + ([] if shape == "extras" else ["linear", "linear"])
    fill = random.choice(fills)
    return Query(
        columns=_columns(random, shape),
        condition=_condition(random, 2) if random.random() < 0.4 else None,
        start=_moment(random, scene, -5, SPAN // 2) if random.random() < 0.5 else None,
        stop=_moment(random, scene, SPAN // 3, SPAN + 10) if every or random.random() < 0.5 else None,
        open_bounds=random.random() < 0.3,
        every=every * SECOND,
        offset=random.choice([0, 0, 2, -1, 26]) * SECOND if every else 0,
        dimensions=dimensions,
        fill=fill,
        fill_said=fill != "null" or (every > 0 and random.random() < 0.3),
        descending=random.random() < 0.3,
        # A list of N best refuses a LIMIT below N.
        limit=random.choice([4, 7] if shape == "list" else [1, 3, 7]) if random.random() < 0.3 else 0,
        skip=random.choice([1, 4]) if random.random() < 0.15 else 0,
        series_limit=random.choice([1, 2]) if random.random() < 0.1 else 0,
        series_skip=1 if random.random() < 0.05 else 0,
    )


def _moment(random: Random, scene: Scene, low: int, high: int) -> int:
    """On whole seconds mostly, where buckets begin and shards are cut."""
    return scene.origin + random.randint(low, high) * SECOND + random.choice([0, 0, 0, 1, 1_500_000])


def _columns(random: Random, shape: str) -> tuple[Expression, ...]:
    match shape:
        case "raw":
            return tuple(_raw_column(random) for _ in range(random.randint(1, 4)))
        case "calls":
            return tuple(_call(random) for _ in range(random.randint(1, 3)))
        case "arithmetic":
            return tuple(_arithmetic(random, _numeric_call) for _ in range(random.randint(1, 2)))
        case "list" if random.random() < 0.3:
            return (Call("distinct", random.choice(sorted(FIELD_TYPES))),)
        case "list":
            keys = random.choice([(), ("h",), ("h", "r")])
            function = random.choice(["top", "bottom"])
            return (Call(function, random.choice(_NUMERIC), (random.randint(1, 4),), keys),)
    function, numbers = random.choice([("min", ()), ("max", ()), ("first", ()), ("last", ()), ("percentile", (60,))])
    others = tuple(_reference(random) for _ in range(random.randint(1, 3)))
    return (Call(function, random.choice(_NUMERIC), numbers), *others)


def _reference(random: Random) -> Reference:
    return Reference(random.choice([*sorted(FIELD_TYPES), "h", "r"]))


def _number(random: Random) -> Reference:
    return Reference(random.choice(_NUMERIC))


def _numeric_call(random: Random) -> Call:
    function = random.choice(_NUMERIC_FUNCTIONS)
    numbers = (random.choice([0, 5, 33.3, 50, 99.9, 100]),) if function == "percentile" else ()
    return Call(function, random.choice(_NUMERIC), numbers)


def _call(random: Random) -> Call:
    if random.random() < 0.75:
        return _numeric_call(random)
    field = random.choice(["s", "b"])
    functions = ["count", "count(distinct)", "first", "last", "mode"]
    return Call(random.choice(functions + (["min", "max"] if field == "b" else [])), field)


def _arithmetic(random: Random, leaf: Callable[[Random], Expression]) -> Expression:
    constant = Literal(random.choice([2, 0, 1.5, -3]))
    match random.randrange(4):
        case 0:
            return Binary(random.choice("+-*/%"), leaf(random), constant)
        case 1:
            return Binary(random.choice("+-*/%"), constant, leaf(random))
        case 2:
            return Binary(random.choice("+-*/%"), leaf(random), leaf(random))
    return Binary(random.choice("+-*"), Binary(random.choice("+-/"), leaf(random), leaf(random)), leaf(random))


def _raw_column(random: Random) -> Expression:
    return _reference(random) if random.random() < 0.7 else _arithmetic(random, _number)


def _condition(random: Random, depth: int) -> Condition:
    if depth and random.random() < 0.4:
        return Junction(random.choice(["AND", "OR"]), _condition(random, depth - 1), _condition(random, depth - 1))
    operator, equal = random.choice(["<", "<=", ">", ">=", "=", "!="]), random.choice(["=", "!="])
    text, name = Literal(random.choice(["a", "b", "x", ""])), Reference(random.choice(["h", "r", "h", "s", "nosuch"]))
    limit: Expression = Literal(random.choice([0, 2, 0.25, -1.5, 33.33]))
    match random.randrange(8):
        case 0 | 1:
            return Comparison(operator, _number(random), limit)
        case 2:
            summed = Binary(random.choice("+-*"), _number(random), random.choice([_number(random), Literal(2)]))
            return Comparison(operator, *random.sample([summed, limit], 2))
        case 3:
            return Comparison(operator, _number(random), _number(random))
        case 4 | 5:
            return Comparison(equal, *random.sample([name, text], 2))
        case 6:
            pattern = random.choice(["a", "^b$", "a|x", "^$", ".+", ".*"])
            return Match(name.name, random.random() < 0.5, pattern)
    other = random.choice([Literal(random.random() < 0.5), text])
    return Comparison(equal, Reference(random.choice(["b", "b", "v", "i"])), other)


def smaller(scene: Scene, query: Query) -> Iterator[tuple[Scene, Query]]:
    """The same case with something left out, the greatest cuts first."""
    plain = Query(columns=query.columns)
    for name in ("condition", "dimensions", "descending", "limit", "skip", "series_limit", "series_skip", "offset"):
        if getattr(query, name) != getattr(plain, name):
            yield scene, replace(query, **{name: getattr(plain, name)})
    for name in ("start", "open_bounds", *(() if query.every else ("stop",))):
        if getattr(query, name) != getattr(plain, name):
            yield scene, replace(query, **{name: getattr(plain, name)})
    if query.fill != "null" or query.fill_said:
        yield scene, replace(query, fill="null", fill_said=False)
    if len(query.columns) > 1:
        for place in range(len(query.columns)):
            fewer = replace(query, columns=query.columns[:place] + query.columns[place + 1 :])
            if bool(fewer.calls) == bool(query.calls):
                yield scene, fewer
    if isinstance(query.condition, Junction):
        yield scene, replace(query, condition=query.condition.left)
        yield scene, replace(query, condition=query.condition.right)
    if scene.on_disk:
        yield replace(scene, on_disk=False), query
    if scene.narrow:
        yield replace(scene, narrow=False), query
    if scene.shard_seconds != 604_800:
        yield replace(scene, shard_seconds=604_800), query
    for number, batch in enumerate(scene.batches):
        size = len(batch)
        while size:
            for low in range(0, len(batch), size):
                kept = (*batch[:low], *batch[low + size :])
                batches = (*scene.batches[:number], *((kept,) if kept else ()), *scene.batches[number + 1 :])
                yield replace(scene, batches=batches), query
            size //= 2
