"""`influxish import` as a person uses it."""

from __future__ import annotations

import csv
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import influxish as engine
from influxish.cli.devops import Fleet
from influxish.types import HOUR
from tests.cli.running import Finished, OnTerminal, environment, influxish


def load(tmp_path: Path, *arguments: object, stdin: bytes = b"") -> Finished:
    return influxish("import", "--data", tmp_path / "data", "--db", "m", *arguments, stdin=stdin)


def ask(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    with engine.open(tmp_path / "data") as database:
        return [row for series in database.query(query, database="m") for row in series.rows]


def test_line_protocol_is_loaded_and_the_database_made(tmp_path: Path) -> None:
    path = tmp_path / "a.lp"
    path.write_text(
        'cpu,host=a v=1,s="x" 1000\ncpu,host=b v=2,ok=t 2000\n\n# nothing\ncpu,host=a v=3i2\n'.replace("3i2", "3 3000")
    )
    done = load(tmp_path, path)
    assert done.code == 0, done.err
    assert "created database m" in done.err
    assert "loaded 3 points from 1 file into m" in done.err
    assert ask(tmp_path, "SELECT v FROM cpu") == [(1000, 1.0), (2000, 2.0), (3000, 3.0)]
    assert not (tmp_path / "a.lp.rejects").exists()
    assert "created" not in load(tmp_path, path).err


def test_one_point_is_told_in_the_singular(tmp_path: Path) -> None:
    done = load(tmp_path, "-", stdin=b"cpu v=1 1\n")
    assert "loaded 1 point from 1 file into m" in done.err


def test_several_files_gzip_precision_and_standard_input(tmp_path: Path) -> None:
    one, two = tmp_path / "one.lp", tmp_path / "two.gz"
    one.write_text("cpu v=1 1\n")
    two.write_bytes(gzip.compress(b"cpu v=2 2\n"))
    assert load(tmp_path, "--precision", "s", one, two, "-", stdin=b"cpu v=3 3").code == 0
    expected = [(second * 1_000_000_000, float(second)) for second in (1, 2, 3)]
    assert ask(tmp_path, "SELECT v FROM cpu") == expected


def test_bad_lines_are_named_and_kept_and_the_good_ones_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mixed.lp"
    lines = [
        "cpu v=1 1",
        "cpu v=NaN 2",  # line 2
        'cpu s="two\nlines" 3',  # lines 3 and 4
        "nonsense",  # line 5
        "cpu v=1 9223372036854775807",  # line 6
        'cpu v="text" 4',  # line 7
        "cpu v=2 5",
    ]
    path.write_text("\n".join(lines) + "\n")
    done = load(tmp_path, path)
    assert done.code == 1
    assert "Traceback" not in done.err
    for number, word in ((2, "NaN"), (5, "missing fields"), (6, "time outside range"), (7, "type conflict")):
        assert any(line.startswith(f"{path}:{number}: ") and word in line for line in done.err.splitlines()), done.err
    assert "rejected 4 lines" in done.err
    assert ask(tmp_path, "SELECT v FROM cpu") == [(1, 1.0), (5, 2.0)]
    assert ask(tmp_path, "SELECT s FROM cpu") == [(3, "two\nlines")]

    rejects = tmp_path / "mixed.lp.rejects"
    kept = [line for line in rejects.read_text().splitlines() if not line.startswith("#")]
    assert kept == [lines[1], lines[3], lines[4], lines[5]]
    rejects.write_text(rejects.read_text().replace("v=NaN 2", "v=7 2"))
    again = load(tmp_path, rejects)
    assert "rejected 3 lines" in again.err
    assert ask(tmp_path, "SELECT v FROM cpu") == [(1, 1.0), (2, 7.0), (5, 2.0)]


@pytest.mark.parametrize("way", ["itself", "a link", "a hard link", "standard input", "the second", "by default"])
def test_rejected_lines_never_go_into_a_file_that_is_read(tmp_path: Path, way: str) -> None:
    path, other = tmp_path / "a.lp", tmp_path / "b.lp"
    text = "cpu v=1 1\nbad\n"
    path.write_text(text)
    rejects, files, stdin = path, [path], None
    match way:
        case "a link":
            rejects = tmp_path / "link"
            rejects.symlink_to(path)
        case "a hard link":
            rejects = tmp_path / "hard"
            rejects.hardlink_to(path)
        case "standard input":
            files, stdin = ["-"], path.open("rb")
        case "the second":
            other.write_text("cpu v=2 2\n")
            files = [other, path]
        case "by default":
            path = path.rename(tmp_path / "b.lp.rejects")
            rejects, files = path, [other, path]
            other.write_text("bad\n")
    option = [] if way == "by default" else ["--rejects", rejects]
    command = [sys.executable, "-m", "influxish", "import", "--data", tmp_path / "data", "--db", "m", *option, *files]
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, env=environment(), check=False)
    if stdin is not None:
        stdin.close()
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {rejects} is one of the files to load, and the rejected lines of ")
    assert path.read_text() == text
    assert not (tmp_path / "data").exists()


def test_only_the_first_ten_bad_lines_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "bad.lp"
    path.write_text("".join(f"bad{number}\n" for number in range(25)) + "cpu v=1 1\n")
    done = load(tmp_path, "--rejects", tmp_path / "kept", path)
    assert sum(line.startswith(f"{path}:") for line in done.err.splitlines()) == 10
    assert "… and 15 more" in done.err
    assert (tmp_path / "kept").read_text().count("\n") == 50


def test_a_megabyte_on_one_line_is_named_or_loaded_but_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "long.lp"
    path.write_text(f'cpu v=1 1\ncpu s="{"x" * (1 << 20)}" 2\n{"y" * (1 << 20)}\ncpu v=4 4\n')
    done = load(tmp_path, path)
    assert done.code == 1
    assert f"{path}:3: " in done.err
    assert max(map(len, done.err.splitlines())) < 500
    assert ask(tmp_path, "SELECT v FROM cpu") == [(1, 1.0), (4, 4.0)]


def test_a_truncated_gzip_loads_its_whole_lines_and_says_where_it_broke(tmp_path: Path) -> None:
    text = b"".join(b"cpu v=%d %d\n" % (number * 7919 % 1000, number) for number in range(20_000))
    packed = gzip.compress(text)
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: len(packed) // 2])
    done = load(tmp_path, path)
    assert done.code == 1
    assert f"error: {path}: the gzip data is cut off after byte {len(packed) // 2:,}" in done.err
    rows = ask(tmp_path, "SELECT v FROM cpu")
    assert len(rows) > 1_000
    assert rows == [(number, float(number * 7919 % 1000)) for number in range(len(rows))]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    done = load(tmp_path, tmp_path / "nowhere.lp")
    assert (done.code, done.out) == (1, "")
    assert f"error: cannot open {tmp_path / 'nowhere.lp'}: No such file" in done.err


def test_a_retention_policy_that_is_not_there(tmp_path: Path) -> None:
    done = load(tmp_path, "--rp", "nope", "-", stdin=b"cpu v=1 1\n")
    assert done.code == 1
    assert "error: retention policy not found: nope" in done.err


def test_csv_with_declared_columns(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(
        "when,room,floor,warm,n,note\n"
        "2020-01-01 00:00:00,attic,2,21.5,1,ok\n"
        "2020-01-01T00:00:10Z,attic,2,,2,\n"
        "later,attic,2,1,3,\n"
        "2020-01-01T01:00:20+01:00,cellar,0,14,4,ok\n"
    )
    done = load(
        tmp_path,
        *("--format", "csv", "--measurement", "air", "--time", "when", "--tags", "room,floor"),
        *("--fields", "warm,n:integer", path),
    )
    assert done.code == 1
    assert f"{path}:4: 'later' is no time" in done.err
    base = 1577836800 * 1_000_000_000
    assert ask(tmp_path, "SELECT warm, n, room, floor FROM air") == [
        (base, 21.5, 1, "attic", "2"),
        (base + 10_000_000_000, None, 2, "attic", "2"),
        (base + 20_000_000_000, 14.0, 4, "cellar", "0"),
    ]
    with (tmp_path / "readings.csv.rejects").open(newline="") as file:
        header, row = csv.reader(file)
    assert header[-2:] == ["rejected_line", "rejected_reason"]
    assert row[:7] == ["later", "attic", "2", "1", "3", "", "4"]


def test_csv_type_conflicts_name_their_rows(tmp_path: Path) -> None:
    assert load(tmp_path, "-", stdin=b'air warm="text" 1577836800000000000\n').code == 0
    path = tmp_path / "air.csv"
    rows = ["time,warm"]
    rows += [f"2020-01-0{1 + 6 * (number % 2)}T00:00:{number:02}Z,{number}" for number in range(10)]
    path.write_text("\n".join(rows))
    done = load(tmp_path, "--format", "csv", path)
    assert "rejected 5 lines" in done.err, done.err
    for number in (2, 4, 6, 8, 10):
        assert f"{path}:{number}: " in done.err
    values = [row[1] for row in ask(tmp_path, "SELECT warm::float FROM air")]
    assert values == [1.0, 3.0, 5.0, 7.0, 9.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--time", "when"), "there is no column 'when'. The columns are a, b"),
        ((), "no column looks like the time"),
        (("--fields", "a:number"), "there is no type 'number'"),
    ],
)
def test_csv_columns_that_do_not_fit(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    done = load(tmp_path, "--format", "csv", *arguments, path)
    assert done.code == 1
    assert message in done.err


def test_ctrl_c_keeps_what_was_accepted_and_says_how_much(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "influxish", "import", "--data", str(tmp_path / "data"), "--db", "m", "-"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), start_new_session=True
    )
    assert process.stdin is not None
    lines = b"".join(b"cpu v=%d %d\n" % (number % 1000, number) for number in range(400_000))
    process.stdin.write(lines)
    process.stdin.flush()
    files = tmp_path / "data"
    deadline = time.monotonic() + 30
    while not (files.exists() and sum(path.stat().st_size for path in files.rglob("*") if path.is_file()) > 100_000):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)  # standard input stays open: the command must not wait for more of it
    assert process.wait(30) == 130
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    assert "interrupted: " in errors
    assert "Traceback" not in errors
    said = int(errors.split("interrupted: ")[1].split(" points")[0].replace(",", ""))
    ((_, kept),) = ask(tmp_path, "SELECT count(v) FROM cpu")
    assert 0 < said == kept


def test_a_full_disk_keeps_what_was_accepted_and_says_how_much(tmp_path: Path) -> None:
    """No file of this process may pass 7 MB, so that its log cannot grow on."""
    path = tmp_path / "long.lp"
    path.write_text("".join(f"m,h=h{i % 100} v={i} {i}\n" for i in range(600_000)))
    command = [sys.executable, "-m", "influxish", "import", "--data", str(tmp_path / "data"), "--db", "m", str(path)]
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 7168; exec "$@"', "bash", *command],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    *_, said, error = done.stderr.splitlines()
    assert error.startswith("error: cannot write ")
    assert error.endswith("File too large")
    assert said.startswith("stopped: ")
    assert said.endswith(" points from 1 file were loaded and are kept")
    points = int(said.removeprefix("stopped: ").split(" points")[0].replace(",", ""))
    assert 0 < points < 600_000
    assert ask(tmp_path, "SELECT count(v) FROM m")[0][1] == points


def test_the_progress_bar_shows_only_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "cpu.lp"
    blocks = Fleet(20, 1_577_836_800_000_000_000, 1_577_836_800_000_000_000 + 2 * HOUR, only=("cpu",)).blocks()
    path.write_text("".join(block.lines() for block in blocks))
    piped = load(tmp_path, path)
    assert "\r" not in piped.err
    terminal = OnTerminal("import", "--data", tmp_path / "data", "--db", "m", path)
    assert terminal.finish() == 0
    assert "importing  █" in terminal.seen
    assert " points  " in terminal.seen
    assert "loaded 14,400 points" in terminal.seen


def test_what_is_loaded_is_what_was_written(tmp_path: Path) -> None:
    fleet = Fleet(3, 1_577_836_800_000_000_000, 1_577_836_800_000_000_000 + HOUR)
    path = tmp_path / "fleet.lp"
    path.write_text("".join(block.lines() for block in fleet.blocks()))
    assert load(tmp_path, path).code == 0
    for block in fleet.blocks():
        with engine.open(tmp_path / "data") as database:
            names = ", ".join(block.fields)
            result = database.query(f"SELECT {names} FROM {block.measurement} GROUP BY hostname", database="m")
            for host, series in enumerate(result):
                for column, values in zip(series.values[1:], block.fields.values(), strict=True):
                    assert np.array_equal(column.values, values[:, host])


def test_a_csv_quote_without_its_partner_costs_its_own_line_which_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "air.csv"
    rows = [f"{number},{number}," + ('"ok' if number == 1000 else "ok") for number in range(50_000)]
    path.write_text("\n".join(["time,warm,note", *rows]) + "\n")
    done = load(tmp_path, "--format", "csv", path)
    assert done.code == 1
    assert f"{path}:1002: a quote that opens on this line is not closed well" in done.err
    assert "loaded 49,999 points from 1 file" in done.err
    assert "rejected 1 line\n" in done.err
    with Path(f"{path}.rejects").open(newline="") as file:
        _, row = csv.reader(file)
    assert row[0] == rows[1000]
    assert ask(tmp_path, "SELECT count(warm) FROM air") == [(0, 49_999)]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_no_csv_but_line_protocol_of_no_points(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty"
    path.write_text(text)
    done = load(tmp_path, "--format", "csv", path)
    assert (done.code, "there is no header line" in done.err) == (1, True)
    done = load(tmp_path, path)
    assert (done.code, "loaded 0 points" in done.err) == (0, True)


@pytest.mark.parametrize(
    "option", [("--measurement", "m"), ("--time", "t"), ("--tags", "a"), ("--fields", "v"), ("--delimiter", ";")]
)
def test_options_of_csv_are_wrong_without_it(tmp_path: Path, option: tuple[str, str]) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("t,a,v\n0,x,1\n")
    done = load(tmp_path, *option, path)
    assert done.code == 2
    assert f"influxish import: error: {option[0]} belongs to CSV: add --format csv" in done.err
    assert not (tmp_path / "data").exists()
