"""What is drawn on the terminal besides tables."""

from __future__ import annotations

import io

import numpy as np
import pytest

from influxish.cli.plots import bars, plot
from influxish.cli.progress import Progress, bar, clock, short


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_drawn_when_nobody_looks() -> None:
    pipe = io.StringIO()
    with Progress("importing", 100, "points", pipe) as progress:
        progress.update(50, 5)
    assert pipe.getvalue() == ""


def test_a_bar_is_drawn_and_taken_away() -> None:
    terminal = Terminal()
    with Progress("importing", 100, "points", terminal) as progress:
        progress.update(50, 5_000_000)
    drawn = terminal.getvalue()
    assert f"importing  {'█' * 12}{' ' * 12}  50%  5 M points" in drawn
    assert drawn.endswith("\r\x1b[K")


def test_the_line_says_how_much_how_fast_and_how_long() -> None:
    progress = Progress("importing", 200, "points", io.StringIO())
    assert progress.text(50, 1_000_000, 2.0) == f"importing  {bar(0.25, 24)}  25%  1 M points  500 k/s  0:06 left"
    unknown = Progress("importing", 0, "points", io.StringIO())
    assert unknown.text(50, 1_000, 2.0) == "importing  1 k points  500/s"


@pytest.mark.parametrize(("share", "expected"), [(0, "    "), (0.5, "██  "), (1, "████"), (0.28125, "█▏  ")])
def test_bars(share: float, expected: str) -> None:
    assert bar(share, 4) == expected


def test_counts_and_clocks() -> None:
    assert [short(number) for number in (0, 950, 1_000, 12_345, 5_875_200, 8.64e9)] == [
        "0",
        "950",
        "1 k",
        "12.3 k",
        "5.88 M",
        "8.64 G",
    ]
    assert [clock(seconds) for seconds in (0.4, 59.6, 3599, 3600)] == ["0:00", "1:00", "59:59", "1:00:00"]


def test_a_plot_rises_from_the_lowest_to_the_highest_value() -> None:
    lines = plot(np.arange(16.0), width=20, height=2)
    assert lines == ["15 ┤        ▁▂▃▄▅▆▇█", " 0 ┤▁▂▃▄▅▆▇█████████"]


def test_a_plot_leaves_gaps_and_averages_what_is_too_wide() -> None:
    lines = plot(np.array([1.0, np.nan, 1.0]), width=20, height=1)
    assert lines == ["1 ┤▁ ▁"]
    wide = plot(np.repeat([0.0, 8.0], 500), width=23, height=1)
    assert wide == ["8 ┤" + "▁" * 10 + "█" * 10]
    assert plot(np.array([np.nan]), width=20) == ["no values"]


def test_bars_beside_names_share_the_width() -> None:
    lines = bars(["host_1", "host_22"], [50.0, 100.0], width=30)
    assert lines == ["host_1   ███████▌         50", "host_22  ███████████████  100"]
