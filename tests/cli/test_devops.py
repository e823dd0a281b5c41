"""The made-up metrics."""

from __future__ import annotations

import numpy as np

from influxish.cli.devops import MEASUREMENTS, Fleet, main
from influxish.types import DAY, HOUR, SECOND


def test_the_same_seed_gives_the_same_data_and_another_one_other_data() -> None:
    def cpu(seed: int) -> np.ndarray:  # type: ignore[type-arg]
        return next(Fleet(3, 0, HOUR, seed=seed).blocks()).fields["usage_user"]

    assert np.array_equal(cpu(1), cpu(1))
    assert not np.array_equal(cpu(1), cpu(2))


def test_a_measurement_is_the_same_with_and_without_the_others() -> None:
    every = {block.measurement: block for block in Fleet(2, 0, HOUR).blocks()}
    (net,) = Fleet(2, 0, HOUR, only=("net",)).blocks()
    assert np.array_equal(every["net"].fields["bytes_sent"], net.fields["bytes_sent"])
    assert every["net"].tags["region"].tolist() == net.tags["region"].tolist()


def test_the_size_is_what_was_announced() -> None:
    fleet = Fleet(7, 5 * SECOND, DAY)
    blocks = list(fleet.blocks())
    assert sum(block.values for block in blocks) == fleet.values == 7 * 8640 * 34
    for name in MEASUREMENTS:
        times = np.concatenate([block.times for block in blocks if block.measurement == name])
        assert np.array_equal(times, 5 * SECOND + np.arange(8640) * 10 * SECOND)


def test_percentages_have_two_decimals_and_stay_in_range() -> None:
    for block in Fleet(5, 0, 6 * HOUR, only=("cpu",)).blocks():
        for values in block.fields.values():
            assert values.min() >= 0
            assert values.max() <= 100
            assert np.array_equal(np.round(values, 2), values)


def test_counters_never_go_back() -> None:
    parts = [block.fields["bytes_sent"] for block in Fleet(100, 0, DAY, only=("net",)).blocks()]
    assert len(parts) > 1
    assert (np.diff(np.concatenate(parts), axis=0) >= 0).all()


def test_columns_and_lines_say_the_same() -> None:
    (block,) = Fleet(2, 0, 30 * SECOND, only=("mem",)).blocks()
    columns = block.columns()
    rows = sorted(zip(columns["time"].tolist(), columns["hostname"].tolist(), columns["used"].tolist(), strict=True))
    lines = block.lines().splitlines()
    found = []
    for line in lines:
        key, fields, time = line.split(" ")
        used = dict(pair.split("=") for pair in fields.split(","))["used"]
        host = dict(pair.split("=") for pair in key.split(",")[1:])["hostname"]
        found.append((int(time), host, int(used.removesuffix("i"))))
    assert found == rows


def test_lines_can_be_written_to_a_file(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "cpu.lp"
    assert main(["--lines", str(path), "--hosts", "3", "--hours", "0.01", "--only", "cpu"]) == 0
    assert len(path.read_text().splitlines()) == 3 * 4
    assert "120 values" in capsys.readouterr().err
