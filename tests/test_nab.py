"""Questions to 47 real series with gaps, duplicates and irregular steps; pandas answers them from the CSV files.

The data is no part of the project: it is looked for in $INFLUXISH_NAB, then in shared/data/nab beside the checkout.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import influxish

pd = pytest.importorskip("pandas")

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("INFLUXISH_NAB") or ROOT.parent / "shared" / "data" / "nab")
MISSING = not any(FOLDER.glob("*/*.csv"))
pytestmark = pytest.mark.skipif(MISSING, reason=f"no NAB series in {FOLDER}; say where they are with INFLUXISH_NAB")

Rows = list[tuple[Any, ...]]
Ask = Callable[[str], dict[tuple[str, ...], Rows]]


@pytest.fixture(scope="module")
def frame() -> Any:
    """Every row of every file once: source, file, time, value. Of several rows of one time the last one counts."""
    frames = []
    for path in sorted(FOLDER.glob("*/*.csv")):
        series = pd.read_csv(path, parse_dates=["timestamp"]).rename(columns={"timestamp": "time"})
        frames.append(series.assign(source=path.parent.name, file=path.stem))
    whole = pd.concat(frames, ignore_index=True)
    whole["time"] = whole["time"].astype("datetime64[ns]")
    return whole.drop_duplicates(["file", "time"], keep="last").sort_values(["file", "time"])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[influxish.Database]:
    store = tmp_path_factory.mktemp("nab") / "store"
    command = [sys.executable, str(ROOT / "tools" / "import_nab.py"), "--data", str(store), str(FOLDER)]
    subprocess.run(command, check=True, capture_output=True)
    with influxish.open(store) as opened:
        yield opened


@pytest.fixture(params=["", "all"], ids=["all rules", "no rules"])
def ask(request: pytest.FixtureRequest, database: influxish.Database) -> Ask:
    """Query → values of the GROUP BY tags → rows; times in ns."""
    disable = [request.param] if request.param else []

    def answer(query: str) -> dict[tuple[str, ...], Rows]:
        result = database.query(query, database="nab", disable=disable)
        return {tuple(series.tags.values()): list(series.rows) for series in result}

    return answer


def stamp(text: str) -> int:
    """UTC ns."""
    return int(pd.Timestamp(text).value)


def nanoseconds(times: Any) -> list[int]:
    return [int(time) for time in times.astype("datetime64[ns]").astype("int64")]


def close(found: Any, expected: Any) -> bool:
    if found is None or expected is None or isinstance(expected, int | str):
        return found == expected
    return math.isclose(found, float(expected), rel_tol=1e-9, abs_tol=1e-12)


def same(found: Rows, expected: Rows) -> bool:
    return len(found) == len(expected) and all(
        len(a) == len(b) and all(map(close, a, b)) for a, b in zip(found, expected, strict=True)
    )


def by_file(frame: Any, reduce: Callable[[Any], Any]) -> dict[tuple[str, ...], Any]:
    return {(name,): reduce(part) for name, part in frame.groupby("file")}


def single(answer: dict[tuple[str, ...], Rows]) -> dict[tuple[str, ...], Any]:
    """The value of the one row of each series."""
    assert all(len(rows) == 1 and len(rows[0]) == 2 for rows in answer.values())
    return {key: rows[0][1] for key, rows in answer.items()}


def same_values(found: dict[tuple[str, ...], Any], expected: dict[tuple[str, ...], Any]) -> bool:
    return list(found) == sorted(expected) and all(close(found[key], expected[key]) for key in expected)


def test_how_many_points_does_every_file_have(ask: Ask, frame: Any) -> None:
    found = single(ask("SELECT count(value) FROM nab GROUP BY file"))
    assert found == by_file(frame, len)
    assert len(found) == 47


def test_of_rows_with_one_time_the_last_one_counts(ask: Ask, frame: Any) -> None:
    name = "machine_temperature_system_failure"
    written = pd.read_csv(FOLDER / "realKnownCause" / f"{name}.csv", parse_dates=["timestamp"])
    twice = written[written["timestamp"].duplicated(keep=False)]
    kept = twice.drop_duplicates("timestamp", keep="last").sort_values("timestamp")
    changed = twice.drop_duplicates("timestamp", keep="first").sort_values("timestamp")
    assert (kept["value"].to_numpy() != changed["value"].to_numpy()).any()
    low, high = kept["timestamp"].min(), kept["timestamp"].max()
    rows = ask(f"SELECT value FROM nab WHERE file = '{name}' AND time >= '{low}' AND time <= '{high}'")[()]
    times = nanoseconds(kept["timestamp"])
    assert [row for row in rows if row[0] in set(times)] == list(zip(times, kept["value"], strict=True))


def test_mean_of_every_six_hours_from_two_o_clock(ask: Ask, frame: Any) -> None:
    taxis = frame[frame["file"] == "nyc_taxi"]
    rows = ask(
        "SELECT mean(value), count(value) FROM nab WHERE file = 'nyc_taxi' AND time >= '2014-07-03' "
        "AND time < '2014-08-03T05:00:00Z' GROUP BY time(6h, 2h)"
    )[()]
    chosen = taxis[(taxis["time"] >= "2014-07-03") & (taxis["time"] < "2014-08-03 05:00")]
    buckets = chosen.groupby((chosen["time"] - pd.Timedelta("2h")).dt.floor("6h") + pd.Timedelta("2h"))["value"]
    expected = [(int(time.value), part.mean(), len(part)) for time, part in buckets]
    assert expected[0][0] == stamp("2014-07-02T20:00")
    assert same(rows, expected)


def test_percentiles_are_points_of_nearest_rank(ask: Ask, frame: Any) -> None:
    for percent in (5, 50, 99.5):
        found = single(ask(f"SELECT percentile(value, {percent}) FROM nab GROUP BY source"))
        expected = {}
        for source, part in frame.groupby("source"):
            rank = math.floor(len(part) * percent / 100 + 0.5) - 1
            expected[(source,)] = part["value"].sort_values().iloc[rank]
        assert same_values(found, expected)


def test_median_spread_and_deviation_of_every_file(ask: Ask, frame: Any) -> None:
    for function, reduce in (
        ("median", lambda part: part["value"].median()),
        ("spread", lambda part: part["value"].max() - part["value"].min()),
        ("stddev", lambda part: part["value"].std(ddof=1)),
    ):
        found = single(ask(f"SELECT {function}(value) FROM nab GROUP BY file"))
        assert same_values(found, by_file(frame, reduce)), function


def test_the_most_frequent_value_where_there_is_only_one(ask: Ask, frame: Any) -> None:
    modes = by_file(frame, lambda part: part["value"].mode().tolist())
    expected = {key: values[0] for key, values in modes.items() if len(values) == 1}
    found = single(ask("SELECT mode(value) FROM nab GROUP BY file"))
    assert len(expected) > 30
    assert {key: found[key] for key in expected} == expected


def test_which_tweets_peaked_highest(ask: Ask, frame: Any) -> None:
    tweets = frame[frame["source"] == "realTweets"]
    peaks = tweets.sort_values(["value", "time"], ascending=[False, True]).groupby("file").head(1).head(4)
    rows = ask("SELECT top(value, file, 4) FROM nab WHERE source = 'realTweets'")[()]
    ordered = peaks.sort_values("time")
    assert rows == list(zip(nanoseconds(ordered["time"]), ordered["value"], ordered["file"], strict=True))


def test_the_lowest_speeds_of_each_detector(ask: Ask, frame: Any) -> None:
    found = ask("SELECT bottom(value, 3) FROM nab WHERE file =~ /^speed_/ GROUP BY file")
    speeds = frame[frame["file"].str.startswith("speed_")]

    def lowest(part: Any) -> Rows:
        chosen = part.sort_values(["value", "time"]).head(3).sort_values("time")
        return list(zip(nanoseconds(chosen["time"]), chosen["value"], strict=True))

    assert found == by_file(speeds, lowest)
    assert len(found) == 3


def test_first_and_last_point_of_every_file(ask: Ask, frame: Any) -> None:
    for function, place in (("first", 0), ("last", -1)):
        found = ask(f"SELECT {function}(value) FROM nab GROUP BY file")
        expected = by_file(frame, lambda part, place=place: part.iloc[place])
        assert found == {key: [(int(row["time"].value), row["value"])] for key, row in expected.items()}


def test_tags_chosen_by_pattern(ask: Ask, frame: Any) -> None:
    found = ask(
        "SELECT count(value), min(value), max(value) FROM nab "
        "WHERE source =~ /^real(AWS|Known)/ AND file !~ /cpu|(?i)LATENCY/ GROUP BY source, file"
    )
    chosen = frame[frame["source"].str.contains("^real(?:AWS|Known)")]
    chosen = chosen[~chosen["file"].str.contains("cpu|latency", case=False)]
    values = chosen.groupby(["file", "source"])["value"]
    expected = {key: [(0, len(part), part.min(), part.max())] for key, part in values}
    assert found == expected
    assert len(found) == 12


def test_values_chosen_by_and_and_or(ask: Ask, frame: Any) -> None:
    found = single(
        ask(
            "SELECT count(value) FROM nab WHERE (value > 95.5 AND value <= 100 OR value < 0.05 AND value != 0) "
            "AND source != 'realTweets' GROUP BY file"
        )
    )
    value = frame["value"]
    chosen = frame[((value > 95.5) & (value <= 100)) | ((value < 0.05) & (value != 0))]
    assert found == by_file(chosen[chosen["source"] != "realTweets"], len)


def test_a_condition_on_a_tag_or_a_value(ask: Ask, frame: Any) -> None:
    found = ask("SELECT count(value), sum(value) FROM nab WHERE file = 'nyc_taxi' OR value > 1000000")[()]
    chosen = frame[(frame["file"] == "nyc_taxi") | (frame["value"] > 1e6)]
    assert same(found, [(0, len(chosen), math.fsum(chosen["value"]))])


def test_gaps_keep_the_value_before_them(ask: Ask, frame: Any) -> None:
    name, start, stop = "TravelTime_451", "2015-08-01", "2015-09-10"
    found = ask(
        f"SELECT max(value) FROM nab WHERE file = '{name}' AND time >= '{start}' AND time < '{stop}' "
        "GROUP BY time(1h) fill(previous)"
    )[()]
    series = frame[frame["file"] == name].set_index("time")["value"]
    hours = series[(series.index >= start) & (series.index < stop)].resample("1h").max()
    filled = hours.reindex(pd.date_range(start, stop, freq="1h", inclusive="left")).ffill()
    assert hours.isna().any()
    expected = [None if math.isnan(value) else value for value in filled]
    assert found == list(zip(nanoseconds(filled.index), expected, strict=True))


def test_which_day_was_the_busiest_of_each_series(ask: Ask, frame: Any) -> None:
    found = single(
        ask(
            "SELECT max(daily) FROM (SELECT mean(value) AS daily FROM nab GROUP BY time(1d), file) "
            "WHERE time >= '2015-03-01' AND time < '2015-04-20' GROUP BY file"
        )
    )
    chosen = frame[(frame["time"] >= "2015-03-01") & (frame["time"] < "2015-04-20")]
    expected = by_file(chosen, lambda part: part.groupby(part["time"].dt.floor("1D"))["value"].mean().max())
    assert len(expected) == 10
    assert same_values(found, expected)


def test_how_many_different_values_there_are(ask: Ask, frame: Any) -> None:
    found = single(ask("SELECT count(distinct(value)) FROM nab GROUP BY file"))
    assert found == by_file(frame, lambda part: part["value"].nunique())


def test_pages_of_rows_from_the_newest_back(ask: Ask, frame: Any) -> None:
    found = ask("SELECT value FROM nab WHERE source = 'realTraffic' GROUP BY file ORDER BY time DESC LIMIT 7 OFFSET 20")
    traffic = frame[frame["source"] == "realTraffic"]

    def page(part: Any) -> Rows:
        rows = part.sort_values("time", ascending=False).iloc[20:27]
        return list(zip(nanoseconds(rows["time"]), rows["value"], strict=True))

    expected = by_file(traffic, page)
    assert found == expected
    assert list(found) == sorted(expected, reverse=True)


def test_two_series_merged_in_order_of_time(ask: Ask, frame: Any) -> None:
    found = ask("SELECT value, file FROM nab WHERE file =~ /^exchange-[34]_cpc/ LIMIT 100 OFFSET 1000")[()]
    chosen = frame[frame["file"].str.contains("^exchange-[34]_cpc")].sort_values(["time", "file"])
    page = chosen.iloc[1000:1100]
    assert [row[0] for row in found] == nanoseconds(page["time"])
    # The order of rows of one time is open, and the page may begin or end between two of them.
    rows = set(zip(nanoseconds(chosen["time"]), chosen["value"], chosen["file"], strict=True))
    assert len(set(found)) == 100
    assert set(found) <= rows


def test_the_tool_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "import_nab.py"), "--data", str(tmp_path / "store"), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "has no folders with .csv files" in run.stderr
