"""`influxish demo`, with a small fleet."""

from __future__ import annotations

from pathlib import Path

import influxish as engine
from influxish.cli.demo import HOSTS
from influxish.cli.devops import Fleet
from influxish.types import HOUR
from tests.cli.running import OnTerminal, influxish


def test_it_makes_data_asks_and_shows_the_graph_and_uses_the_data_again(tmp_path: Path) -> None:
    options = ("demo", "--data", tmp_path / "data", "--hosts", 3, "--hours", 2)
    first = influxish(*options)
    assert first.code == 0, first.err
    assert "Wrote 8,640 points (73,440 values) of 3 hosts" in first.out
    for words in ("How busy is the fleet", "Which hosts work hardest?", "host_2  █", "How do the regions compare?"):
        assert words in first.out
    assert first.out.index("before the rules") < first.out.index("after the rules")
    assert "influxish shell --data" in first.out

    again = influxish("demo", "--data", tmp_path / "data")
    assert again.code == 0
    assert f"Using the data in {tmp_path / 'data'}: 8,640 points (73,440 values) of 3 hosts" in again.out

    other = influxish("demo", "--data", tmp_path / "data", "--hosts", 4)
    assert other.code == 1
    assert "holds a demo of 3 hosts and 2 hours" in other.err


def test_what_was_not_finished_is_finished(tmp_path: Path) -> None:
    options = ("demo", "--data", tmp_path / "data", "--hosts", 2, "--hours", 1)
    assert influxish(*options).code == 0
    with engine.open(tmp_path / "data") as database:
        (marker,) = database.query("SELECT * FROM demo", database="devops").rows
        database.write(f"demo complete=false {marker['time']}", database="devops")
    again = influxish(*options)
    assert again.code == 0
    assert "is not complete: writing it again" in again.out
    with engine.open(tmp_path / "data") as database:
        fleet = Fleet(2, marker["start"], marker["stop"])
        (row,) = database.query("SELECT count(usage_user) FROM cpu", database="devops").rows
        assert row["count"] == fleet.hosts * fleet.samples


def test_there_are_five_million_points_if_nothing_is_said() -> None:
    assert Fleet(HOSTS, 0, 24 * HOUR).points >= 5_000_000


def test_the_progress_bar_shows_on_a_terminal(tmp_path: Path) -> None:
    terminal = OnTerminal("demo", "--data", tmp_path / "data", "--hosts", 30, "--hours", 12)
    assert terminal.finish(60) == 0
    assert "writing  █" in terminal.seen
    assert " values  " in terminal.seen
