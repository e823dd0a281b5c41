"""Ctrl-C while a command starts: from the first line of ours on, it ends quietly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from configparser import ConfigParser
from itertools import count
from pathlib import Path

import pytest

from tests.cli.running import ROOT, environment

# Python runs this before anything of ours. `os.kill` with the bare number: `signal` is among what may not be loaded.
WATCH = """
import os, sys
class Watch:
    sought = None
    def find_spec(self, name, *rest):
        if name == "influxish.__main__":
            Watch.sought = 0
        elif self.sought is not None:
            Watch.sought += 1
            if self.sought == int(os.environ.get("INTERRUPT_AT", 0)):
                os.kill(os.getpid(), 2)
            if self.sought == 1 and "TELL" in os.environ:
                os.write(int(os.environ["TELL"]), b"!")
sys.meta_path.insert(0, Watch())
"""


@pytest.fixture(params=["module", "script"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """`influxish --help`, by `python -m` and by the script that an installation makes."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    if request.param == "module":
        return [sys.executable, "-m", "influxish", "--help"]
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    module, function = setup["options.entry_points"]["console_scripts"].split("=")[1].strip().split(":")
    script = tmp_path / "influxish"
    script.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    return [sys.executable, str(script), "--help"]


def watched(folder: Path, **extra: object) -> dict[str, str]:
    variables = environment({name: str(value) for name, value in extra.items()})
    return variables | {"PYTHONPATH": os.pathsep.join([str(folder), variables["PYTHONPATH"]])}


def assert_quiet(code: int, err: bytes, when: str) -> None:
    # The interpreter forgets all handlers when there is nothing left to run; shells show 130 for that one, too.
    assert code in (0, 130, -signal.SIGINT), (when, err)
    assert err in (b"", b"interrupted\n"), when


def test_an_interrupt_at_any_import_ends_the_command_quietly(command: Sequence[str], tmp_path: Path) -> None:
    for number in count(1):
        done = subprocess.run(command, env=watched(tmp_path, INTERRUPT_AT=number), capture_output=True, check=False)
        assert_quiet(done.returncode, done.stderr, f"at import {number}")
        if done.returncode == 0:  # there was no such import
            break
    assert number > 5


def test_an_interrupt_at_any_moment_ends_the_command_quietly(command: Sequence[str], tmp_path: Path) -> None:
    codes = []
    for milliseconds in range(0, 60, 5):
        told, tell = os.pipe()
        with subprocess.Popen(
            command,
            env=watched(tmp_path, TELL=tell),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[tell],
        ) as process:
            os.close(tell)
            assert os.read(told, 1) == b"!"
            os.close(told)
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert_quiet(process.returncode, err, f"after {milliseconds} ms")
        codes.append(process.returncode)
    assert 130 in codes
