"""holt_winters: forecasts, and the search for the model that they are made with."""

from __future__ import annotations

import numpy as np
import pytest

from influxish.errors import ExecutionError
from influxish.functions import FUNCTIONS, WalkFunction
from influxish.functions.registry import Course, Rows
from influxish.functions.segments import Segments
from influxish.functions.simplex import MOST_ROUNDS, minimize
from influxish.types import Array, DataType, Window
from tests.functions.test_walks import Stream, walk

SEASON = [100.0, 140.0, 90.0, 70.0]


def test_a_forecast_goes_on_with_trend_and_season() -> None:
    series = [(i * 10, SEASON[i % 4] + 2 * i) for i in range(24)]
    course = Course(window=Window.tumbling(10))
    [found] = walk("holt_winters", [series], (4, 4), course)
    assert [time for time, _ in found] == [240, 250, 260, 270]
    for i, (_, value) in enumerate(found, 24):
        assert value == pytest.approx(SEASON[i % 4] + 2 * i, rel=0.15)
    [fitted] = walk("holt_winters_with_fit", [series], (4, 4), course)
    assert [time for time, _ in fitted] == list(range(0, 280, 10))
    assert fitted[-4:] == found


def test_a_forecast_needs_two_points_and_a_season() -> None:
    course = Course(window=Window.tumbling(10))
    assert walk("holt_winters", [[(0, 1.0)], [(0, 1.0), (10, 2.0)]], (2, 4), course) == [[], []]
    [one, two] = walk("holt_winters", [[(0, 1.0)], [(0, 1.0), (20, 2.0)]], (2, 0), course)
    assert one == []
    assert [time for time, _ in two] == [30, 40]


def test_holt_winters_refuses_more_steps_than_it_could_make() -> None:
    function = FUNCTIONS["holt_winters"]
    assert isinstance(function, WalkFunction)
    rows = Rows(DataType.FLOAT, np.array([1.0, 2.0]), np.array([0, 365 * 86_400 * 10**9]))
    course = Course(window=Window.tumbling(10**9))
    with pytest.raises(ExecutionError, match="at most 1,000,000 steps, this range has 31,536,001"):
        function.walk(rows, Segments.of_keys([np.zeros(2, np.int64)]), (3, 0), course)


def uneven(count: int, *, gaps: bool) -> Stream:
    """Points of a trend, a season of 12 and something else."""
    points = ((10 * i, 100.0 + i // 4 + i % 12 * (i % 12 - 9) + i * 37 % 11) for i in range(count))
    return [point for i, point in enumerate(points) if not gaps or i % 7 != 3]


@pytest.mark.parametrize(
    ("count", "season", "gaps", "expected"),
    [
        (80, 0, True, [(800, 113.27586910517188), (810, 113.34503570269901), (820, 113.41229110045646)]),
        (40, 1, True, [(400, 108.6664347272569), (410, 108.84289211750963), (420, 109.01235096540839)]),
        (60, 4, True, [(590, 111.4213167558201), (600, 109.92565983806841), (610, 107.58085695749521)]),
        (60, 12, False, [(600, 114.26272033140782), (610, 111.42878310829867), (620, 110.33860325724035)]),
    ],
)
def test_a_search_ends_where_the_real_server_ends_it(count: int, season: int, gaps: bool, expected: Stream) -> None:
    [found] = walk("holt_winters", [uneven(count, gaps=gaps)], (3, season), Course(window=Window.tumbling(10)))
    assert [time for time, _ in found] == [time for time, _ in expected]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected], rel=1e-12)


def clip(points: Array) -> None:
    np.clip(points, -1, 3, out=points)


def test_a_round_of_a_search_takes_one_call_or_few_however_many_lanes_there_are() -> None:
    generator = np.random.default_rng(3)
    starts = generator.normal(size=(40, 5))
    calls: list[int] = []

    def steep(points: Array) -> Array:
        clip(points)
        calls.append(len(points))
        lowest = np.arange(5) / 7
        values: Array = 1e9 * np.abs(points - lowest).sum(axis=1) + 1e9 * np.square(points[:, 0] * points[:, 1])
        return values

    told = minimize(steep, starts, 1e-9, clip)
    assert len(calls) <= MOST_ROUNDS + 2  # one more for the first vertices, and one for the answer
    calls.clear()
    found = minimize(steep, starts, 1e-9)
    assert MOST_ROUNDS + 2 < len(calls) <= 3 * MOST_ROUNDS + 2  # two, but where all vertices have one value
    assert [part.tolist() for part in found] == [part.tolist() for part in told]
