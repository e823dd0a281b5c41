"""SELECT … INTO on the real server and here: what it answers, and what the target then has."""

from __future__ import annotations

import pytest

from tests.differential.campaign import Tally, ask_both
from tests.differential.into_questions import READINGS
from tests.differential.server import InfluxServer, installed

SEEDS, QUESTIONS = range(200, 206), 60
AGREEING = 0.92
"""Of all statements. Nearly all that differ write what their SELECT answers, which differs without INTO, too."""


@pytest.mark.skipif(not installed(), reason="influxd is not installed: the Debian package influxdb has it")
def test_into_writes_what_the_real_server_writes() -> None:
    tally = Tally()
    with InfluxServer() as server:
        for seed in SEEDS:
            for question, disagreement in ask_both(server, seed, QUESTIONS, "into"):
                tally.add(question, disagreement)
    told = "\n".join(map(str, tally.disagreements))
    assert tally.by_feature["into:what was written"] > len(READINGS) * 30
    assert tally.by_feature["into:..:MEASUREMENT"] > 3
    assert tally.agreeing >= AGREEING, f"only {tally.agreeing:.1%} of {tally.asked} statements agree:\n{told}"
