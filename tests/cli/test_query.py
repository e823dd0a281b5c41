"""`influxish query`, `explain` and `databases` as a person uses them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

import influxish as engine
from tests.cli.running import OnTerminal, environment, influxish

LINES = "\n".join(f'cpu,host={host} v={place}.5,s="x{place}" {place}' for place, host in enumerate("abab"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query") / "data"
    with engine.open(folder) as database:
        database.create_database("m")
        database.write(LINES, database="m", precision="s")
    return folder


def ask(data: Path, query: str, *options: str, stdin: bytes = b"") -> tuple[int, str, str]:
    done = influxish("query", "--data", data, "--db", "m", *options, query, stdin=stdin)
    return done.code, done.out, done.err


def test_a_table_is_the_default(data: Path) -> None:
    code, out, err = ask(data, "SELECT v, s FROM cpu WHERE host = 'a'")
    assert (code, err) == (0, "")
    assert out == (
        "cpu\n"
        "time                    v  s\n"
        "────────────────────  ───  ──\n"
        "1970-01-01T00:00:00Z  0.5  x0\n"
        "1970-01-01T00:00:02Z  2.5  x2\n"
    )


def test_formats_and_epochs(data: Path) -> None:
    query = "SELECT v FROM cpu GROUP BY host"
    _, out, _ = ask(data, query, "--format", "json", "--epoch", "s")
    assert json.loads(out)["results"][0]["series"] == [
        {"name": "cpu", "tags": {"host": "a"}, "columns": ["time", "v"], "values": [[0, 0.5], [2, 2.5]]},
        {"name": "cpu", "tags": {"host": "b"}, "columns": ["time", "v"], "values": [[1, 1.5], [3, 3.5]]},
    ]
    _, out, _ = ask(data, query, "--format", "json", "--pretty")
    assert out.startswith('{\n    "results": [\n')
    _, out, _ = ask(data, query, "--format", "csv", "--epoch", "ms")
    assert list(csv.reader(io.StringIO(out)))[:2] == [["name", "tags", "time", "v"], ["cpu", "host=a", "0", "0.5"]]
    _, out, _ = ask(data, query, "--format", "json", "--chunk-size", "1")
    assert len(out.splitlines()) == 4


def test_messagepack_goes_to_a_pipe_but_not_to_a_terminal(data: Path) -> None:
    command = [sys.executable, "-m", "influxish", "query", "--data", str(data), "--db", "m", "--format", "msgpack"]
    done = subprocess.run([*command, "SELECT v FROM cpu LIMIT 1"], capture_output=True, env=environment(), check=True)
    assert msgpack.unpackb(done.stdout)["results"][0]["series"][0]["values"][0][1] == 0.5
    terminal = OnTerminal("query", "--data", data, "--db", "m", "--format", "msgpack", "SELECT v FROM cpu")
    assert terminal.finish() == 1
    assert "MessagePack is not for terminals" in terminal.seen


def test_a_table_fits_the_terminal(data: Path) -> None:
    query = ", ".join(f"v AS a_rather_long_column_name_{number}" for number in range(6))
    terminal = OnTerminal("query", "--data", data, "--db", "m", f"SELECT {query} FROM cpu")
    assert terminal.finish() == 0
    assert max(len(line) for line in terminal.seen.splitlines()) <= 80


def test_rows_can_be_capped(data: Path) -> None:
    _, out, _ = ask(data, "SELECT v FROM cpu", "--max-rows", "3")
    assert out.splitlines()[-1] == "… 1 more row"


def test_several_statements_parameters_and_standard_input(data: Path) -> None:
    code, out, _ = ask(data, "SHOW DATABASES; SELECT v FROM cpu WHERE v > $x", "--params", '{"x": 2.7}')
    assert code == 0
    assert "databases\nname\n────\nm\n\ncpu\n" in out
    assert out.endswith("3.5\n")
    assert ask(data, "-", stdin=b"SELECT count(v) FROM cpu")[1].endswith(" 4\n".replace(" 4", "      4"))


def test_rules_can_be_left_out_and_the_answer_stays(data: Path) -> None:
    plain = ask(data, "SELECT count(v) FROM cpu")
    assert ask(data, "SELECT count(v) FROM cpu", "--disable", "all") == plain
    code, _, err = ask(data, "SELECT count(v) FROM cpu", "--disable", "no_such_rule")
    assert code == 1
    assert "no_such_rule" in err


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "SELECT v FORM cpu",
            "error: found FORM, expected FROM at line 1, char 10\n1 | SELECT v FORM cpu\n             ^^^^\n",
        ),
        ("SELECT maen(v) FROM cpu", "error: undefined function maen()\n1 | SELECT maen(v) FROM cpu\n           ^^^^"),
        ("SELECT v FROM nodb..cpu", "error: database not found: nodb"),
        ("SELECT v FROM m.nope.cpu", "error: retention policy not found: nope"),
        (
            "SELECT mean(v) FROM cpu WHERE time >= 0 AND time < 10000d GROUP BY time(1ms)",
            "error: ",
        ),
    ],
)
def test_errors_say_what_and_where(data: Path, query: str, expected: str) -> None:
    code, out, err = ask(data, query)
    assert code == 1
    assert out == ""
    assert err.startswith(expected), err
    assert "Traceback" not in err


def test_what_came_before_an_error_is_printed(data: Path) -> None:
    code, out, err = ask(data, "SELECT v FROM cpu LIMIT 1; SELECT v FROM nodb..cpu")
    assert code == 1
    assert "0.5" in out
    assert err == "error: database not found: nodb\n"
    code, out, err = ask(data, "SELECT v FROM cpu LIMIT 1; SELECT v FROM nodb..cpu", "--format", "json")
    first, second = json.loads(out)["results"]
    assert first["series"][0]["values"] == [["1970-01-01T00:00:00Z", 0.5]]
    assert second == {"statement_id": 1, "error": "database not found: nodb"}


@pytest.mark.parametrize("params", ["{", "[1]", '"x"'])
def test_parameters_that_are_no_object(data: Path, params: str) -> None:
    code, _, err = ask(data, "SELECT v FROM cpu", "--params", params)
    assert code == 1
    assert err.startswith("error: --params")


def test_a_misspelt_folder_makes_no_database(tmp_path: Path) -> None:
    for command in (("query", "SHOW DATABASES"), ("explain", "SELECT v FROM m"), ("databases",), ("shell",)):
        done = influxish(command[0], "--data", tmp_path / "typo", *command[1:])
        assert done.code == 1
        assert f"error: there is no folder {tmp_path / 'typo'}" in done.err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    "command", [("query", "SHOW DATABASES"), ("explain", "SELECT v FROM m"), ("databases",), ("shell",), ("import",)]
)
def test_a_file_where_a_folder_should_stand_is_called_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "a.lp"
    path.write_text("cpu v=1 1\n")
    more = ("--db", "m", path) if command == ("import",) else command[1:]
    done = influxish(command[0], "--data", path, *more)
    assert done.code == 1
    assert done.err.startswith(f"error: {path} is a file, and --data takes a folder: `influxish import --data FOLDER")
    assert path.read_text() == "cpu v=1 1\n"


def test_a_reader_that_goes_away_is_no_error(data: Path, tmp_path: Path) -> None:
    with engine.open(tmp_path / "big") as database:
        database.create_database("m")
        database.write("\n".join(f"cpu v={n} {n}" for n in range(100_000)), database="m")
    query = f"query --data {tmp_path / 'big'} --db m --format csv 'SELECT v FROM cpu'"
    command = f"{sys.executable} -m influxish {query} | head -2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment(), check=False)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["query", "query --format json", "explain", "databases", "--help", "query --help"])
def test_a_full_disk_is_told(data: Path, command: str, unbuffered: str) -> None:
    arguments = command.split()
    if not command.endswith("--help"):
        arguments += ["--data", str(data)]
    if arguments[0] in ("query", "explain") and not command.endswith("--help"):
        arguments += ["--db", "m", "SELECT * FROM cpu"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "influxish", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment({"PYTHONUNBUFFERED": unbuffered}),
            check=False,
        )
    assert done.stderr == b"error: cannot write the output: No space left on device\n"
    assert done.returncode == 1


def test_a_closed_output_is_told(data: Path) -> None:
    command = f"{sys.executable} -m influxish query --data {data} --db m 'SELECT * FROM cpu' >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment(), check=False)
    assert (done.returncode, done.stderr) == (1, "error: cannot write the output: Bad file descriptor\n")


def test_an_interrupt_while_the_engine_is_loaded_is_quiet() -> None:
    code = (
        "import os, signal, sys, influxish.cli.main as cli\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == sys.argv[1]: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(cli.main(['databases', '--data', 'nowhere']))"
    )
    for module in ("influxish.cli.arguments", "numpy", "pcodec", "influxish.storage.codec"):
        done = subprocess.run([sys.executable, "-c", code, module], capture_output=True, env=environment(), check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, b"", b""), module


def test_nothing_is_looked_up_at_the_first_decoding_that_an_interrupt_could_break() -> None:
    code = (
        "import sys, numpy as np, influxish.cli.main as cli\n"
        "from pcodec import ChunkConfig, standalone\n"
        "cli._command(['databases', '--data', 'nowhere'])\n"
        "values, calls = np.arange(100), []\n"
        "sys.setprofile(lambda frame, event, argument: event == 'call' and calls.append(frame.f_code.co_name))\n"
        "standalone.simple_compress(values, ChunkConfig())\n"
        "sys.setprofile(None)\n"
        "print(calls)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == "[]\n"


def test_explain_shows_the_graph_before_and_after(data: Path) -> None:
    done = influxish("explain", "--data", data, "--db", "m", "SELECT count(v) FROM cpu")
    assert done.code == 0
    assert done.out.index("before the rules") < done.out.index("rules that fired") < done.out.index("after the rules")
    assert "count(v)" in done.out


def test_explain_analyze_says_what_every_node_did(data: Path) -> None:
    done = influxish("explain", "--data", data, "--db", "m", "--analyze", "SELECT count(v) FROM cpu")
    assert "blocks read" in done.out
    assert "ran in" in done.out


def test_explain_as_dot_and_json(data: Path) -> None:
    done = influxish("explain", "--data", data, "--db", "m", "--format", "dot", "SELECT count(v) FROM cpu")
    assert done.out.startswith("digraph")
    done = influxish("explain", "--data", data, "--db", "m", "--format", "json", "SELECT count(v) FROM cpu")
    assert {"statement", "before", "rules", "after"} <= json.loads(done.out).keys()
    done = influxish(
        *("explain", "--data", data, "--db", "m", "--format", "json", "--disable", "all", "SELECT count(v) FROM cpu")
    )
    assert json.loads(done.out)["rules"] == []


def test_databases_are_listed_with_their_measurements(data: Path, tmp_path: Path) -> None:
    assert influxish("databases", "--data", data).out == "m  (cpu)\n"
    (tmp_path / "none").mkdir()
    assert influxish("databases", "--data", tmp_path / "none").out.startswith("no databases in ")


def test_damage_is_told_and_the_rest_is_answered(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in ("one", "two"):
        with engine.open(data) as database:
            database.create_database("m")
            database.write([f"{name} v={i} {i}" for i in range(10)], database="m")
    segment = max(data.rglob("*.seg"), key=lambda path: path.stat().st_mtime_ns)
    segment.write_bytes(segment.read_bytes()[:-1])
    code, out, err = ask(data, "SELECT count(v) FROM one")
    assert code == 0
    assert "warning:" in err
    assert segment.name in err
    assert "10" in out
