"""Seeded SELECT … INTO: each writes into a database of its own, which is then asked for all that it has."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.differential.data import Scene
from tests.differential.questions import Question, Questions

TARGETS = {
    "w..t": 6,
    "w.autogen.t": 2,
    "w.p.t": 2,
    'w..":name, with =odd"': 1,
    "w..:MEASUREMENT": 3,
    "w.p.:MEASUREMENT": 1,
    "w.norp.t": 0.3,
    "nodb..t": 0.3,
}
"""Target → how often it is drawn."""

AGAIN = 0.1
"""How often something is written into what is there already."""

FRESH = "DROP DATABASE w; CREATE DATABASE w; CREATE RETENTION POLICY p ON w DURATION INF REPLICATION 1"

READINGS = (
    "SELECT * FROM w../.*/ GROUP BY *",
    "SELECT * FROM w.p./.*/ GROUP BY *",
    "SHOW FIELD KEYS ON w",
    "SHOW SERIES ON w",
)


def draw_into(scene: Scene, seed: int, count: int) -> Iterator[Question]:
    """The statements of a seed, in groups: a fresh database, one that writes, and what says what was written."""
    questions, asked = Questions(scene, Random(f"into {seed}")), 0
    random = questions.random
    while asked < count:
        if asked == 0 or random.random() > AGAIN:
            yield Question(FRESH, ("into:fresh",))
        for question in (_writing(questions), *map(_reading, [] if scene.ties else READINGS)):
            yield question
            asked += 1


def _writing(questions: Questions) -> Question:
    target = questions.random.choices(list(TARGETS), list(TARGETS.values()))[0]
    questions.features = []
    text = questions.select().replace(" FROM ", f" INTO {target} FROM ", 1)
    kind = target.removesuffix("t").removeprefix("w") or "."
    return Question(text, (f"into:{kind}", *dict.fromkeys(questions.features)))


def _reading(text: str) -> Question:
    return Question(text, ("into:what was written",), "ns")
