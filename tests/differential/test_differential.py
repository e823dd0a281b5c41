"""The same questions to the real server and to influxish: a few seeds. `tools/differential.py` asks many more."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.differential.campaign import Tally, ask_both
from tests.differential.comparison import difference
from tests.differential.server import BINARY, InfluxServer, installed

SEEDS, QUESTIONS = range(6), 60
AGREEING = 0.99
"""The share of all questions that must agree. It rises as differences are mended; docs/influxql.md says where it is."""


@pytest.fixture(scope="module")
def server() -> Iterator[InfluxServer]:
    if not installed():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{BINARY} is not installed, and CI must ask it")
        pytest.skip(f"{BINARY} is not installed: the Debian package influxdb has it")
    with InfluxServer() as running:
        yield running


def test_questions_get_the_answers_of_the_real_server(server: InfluxServer) -> None:
    tally = Tally()
    for seed in SEEDS:
        for question, disagreement in ask_both(server, seed, QUESTIONS):
            tally.add(question, disagreement)
    told = "\n".join(map(str, tally.disagreements))
    assert tally.asked > len(SEEDS) * QUESTIONS * 0.9, "the server gave up most questions"
    assert tally.agreeing >= AGREEING, f"only {tally.agreeing:.1%} of {tally.asked} questions agree:\n{told}"


@pytest.mark.parametrize("subject", ["show", "changes"])
def test_the_schema_and_changes_of_it_are_those_of_the_real_server(server: InfluxServer, subject: str) -> None:
    tally = Tally()
    for seed in range(1000, 1006):
        for question, disagreement in ask_both(server, seed, 100, subject):
            tally.add(question, disagreement)
    told = "\n".join(map(str, tally.disagreements))
    assert tally.agreeing >= 0.99, f"only {tally.agreeing:.1%} of {tally.asked} questions agree:\n{told}"
    assert len(tally.by_feature) > 20


def test_most_features_are_asked_for(server: InfluxServer) -> None:
    tally = Tally()
    for question, disagreement in ask_both(server, 100, 400):
        tally.add(question, disagreement)
    asked = set(tally.by_feature)
    for feature in ("function:mean", "group by:time", "fill:previous", "subquery:raw", "where:tag regex", "order:DESC"):
        assert feature in asked
    assert len(asked) > 120


@pytest.mark.parametrize(
    ("theirs", "ours", "told"),
    [
        ({"results": [{"a": 1}]}, {"results": [{"a": 1}]}, ""),
        ({"a": [1, 2]}, {"a": [1]}, ".a has 2 items on the server, 1 here"),
        ({"a": 1.0}, {"a": 1.0 + 1e-12}, ""),
        ({"a": 1.0}, {"a": 1.00001}, ".a is 1.0 on the server, 1.00001 here"),
        ({"a": 1}, {"a": True}, ".a is 1 on the server, True here"),
        ({"a": None}, {"a": 0}, ".a is None on the server, 0 here"),
        ({"a": 3781582535110458000}, {"a": 3781582535110458400}, ""),
        (
            {"a": 3781582535110458001},
            {"a": 3781582535110458400},
            ".a is 3781582535110458001 on the server, 3781582535110458400 here",
        ),
        ({"a": 1}, {"error": "x"}, "document has a on the server, error (x) here"),
    ],
)
def test_what_counts_as_a_difference(theirs: object, ours: object, told: str) -> None:
    assert difference(theirs, ours) == told


def test_rows_of_one_time_may_stand_in_any_order_where_series_tie() -> None:
    def document(*rows: list[int]) -> dict[str, object]:
        return {"results": [{"series": [{"values": list(rows)}]}]}

    theirs, ours = document([1, 2], [1, 3], [2, 0]), document([1, 3], [1, 2], [2, 0])
    assert difference(theirs, ours)
    theirs, ours = document([1, 2], [1, 3], [2, 0]), document([1, 3], [1, 2], [2, 0])
    assert not difference(theirs, ours, ties=True)
