"""Help, wrong usage, and how long it takes to start."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from influxish.cli.arguments import PRECISION_CHOICES, parser
from influxish.errors import WriteError
from influxish.types import PRECISIONS, precision_unit
from tests.cli.running import environment, influxish

COMMANDS = ("import", "query", "explain", "databases", "shell", "demo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_by_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert f"influxish {command}" in shown.split("examples:")[1]


def test_help_lists_every_command_with_a_summary() -> None:
    done = influxish("--help")
    assert done.code == 0
    for command in COMMANDS:
        assert any(line.split()[:1] == [command] and len(line.split()) > 2 for line in done.out.splitlines())


def test_help_needs_no_engine() -> None:
    code = "import sys; from influxish.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([name for name in sys.modules if name in ('ply', 'msgpack', 'influxish.database')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_is_quick() -> None:
    # The target is 0.3 s; the bound leaves room for a busy machine.
    best = min(_seconds() for _ in range(3))
    assert best < 1.0


def _seconds() -> float:
    started = time.perf_counter()
    influxish("--help")
    return time.perf_counter() - started


def test_wrong_usage_is_code_2() -> None:
    assert influxish("query", "--data", "x").code == 2
    assert influxish("nonsense").code == 2
    done = influxish("query", "--data", "x", "--epoch", "years", "SELECT 1")
    assert done.code == 2
    assert "Traceback" not in done.err


def test_the_folder_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFLUXISH_DATA", "/somewhere")
    assert parser().parse_args(["databases"]).data == "/somewhere"
    monkeypatch.delenv("INFLUXISH_DATA")
    with pytest.raises(SystemExit):
        parser().parse_args(["databases"])


def test_every_precision_can_be_chosen_by_one_name() -> None:
    assert len(PRECISION_CHOICES) == len(set(PRECISIONS.values()))
    assert {PRECISIONS[name] for name in PRECISION_CHOICES} == set(PRECISIONS.values())
    with pytest.raises(WriteError, match=r"use ns, us, ms, s, m or h$"):
        precision_unit("fortnight")
