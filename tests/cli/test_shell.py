"""The shell: on a terminal, from a pipe, and what Tab offers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import influxish as engine
from influxish.cli.completion import Completer, quoted, readline_function, unquoted
from tests.cli.running import OnTerminal, influxish


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shell") / "data"
    with engine.open(folder) as database:
        _fill(database)
    return folder


def _fill(database: engine.Database) -> None:
    for name in ("metrics", "other"):
        database.create_database(name)
    database.write(
        "cpu,hostname=a,region=eu usage_user=1.5,usage_system=2 1\n"
        "cpu,hostname=b,region=us usage_user=2.5,usage_system=3 2\n"
        "my\\ mem,hostname=a free=5i 1",
        database="metrics",
        precision="s",
    )


@pytest.fixture
def completer() -> Iterator[Completer]:
    with engine.open(":memory:") as database:
        _fill(database)
        yield Completer(database, "metrics")


class TestCompletion:
    @pytest.mark.parametrize(
        ("before", "word", "expected"),
        [
            ("", "sel", ["SELECT"]),
            ("", "us", ["use"]),
            ("", ".f", [".format"]),
            ("use ", "", ["metrics", "other"]),
            (".format ", "j", ["json"]),
            ("SELECT v FROM ", "c", ["cpu"]),
            ("SELECT v FROM ", "my", ['"my mem"']),
            ("SELECT v FROM ", '"m', ['"my mem"']),
            ("select v\nfrom ", "c", ["cpu"]),
            ("SELECT usage_user FROM cpu WHERE ", "host", ["hostname"]),
            ('SELECT free FROM "my mem" WHERE ', "fre", ["free"]),
            ("SELECT ", "perc", ["percentile("]),
            ("SELECT mean(", "usage_u", ["usage_user"]),
            ("SELECT mean(usage_user) FROM cpu ", "whe", ["WHERE"]),
        ],
    )
    def test_what_fits_the_place(self, completer: Completer, before: str, word: str, expected: list[str]) -> None:
        assert completer.candidates(before, word) == expected

    def test_only_names_of_the_measurement_that_was_named(self, completer: Completer) -> None:
        found = completer.candidates("SELECT * FROM cpu WHERE ", "")
        assert {"hostname", "region", "usage_user", "usage_system"} <= set(found)
        assert "free" not in found

    def test_new_names_turn_up_once_old_ones_are_forgotten(self, completer: Completer) -> None:
        assert "disk" not in completer.candidates("SELECT v FROM ", "")
        completer._database.write("disk v=1 1", database="metrics")
        assert "disk" not in completer.candidates("SELECT v FROM ", "")
        completer.forget()
        assert "disk" in completer.candidates("SELECT v FROM ", "")

    def test_without_a_database_there_are_keywords(self) -> None:
        with engine.open(":memory:") as database:
            assert Completer(database, "").candidates("SELECT v ", "FRO") == ["FROM"]

    def test_readline_asks_one_by_one(self, completer: Completer) -> None:
        complete = readline_function(completer, lambda: ("use ", ""))
        assert [complete("", state) for state in range(3)] == ["metrics", "other", None]

    @pytest.mark.parametrize("name", ["cpu", "my cpu", "select", 'a"b', "a\\b", "a\nb", "1st", ""])
    def test_quoted_names_read_back(self, name: str) -> None:
        assert unquoted(quoted(name)) == name


class TestFromAPipe:
    def test_statements_run_until_the_end(self, data: Path) -> None:
        query = "SELECT usage_user\nFROM cpu\nWHERE hostname = 'a';"
        script = f"use metrics\n.format csv\n.epoch s\n{query}\nSHOW TAG KEYS".encode()
        done = influxish("shell", "--data", data, stdin=script)
        assert (done.code, done.err) == (0, "")
        assert done.out == (
            "name,tags,time,usage_user\ncpu,,1,1.5\nname,tags,tagKey\ncpu,,hostname\ncpu,,region\nmy mem,,hostname\n"
        )

    def test_a_statement_ends_where_a_line_begins_another_one(self, data: Path) -> None:
        lines = (
            "use metrics",
            ".format csv",
            ".epoch s",
            "SELECT usage_user FROM cpu",
            "SELECT usage_system",
            "FROM cpu",
            "WHERE hostname = 'a'",
            ".epoch ms",
            "SELECT usage_system FROM (",
            "select usage_system from cpu",
            ") LIMIT 1",
            "SHOW TAG KEYS",
            "FROM cpu",
            "quit",
            "SHOW DATABASES",
        )
        done = influxish("shell", "--data", data, stdin="\n".join(lines).encode())
        assert (done.code, done.err) == (0, "")
        assert done.out == (
            "name,tags,time,usage_user\ncpu,,1,1.5\ncpu,,2,2.5\n"
            "name,tags,time,usage_system\ncpu,,1,2\n"
            "name,tags,time,usage_system\ncpu,,1000,2\n"
            "name,tags,tagKey\ncpu,,hostname\ncpu,,region\n"
        )

    def test_the_first_error_ends_it(self, data: Path) -> None:
        done = influxish("shell", "--data", data, "--db", "metrics", stdin=b"SELECT v FORM cpu\nSHOW DATABASES\n")
        assert done.code == 1
        assert done.out == ""
        assert "found FORM, expected FROM" in done.err
        assert "             ^^^^" in done.err

    def test_an_unknown_database_is_named_with_the_known_ones(self, data: Path) -> None:
        done = influxish("shell", "--data", data, "--db", "nodb")
        assert done.code == 1
        assert done.err == "error: database not found: nodb; the databases are metrics, other; `use` chooses one\n"


class TestOnATerminal:
    def test_a_conversation(self, data: Path, tmp_path: Path) -> None:
        state = {"XDG_STATE_HOME": str(tmp_path / "state")}
        shell = OnTerminal("shell", "--data", data, extra=state)
        assert "the databases are metrics, other" in shell.wait_for("influxish> ")
        shell.type("use metrics\n")
        shell.wait_for("metrics> ")
        shell.type("SELECT usage_user\n")
        shell.wait_for("…> ")
        shell.type("FROM cpu\n")
        answer = shell.wait_for("metrics> ")
        assert "1970-01-01T00:00:02Z         2.5" in answer
        shell.type("SELECT v FORM cpu\n")
        answer = shell.wait_for("metrics> ")
        assert "error: found FORM, expected FROM at line 1, char 10" in answer
        assert "^^^^" in answer
        shell.type("explain SELECT count(usage_user) FROM cpu\n")
        assert "rules that fired" in shell.wait_for("metrics> ")
        shell.type("help\n")
        assert ".format table|json|csv" in shell.wait_for("metrics> ")
        shell.type("half a statement")
        shell.wait_for("half a statement")
        time.sleep(0.2)  # a person presses Ctrl-C while the prompt waits, not between two keys
        shell.type("\x03")
        shell.wait_for("metrics> ")
        shell.type("SHOW DATABASES\n")
        assert "other" in shell.wait_for("ms)")
        shell.wait_for("metrics> ")
        shell.type("\x04")
        assert shell.finish() == 0
        assert "Traceback" not in shell.seen

        history = (tmp_path / "state" / "influxish" / "history").read_text().splitlines()
        assert "SELECT usage_user FROM cpu" in history
        assert history[-1] == "SHOW DATABASES"

    def test_tab_completes_names_of_the_database(self, data: Path, tmp_path: Path) -> None:
        shell = OnTerminal("shell", "--data", data, "--db", "metrics", extra={"XDG_STATE_HOME": str(tmp_path)})
        shell.wait_for("metrics> ")
        shell.type("SELECT usage_u\t FROM c\t WHERE hos\t = 'b'\n")
        assert "2.5" in shell.wait_for("ms)")
        shell.wait_for("metrics> ")
        shell.type("quit\n")
        assert shell.finish() == 0

    def test_history_comes_back_in_the_next_session(self, data: Path, tmp_path: Path) -> None:
        for keys in ("SHOW MEASUREMENTS\n", "\x1b[A\n"):
            shell = OnTerminal("shell", "--data", data, "--db", "metrics", extra={"XDG_STATE_HOME": str(tmp_path)})
            shell.wait_for("metrics> ")
            shell.type(keys)
            assert "my mem" in shell.wait_for("ms)")
            shell.wait_for("metrics> ")
            shell.type("\x04")
            assert shell.finish() == 0

    def test_ctrl_c_stops_a_query_and_keeps_the_shell(self, tmp_path: Path) -> None:
        with engine.open(tmp_path / "data") as database:
            database.create_database("m")
            lines = "\n".join(f"cpu,host=h{n % 50} v={n % 997} {n}" for n in range(300_000))
            database.write(lines, database="m")
        shell = OnTerminal("shell", "--data", tmp_path / "data", "--db", "m", extra={"XDG_STATE_HOME": str(tmp_path)})
        shell.wait_for("m> ")
        shell.type(".rows 0\n")
        shell.wait_for("m> ")
        shell.type("SELECT v FROM cpu\n")
        shell.wait_for("1970-01-01T00:00:00")
        started = time.monotonic()
        shell.type("\x03")
        shell.wait_for("stopped")
        assert time.monotonic() - started < 10
        shell.wait_for("m> ")
        shell.type("SELECT count(v) FROM cpu\n")
        assert "300000" in shell.wait_for("ms)")
        shell.wait_for("m> ")
        shell.type("quit\n")
        assert shell.finish() == 0
