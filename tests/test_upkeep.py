"""What is done again and again goes on after what failed, says so, and begins from moments that there are."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest

from influxish.database import Database
from influxish.errors import ExecutionError, InfluxishError
from influxish.types import MAX_TIME, MIN_TIME
from influxish.upkeep import Periodic


class Failing:
    """Fails as often as it is told to, then sets `recovered`."""

    def __init__(self, error: Exception, times: int) -> None:
        self.recovered = threading.Event()
        self._error, self._left = error, times

    def __call__(self) -> None:
        if self._left:
            self._left -= 1
            raise self._error
        self.recovered.set()


@pytest.mark.parametrize("error", [InfluxishError("no room"), OverflowError("too large"), MemoryError(5)])
def test_what_fails_is_told_and_done_again(caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    action = Failing(error, times=3)
    with caplog.at_level(logging.WARNING, "influxish.upkeep"):
        periodic = Periodic("sweeping", 0.001, action)
        assert action.recovered.wait(10)
        periodic.stop()
        periodic.join()
    assert caplog.records
    assert all("sweeping" in record.getMessage() and str(error) in record.getMessage() for record in caplog.records)


def test_an_internal_error_is_told_with_its_traceback_and_not_again_at_every_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    action = Failing(OverflowError("too large"), times=50)
    with caplog.at_level(logging.WARNING, "influxish.upkeep"):
        periodic = Periodic("sweeping", 0.0001, action)
        assert action.recovered.wait(10)
        periodic.stop()
        periodic.join()
    (record,) = caplog.records
    assert record.getMessage() == "sweeping: internal error: OverflowError: too large"
    assert record.exc_info is not None


@pytest.mark.parametrize(
    "now", [2**70, -(2**70), 10**5000, MAX_TIME + 1, MIN_TIME - 1], ids=lambda now: f"{now.bit_length()} bits"
)
def test_moments_that_do_not_exist_are_refused(db: Database, now: int) -> None:
    for method in (db.run_continuous_queries, db.drop_expired):
        with pytest.raises(ExecutionError, match=f"now is no moment.*nanoseconds from {MIN_TIME} to {MAX_TIME}"):
            method(now)


@pytest.mark.parametrize("now", [1.5, "2020-01-01", True])
def test_what_is_no_number_of_nanoseconds_is_refused(db: Database, now: object) -> None:
    for method in (db.run_continuous_queries, db.drop_expired):
        with pytest.raises(ExecutionError, match="is no moment"):
            method(now)  # type: ignore[operator]


@pytest.mark.parametrize("zone", ["", "tz('Europe/Berlin')"])
def test_turns_at_the_ends_of_time_are_taken(db: Database, zone: str) -> None:
    for number, resample in enumerate(["", "RESAMPLE EVERY 10m FOR 2h", "RESAMPLE EVERY 3h"]):
        select = f"SELECT count(v) INTO c FROM m GROUP BY time(1h) {zone}"
        db.query(f"CREATE CONTINUOUS QUERY q{number} ON demo {resample} BEGIN {select} END", database="demo")
    for now in (MIN_TIME, np.int64(0), MAX_TIME):
        assert [run.error for run in db.run_continuous_queries(now) if run.error] == []
        assert db.drop_expired(now) == []
