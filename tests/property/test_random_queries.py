"""Random queries over random points: the rows are those of the model, whichever optimizer rules are on."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

import influxish
import influxish.database
from influxish.errors import InfluxishError, QueryError
from influxish.exec import build
from influxish.exec.request import scan_request
from influxish.optimizer.rules import RULES
from influxish.storage.interface import RetentionPolicy
from tests.property.drawing import Scene, draw_query, draw_scene, smaller
from tests.property.language import SECOND, Query
from tests.property.model import Row, Series, Undefined, answer
from tests.property.reductions import Stored, stored

VARIANTS = ((), ("all",), *((rule.name,) for rule in RULES))
SCENES, QUERIES = 10, 5
"""Scenes of one test, and queries asked of each."""
SHRINK_SECONDS = 20

NARROW = {"BATCH_ROWS": 4, "PIECE_ROWS": 8, "PART": 6, "WORTHWHILE": 1, "LONG_RUN": 2}
"""Sizes of which the engine has thousands, made so small that a few rows reach all that happens between two of them."""

Found = list[tuple[dict[str, str], list[Row]]]


@contextmanager
def narrowed() -> Iterator[None]:
    """Until the end, every module has the sizes of `NARROW`."""
    with pytest.MonkeyPatch.context() as patch:
        modules = [module for name, module in list(sys.modules.items()) if name.startswith("influxish.")]
        for name, size in NARROW.items():
            holders = [module for module in modules if hasattr(module, name)]
            assert holders, f"nothing is called {name} any more"
            for module in holders:
                patch.setattr(module, name, size)
        patch.setattr(build, "scan_request", lambda scan: replace(scan_request(scan), batch_rows=3))
        yield


@contextmanager
def opened(scene: Scene) -> Iterator[influxish.Database]:
    """A database with the points of a scene."""
    with narrowed() if scene.narrow else nullcontext(), _opened(scene) as db:
        yield db


@contextmanager
def _opened(scene: Scene) -> Iterator[influxish.Database]:
    policy = RetentionPolicy("short", 0, scene.shard_seconds * SECOND, default=True)
    folder = Path(tempfile.mkdtemp(prefix="influxish-")) if scene.on_disk else None
    # Durability is tested elsewhere, so no write waits for the disk; a query that hangs becomes one that fails.
    settings: dict[str, Any] = {"workers": 2, "durability": "process", "max_query_seconds": 20}
    db = influxish.open(folder or ":memory:", **settings)
    try:
        db.engine.create_database("demo", policy)
        for batch in scene.batches:
            db.write([point.line() for point in batch], database="demo")
            if folder is not None:
                db.engine.flush()
        if folder is not None:
            db.close()
            db = influxish.open(folder, **settings)
        yield db
    finally:
        db.close()
        if folder is not None:
            shutil.rmtree(folder)


def ask(db: influxish.Database, query: Query, disable: tuple[str, ...]) -> Found:
    result = db.query(str(query), database="demo", disable=disable)
    return [(dict(series.tags), [(row[0], row[1:]) for row in series.rows]) for series in result]


def same_row(expected: Row, found: Row) -> bool:
    same_width = len(expected[1]) == len(found[1])
    return expected[0] == found[0] and same_width and all(map(same_cell, expected[1], found[1]))


def same_cell(expected: Any, found: Any) -> bool:
    if type(expected) is not type(found):
        return False
    if isinstance(expected, float):
        return math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-9)
    return bool(expected == found)


def same_series(expected: Series, found: list[Row]) -> bool:
    wanted = expected.rows[expected.first : expected.stop]
    return len(wanted) == len(found) and all(map(same_row, wanted, found))


def disagreement(db: influxish.Database, points: list[Stored], query: Query, shard_seconds: int) -> str:
    """What the engine answers otherwise than the model; "" if nothing.

    Where the model leaves the answer open, the rows must still be the same with all rules and with none.
    """
    try:
        expected = answer(points, query, shard_seconds)
    except Undefined:
        rows = ask(db, query, ("all",))
        expected = [Series(tags, part, 0, len(part)) for tags, part in rows]
    for variant in VARIANTS:
        try:
            found = ask(db, query, variant)
        except InfluxishError as error:
            return f"disable={variant}: {error}"
        same = [series.tags for series in expected] == [tags for tags, _ in found]
        if not same or not all(map(same_series, expected, (rows for _, rows in found))):
            wanted = [(series.tags, series.rows[series.first : series.stop]) for series in expected]
            return f"disable={variant}\nexpected {wanted}\nfound    {found}"
    return ""


def failure(scene: Scene, query: Query) -> str:
    """The disagreement over a case of its own."""
    points = stored(point for batch in scene.batches for point in batch)
    with opened(scene) as db:
        return disagreement(db, points, query, scene.shard_seconds)


def smallest(scene: Scene, query: Query) -> str:
    """A failing case as text, with as much left out as a short search allows."""
    until, text = time.monotonic() + SHRINK_SECONDS, failure(scene, query)
    found = True
    while found:
        found = False
        for other_scene, other_query in smaller(scene, query):
            if time.monotonic() > until:
                break
            if other := failure(other_scene, other_query):
                scene, query, text, found = other_scene, other_query, other, True
                break
    lines = "\n\n".join("\n".join(point.line() for point in batch) for batch in scene.batches)
    stored_as = (
        f"shards of {scene.shard_seconds} s, {'on disk' if scene.on_disk else 'in memory'}{', narrow' * scene.narrow}"
    )
    return f"{query}\n{text}\n{stored_as}:\n{lines}"


def check(seed: int) -> None:
    random = Random(seed)
    for _ in range(SCENES):
        scene = draw_scene(random)
        points = stored(point for batch in scene.batches for point in batch)
        queries = [draw_query(random, scene) for _ in range(QUERIES)]
        with opened(scene) as db:
            wrong = [query for query in queries if disagreement(db, points, query, scene.shard_seconds)]
        assert not wrong, smallest(scene, wrong[0])


@dataclass(frozen=True)
class Nested:
    """A query of another one, perhaps with the measurement beside it."""

    outer: Query
    inner: Query
    beside: bool

    def __str__(self) -> str:
        inner = self.inner.text("m", ("v", "w", "i", "s")[: len(self.inner.columns)])
        return self.outer.text(f"({inner}){', m' * self.beside}", [f"c{n}" for n in range(len(self.outer.columns))])


def answers(db: influxish.Database, query: Nested, variant: tuple[str, ...]) -> Found | str:
    """What is answered; the message, where the types of the inner columns do not fit the outer ones."""
    try:
        result = db.query(str(query), database="demo", disable=variant)
    except QueryError as error:
        return error.message
    return [(dict(series.tags), [(row[0], row[1:]) for row in series.rows]) for series in result]


def same_answer(one: Found | str, other: Found | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    same_keys = [(tags, len(rows)) for tags, rows in one] == [(tags, len(rows)) for tags, rows in other]
    return same_keys and all(all(map(same_row, a[1], b[1])) for a, b in zip(one, other, strict=True))


def check_nested(seed: int) -> int:
    """Ask queries of queries with all rules, none and each left out; how many of them had rows."""
    random, with_rows = Random(seed), 0
    for _ in range(SCENES):
        scene = draw_scene(random)
        lines = "\n".join(point.line() for batch in scene.batches for point in batch)
        with opened(scene) as db:
            for _ in range(QUERIES):
                query = Nested(draw_query(random, scene), draw_query(random, scene), random.random() < 0.5)
                plain = answers(db, query, ("all",))
                with_rows += isinstance(plain, list) and bool(plain)
                for variant in VARIANTS:
                    found = answers(db, query, variant)
                    told = f"{query}\ndisable={variant}\nwithout rules {plain}\nfound {found}\n{scene}\n{lines}"
                    assert same_answer(plain, found), told
    return with_rows


@pytest.mark.parametrize("seed", range(100, 106))
def test_rules_do_not_change_the_answer_of_a_query_of_a_query(seed: int) -> None:
    assert check_nested(seed) > SCENES * QUERIES / 5


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2000, 2150))
def test_rules_do_not_change_the_answer_of_a_query_of_a_query_at_length(seed: int) -> None:
    check_nested(seed)


@pytest.mark.parametrize("seed", range(8))
def test_every_answer_is_that_of_the_model(seed: int) -> None:
    check(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_every_answer_is_that_of_the_model_at_length(seed: int) -> None:
    check(seed)
