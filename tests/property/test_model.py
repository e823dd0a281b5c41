"""The model answers what a real server answered, and the random questions are worth asking."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.property.drawing import draw_query, draw_scene
from tests.property.language import SECOND, Binary, Call, Comparison, Literal, Point, Query, Reference
from tests.property.model import Row, Undefined, answer
from tests.property.reductions import stored

ORIGIN = 1_577_836_800
MINUTE = {"start": ORIGIN * SECOND, "stop": (ORIGIN + 60) * SECOND}
A, B = (("h", "a"),), (("h", "b"),)
POINTS = [
    Point(A, ORIGIN * SECOND, (("v", 1.0), ("i", 7))),
    Point(A, (ORIGIN + 10) * SECOND, (("v", 4.0), ("i", 2))),
    Point(B, (ORIGIN + 12) * SECOND, (("v", 4.0), ("i", 2))),
    Point(B, (ORIGIN + 31) * SECOND, (("v", 10.0), ("i", 5))),
    Point((), (ORIGIN + 40) * SECOND, (("v", -2.0),)),
]
V, H = Reference("v"), Reference("h")


def rows(query: Query) -> dict[tuple[str, ...], list[Row]]:
    """Tags → rows, with times in seconds after the first point."""
    found = answer(stored(POINTS), query)
    return {
        tuple(series.tags.values()): [
            (time // SECOND - ORIGIN if time else 0, cells) for time, cells in series.rows[series.first : series.stop]
        ]
        for series in found
    }


def buckets(query: Query) -> list[tuple[object, ...]]:
    """The cells of the only series."""
    (found,) = rows(query).values()
    return [cells for _, cells in found]


def test_a_selector_alone_keeps_the_time_of_its_point() -> None:
    assert rows(Query(columns=(Call("max", "v"),))) == {(): [(31, (10.0,))]}
    assert rows(Query(columns=(Call("max", "v"), Call("min", "v")))) == {(): [(0, (10.0, -2.0))]}


def test_buckets_are_aligned_to_the_epoch_and_an_offset() -> None:
    chosen = {"start": (ORIGIN + 5) * SECOND, "stop": (ORIGIN + 35) * SECOND, "every": 20 * SECOND}
    assert rows(Query(columns=(Call("sum", "v"),), **chosen)) == {(): [(0, (8.0,)), (20, (10.0,))]}
    assert rows(Query(columns=(Call("sum", "v"),), offset=-15 * SECOND, **chosen)) == {(): [(5, (8.0,)), (25, (10.0,))]}


def test_empty_buckets_are_filled() -> None:
    every = {**MINUTE, "every": 10 * SECOND}
    both = (Call("sum", "v"), Call("count", "v"))
    assert buckets(Query(columns=both, **every)) == [(1.0, 1), (8.0, 2), (None, 0), (10.0, 1), (-2.0, 1), (None, 0)]
    total = (Call("sum", "i"),)
    assert buckets(Query(columns=total, fill="linear", **every)) == [(7,), (4,), (4,), (5,), (None,), (None,)]
    assert buckets(Query(columns=total, fill="none", **every)) == [(7,), (4,), (5,)]
    mean = (Call("mean", "v"),)
    backwards = buckets(Query(columns=mean, fill="previous", descending=True, **every))
    assert backwards == [(None,), (-2.0,), (10.0,), (10.0,), (4.0,), (1.0,)]
    deviation = (Call("stddev", "v"),)
    assert buckets(Query(columns=deviation, fill=0, **every)) == [(None,), (0.0,), (0.0,), (None,), (None,), (0.0,)]


def test_the_fill_comes_before_arithmetic_and_reaches_plain_columns() -> None:
    chosen = {**MINUTE, "condition": Comparison("=", H, Literal("b"))}
    doubled = (Binary("*", Call("sum", "v"), Literal(2)), Binary("+", Call("count", "v"), Literal(1)))
    assert buckets(Query(columns=doubled, every=20 * SECOND, **chosen)) == [(8.0, 2), (20.0, 2), (None, 1)]
    with_plain = Query(columns=(Call("max", "v"), Reference("i")), every=20 * SECOND, fill=0, **chosen)
    assert buckets(with_plain) == [(4.0, 2), (10.0, 5), (0.0, 0)]


def test_limits_count_rows_of_each_series_after_the_fill() -> None:
    query = Query(columns=(Call("mean", "v"),), **MINUTE, every=10 * SECOND, dimensions=("h",), limit=1, skip=1)
    assert rows(query) == {("",): [(10, (None,))], ("a",): [(10, (4.0,))], ("b",): [(10, (4.0,))]}
    backwards = Query(columns=(V,), dimensions=("h",), descending=True)
    assert list(rows(backwards)) == [("b",), ("a",), ("",)]


def test_a_missing_tag_is_an_empty_text_and_a_missing_field_fails_every_comparison() -> None:
    assert rows(Query(columns=(V,), condition=Comparison("!=", H, Literal("a")))).keys() == {()}
    assert len(rows(Query(columns=(V,), condition=Comparison("!=", H, Literal("a"))))[()]) == 3
    assert len(rows(Query(columns=(V,), condition=Comparison("!=", Reference("i"), Literal(7))))[()]) == 3
    assert rows(Query(columns=(V,), condition=Comparison("!=", V, Literal("1")))) == {}


def test_the_best_points_come_in_order_of_time_and_one_of_each_tag() -> None:
    assert rows(Query(columns=(Call("top", "v", (2,)),))) == {(): [(10, (4.0,)), (31, (10.0,))]}
    one_each = Query(columns=(Call("top", "v", (2,), ("h",)),))
    assert rows(one_each) == {(): [(10, (4.0, "a")), (31, (10.0, "b"))]}


def test_division_by_zero_is_zero_and_a_missing_operand_makes_null() -> None:
    column = Binary("/", Reference("i"), Literal(0))
    assert [cells for _, cells in rows(Query(columns=(column, V)))[()]][-2:] == [(0.0, 10.0), (None, -2.0)]


def test_random_questions_find_something() -> None:
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for seed in range(20):
        random = Random(seed)
        for _ in range(10):
            scene = draw_scene(random)
            points = stored(point for batch in scene.batches for point in batch)
            for query in (draw_query(random, scene) for _ in range(5)):
                kind = query.calls[0].function if query.calls else "raw"
                asked[kind] += 1
                try:
                    answered[kind] += bool(answer(points, query))
                except Undefined:
                    asked["undefined"] += 1
    assert asked["undefined"] < asked.total() / 4
    assert min(answered.values()) >= 5
    assert answered.total() > asked.total() / 2


@pytest.mark.parametrize("seed", range(3))
def test_queries_print_alike_for_the_same_seed(seed: int) -> None:
    first, second = (draw_query(Random(seed), draw_scene(Random(seed))) for _ in range(2))
    assert str(first) == str(second)
