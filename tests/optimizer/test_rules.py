"""Every rule's golden file says what it does, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import influxish
from influxish.optimizer.rules import RULES
from tests.optimizer.planfile import carry_out, read_cases

FOLDER = Path(__file__).parent / "rules"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.plan")), ids=lambda path: path.stem)
def test_rule_rewrites_as_its_golden_file_shows(path: Path, request: pytest.FixtureRequest) -> None:
    cases = read_cases(path)
    found = []
    for case in cases:
        with influxish.open(":memory:", workers=2) as db:
            found.append(carry_out(case, db))
    if request.config.getoption("--update-golden"):
        path.write_text("\n\n====\n\n".join(case.text() for case in found) + "\n")
        return
    for case, now in zip(cases, found, strict=True):
        assert now.text() == case.text()


def test_every_rule_has_a_golden_file_that_shows_it_firing_and_holding_back() -> None:
    for rule in RULES:
        cases = read_cases(FOLDER / f"{rule.name}.plan")
        assert {case.rule for case in cases} == {rule.name}
        assert {case.changed for case in cases} == {True, False}, rule.name


def test_every_rule_says_why_when_and_why_it_stops() -> None:
    for rule in RULES:
        assert all(word in rule.reason for word in ("Why:", "Legal when:", "Stops because:")), rule.name
