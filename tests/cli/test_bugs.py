"""A fault of ours is told in one line, with an exit code of its own, and does not end the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

import influxish as engine
from tests.cli.running import ROOT, OnTerminal, influxish

TOLD = "influxish: internal error: ValueError: broken in two lines; please report it with the statement that caused it"

FAULTS = """
import influxish.database

sound = influxish.database.Database.run

def run(self, text, **options):
    if "fault" in text:
        raise ValueError("broken\\nin two lines")
    if "memory" in text:
        raise MemoryError
    if "panic" in text:
        raise type("PanicException", (BaseException,), {})("of a library")
    return sound(self, text, **options)

influxish.database.Database.run = run
"""
"""What Python runs before anything else: it puts faults into the library."""


@pytest.fixture
def faulty(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which some statements meet a fault."""
    (tmp_path / "sitecustomize.py").write_text(FAULTS)
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}", "XDG_STATE_HOME": str(tmp_path), "INFLUXISH_DEBUG": ""}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with engine.open(tmp_path / "data") as database:
        database.create_database("m")
    return tmp_path / "data"


def test_a_fault_is_one_line_and_exit_code_70(data: Path, faulty: dict[str, str]) -> None:
    done = influxish("query", "--data", data, "--db", "m", "SELECT fault FROM m", extra=faulty)
    assert (done.code, done.out, done.err) == (70, "", f"{TOLD}\n")


def test_a_panic_of_a_library_is_a_fault_too(data: Path, faulty: dict[str, str]) -> None:
    done = influxish("query", "--data", data, "--db", "m", "SELECT panic FROM m", extra=faulty)
    assert done.code == 70
    assert done.err.startswith("influxish: internal error: PanicException: of a library; please report")


def test_too_little_memory_is_no_fault(data: Path, faulty: dict[str, str]) -> None:
    done = influxish("query", "--data", data, "--db", "m", "SELECT memory FROM m", extra=faulty)
    assert (done.code, done.err) == (1, "error: there is not enough memory\n")


def test_whoever_asks_for_the_traceback_gets_it(data: Path, faulty: dict[str, str]) -> None:
    asked = faulty | {"INFLUXISH_DEBUG": "1"}
    done = influxish("query", "--data", data, "--db", "m", "SELECT fault FROM m", extra=asked)
    assert done.code == 70
    assert done.err.startswith("Traceback (most recent call last):")
    assert 'raise ValueError("broken' in done.err
    assert done.err.endswith(f"\n{TOLD}\n")


def test_a_fault_ends_a_script(data: Path, faulty: dict[str, str]) -> None:
    script = b"SHOW MEASUREMENTS\nSELECT fault FROM m\nSHOW DATABASES\n"
    done = influxish("shell", "--data", data, "--db", "m", stdin=script, extra=faulty)
    assert (done.code, done.err) == (70, f"{TOLD}\n")
    assert "databases" not in done.out


def test_the_shell_goes_on_after_a_fault(data: Path, faulty: dict[str, str]) -> None:
    shell = OnTerminal("shell", "--data", data, "--db", "m", extra=faulty | {"COLUMNS": "200"})
    shell.wait_for("m> ")
    for statement, told in (
        ("SELECT fault FROM m", TOLD),
        ("SELECT memory FROM m", "error: there is not enough memory"),
    ):
        shell.type(f"{statement}\n")
        assert told in shell.wait_for("\nm> ")
    shell.type("SHOW DATABASES\n")
    assert "Traceback" not in shell.wait_for("ms)")
    shell.wait_for("m> ")
    shell.type("quit\n")
    assert shell.finish() == 0
