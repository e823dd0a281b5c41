"""Seeds of points and questions put to both servers, and what came of it: agreement by feature, and the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import influxish
from tests.differential.comparison import difference
from tests.differential.data import draw_scene
from tests.differential.ours import ask
from tests.differential.questions import Question, draw_questions
from tests.differential.server import InfluxServer

DATABASE = "d"
TIMES_ASKED_AGAIN = 12


@dataclass(frozen=True)
class Disagreement:
    """One question that was answered differently."""

    seed: int
    question: Question
    difference: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.question.text}\n    {self.difference}"


@dataclass
class Tally:
    """What was asked and what agreed, in all and by feature."""

    asked: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)
    by_feature: Counter[str] = field(default_factory=Counter)
    wrong_by_feature: Counter[str] = field(default_factory=Counter)

    @property
    def agreeing(self) -> float:
        """The share of the questions that both answered alike."""
        return 1 - len(self.disagreements) / self.asked if self.asked else 1.0

    def add(self, question: Question, found: Disagreement | None) -> None:
        self.asked += 1
        self.by_feature.update(question.features)
        if found is not None:
            self.disagreements.append(found)
            self.wrong_by_feature.update(question.features)


def ask_both(server: InfluxServer, seed: int, count: int) -> Iterator[tuple[Question, Disagreement | None]]:
    """Put the questions of one seed to both servers, each with the points of that seed and nothing else."""
    scene = draw_scene(seed)
    server.query(f"DROP DATABASE {DATABASE}; CREATE DATABASE {DATABASE}")
    with influxish.open(":memory:") as db:
        db.create_database(DATABASE)
        for lines in scene.lines:
            status, answer = server.write(lines, DATABASE)
            assert status == 204, answer
            db.write(lines, database=DATABASE)
        for question in draw_questions(scene, seed, count):
            theirs = server.query(question.text, DATABASE, question.epoch)
            if "query-timeout limit exceeded" in str(theirs):
                continue
            try:
                ours = ask(db, question.text, DATABASE, question.epoch)
                told = difference(theirs, ours, ties=scene.ties)
                if "error" in str(theirs) and "error" in str(ours):
                    told = told and _asked_again(server, question, ours, told)
            except Exception as error:  # a fault of ours is a difference like any other, and the campaign goes on
                told = f"{type(error).__name__} here: {error}"
            yield question, Disagreement(seed, question, told) if told else None


def _asked_again(server: InfluxServer, question: Question, ours: Any, told: str) -> str:
    """The difference if the server tells of the same error whenever it is asked.

    It makes the calls of a statement in the order of a Go map, another one each time, and tells of the first fault.
    """
    for _ in range(TIMES_ASKED_AGAIN):
        if not difference(server.query(question.text, DATABASE, question.epoch), ours):
            return ""
    return told
