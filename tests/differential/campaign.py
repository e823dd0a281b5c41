"""Seeds of points and questions put to both servers, and what came of it: agreement by feature, and the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import influxish
from tests.differential.changes import draw_changes
from tests.differential.comparison import difference, settled
from tests.differential.data import Scene, draw_scene
from tests.differential.into_questions import draw_into
from tests.differential.ours import ask
from tests.differential.questions import Question, draw_questions
from tests.differential.server import InfluxServer
from tests.differential.show_questions import OTHER_POLICY, draw_show_questions

DATABASE = "d"

SUBJECTS: dict[str, Callable[[Scene, int, int], Iterator[Question]]] = {
    "select": draw_questions,
    "show": draw_show_questions,
    "changes": draw_changes,
    "into": draw_into,
}
"""What can be asked about → the questions of a scene and a seed, so many."""
TIMES_ASKED_AGAIN = 60
"""Two groups leave a Go map in one and the same order seven times out of eight."""


@dataclass(frozen=True)
class Disagreement:
    """One question that was answered differently."""

    seed: int
    question: Question
    difference: str

    def __str__(self) -> str:
        bound = f"   with {dict(self.question.params)}" if self.question.params else ""
        return f"seed {self.seed}: {self.question.text}{bound}\n    {self.difference}"


@dataclass
class Tally:
    """What was asked and what agreed, in all and by feature.

    Attributes:
        uncounted: why a question was left out of all this → how many were.
    """

    asked: int = 0
    uncounted: Counter[str] = field(default_factory=Counter)
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


def ask_both(
    server: InfluxServer, seed: int, count: int, subject: str = "select", uncounted: Counter[str] | None = None
) -> Iterator[tuple[Question, Disagreement | None]]:
    """Put the questions of one seed to both servers, each with the points of that seed and nothing else.

    Args:
        subject: what the questions are about, one of `SUBJECTS`.
        uncounted: counts those left out, by the reason.
    """
    uncounted = Counter() if uncounted is None else uncounted
    scene = draw_scene(seed)
    _clear(server)
    with influxish.open(":memory:") as db:
        for policy in ("", "other") if subject == "show" else ("",):
            change = OTHER_POLICY.format(database=DATABASE) if policy else f"CREATE DATABASE {DATABASE}"
            server.query(change)
            db.query(change)
            for lines in _of_other_policy(scene) if policy else scene.lines:
                status, answer = server.write(lines, DATABASE, policy)
                assert status == 204, answer
                db.write(lines, database=DATABASE, policy=policy)
        for question in SUBJECTS[subject](scene, seed, count):
            try:
                theirs = server.query(question.text, DATABASE, question.epoch, question.params)
                if "query-timeout limit exceeded" in str(theirs):
                    uncounted["the server did not finish"] += 1
                    continue
                ours = ask(db, question.text, DATABASE, question.epoch, params=question.params)
                told = difference(settled(theirs), settled(ours), ties=scene.ties)
                if told and subject == "select" and not _is_settled(server, question, theirs):
                    uncounted["the server answers differently each time, or panics"] += 1
                    continue
                if subject == "into" and "error" in str(theirs) and "error" in str(ours):
                    told = told and _asked_again(server, question, ours, told)
            except ConnectionError:  # the question ended the server's process, most often by the memory that it takes
                server.revive()
                uncounted["the server's process ended"] += 1
                continue
            except Exception as error:  # a fault of ours is a difference like any other, and the campaign goes on
                told = f"{type(error).__name__} here: {error}"
            yield question, Disagreement(seed, question, told) if told else None


def _of_other_policy(scene: Scene) -> list[str]:
    """Some points once more. Its shards are long, so none of the field that has another type in every week."""
    lines = [line for line in scene.lines[-1].splitlines() if not line.startswith("mixed")]
    return ["\n".join(lines)] if lines else []


def _clear(server: InfluxServer) -> None:
    """Leave nothing of what was asked before."""
    for show, drop in (("SHOW DATABASES", "DROP DATABASE"), ("SHOW USERS", "DROP USER")):
        for row in server.query(show)["results"][0]["series"][0].get("values", []):
            server.query(f'{drop} "{row[0]}"')


def _is_settled(server: InfluxServer, question: Question, theirs: Any) -> bool:
    """Whether the server gives the same answer whenever it is asked, and one that it means to give.

    It makes the calls of a statement, and hands on the last rows of integral(), in the order of a Go map, another one
    each time; and it panics now and then. Such questions are asked, and not counted.
    """
    if "panic:" in str(theirs):
        return False
    again = (server.query(question.text, DATABASE, question.epoch, question.params) for _ in range(TIMES_ASKED_AGAIN))
    return not any(difference(theirs, answer) for answer in again)


def _asked_again(server: InfluxServer, question: Question, ours: Any, told: str) -> str:
    """The difference if the server tells of the same error whenever it is asked.

    It makes the calls of a statement in the order of a Go map, another one each time, and tells of the first fault.
    """
    for _ in range(TIMES_ASKED_AGAIN):
        if not difference(server.query(question.text, DATABASE, question.epoch, question.params), ours):
            return ""
    return told
