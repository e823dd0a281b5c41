"""Running the command line as a person does: in a process of its own, through pipes or on a terminal."""

from __future__ import annotations

import codecs
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finished:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with the package of this checkout and nothing that changes answers."""
    kept = {name: value for name, value in os.environ.items() if name not in ("INFLUXISH_DATA", "COLUMNS")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | dict(extra or {})


def influxish(*arguments: object, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "influxish", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment(extra),
        timeout=120,
        check=False,
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


class OnTerminal:
    """A command whose input and output are a terminal of 80 columns. What it prints is collected in `seen`."""

    def __init__(self, *arguments: object, extra: Mapping[str, str] | None = None) -> None:
        self._terminal, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "influxish", *map(str, arguments)],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment({"TERM": "xterm", "COLUMNS": "80", "LINES": "24", **(extra or {})}),
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inner)
        self.seen = ""
        self._taken = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str, seconds: float = 30.0) -> str:
        """Read until `text` was printed; returns what was printed since what was waited for last, with `text`."""
        start, deadline = self._taken, time.monotonic() + seconds
        while (found := self.seen.find(text, start)) < 0:
            if not self._read(deadline):
                self._give_up(f"the command ended before it printed {text!r}: {self.seen[start:]!r}")
        self._taken = found + len(text)
        return self.seen[start : self._taken]

    def finish(self, seconds: float = 30.0) -> int:
        """Read to the end; returns the exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        os.close(self._terminal)
        return self.process.wait(seconds)

    def _read(self, deadline: float) -> bool:
        """Take what is printed next; False at the end."""
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            self._give_up(f"nothing more was printed; what was: {self.seen[-2000:]!r}")
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # Linux' way to say that the other end is closed
            return False
        self.seen += self._decoder.decode(data)
        return bool(data)

    def _give_up(self, message: str) -> NoReturn:
        self.process.kill()
        self.process.wait()
        pytest.fail(message)


def _take_terminal() -> None:
    """Make the terminal this new session's own, so that Ctrl-C typed on it becomes a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
