"""The fenced blocks of the project's pages, and how each kind of block is made to prove itself.

    python            blocks of a page share one namespace; with `>>>` they are doctests, without they are run, and a
                      `text` block that follows at once is what they print
    console           lines after `$` are run by a shell; what stands below each is what it prints
    text file=NAME    a file that the blocks after it find in the current folder

In what is printed `...` stands for anything. Blocks with other words are prose.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.running import ROOT, environment

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_NOT_RUN = ("make", "git", "python", "pip")
"""Commands that set up or build; the pages' own tests name what is checked of them instead."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: of its fence, from 1.
        language: the first word after the fence.
        options: the others, as key → value.
        text: what is between the fences.
        output: the text of a `text` block that follows with nothing between, or None.
    """

    page: Path
    line: int
    language: str
    options: dict[str, str]
    text: str
    output: str | None = None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path, text: str | None = None) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text(encoding="utf-8") if text is None else text
    found = list(_FENCE.finditer(text))
    blocks = []
    for match, following in zip(found, [*found[1:], None], strict=False):
        words = match["info"].split()
        output = None
        if following is not None and following["info"].strip() == "text":
            between = text[match.end() : following.start()]
            output = following["text"] if not between.strip() else None
        line = text.count("\n", 0, match.start()) + 1
        options = dict(word.split("=", 1) for word in words[1:])
        blocks.append(Block(page, line, words[0] if words else "", options, match["text"], output))
    return blocks


def pages() -> list[Path]:
    """The README and everything under docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def run_page(page: Path, folder: Path) -> list[str]:
    """Run the blocks of a page in `folder`, which is the current one; returns what went wrong, with the places."""
    namespace: dict[str, Any] = {"__name__": "__page__"}
    wrong = []
    for block in blocks_of(page):
        if block.language == "python":
            wrong += run_python(block, namespace)
        elif block.language == "console":
            wrong += [problem for command, expected in commands_of(block) for problem in _run(command, expected, block)]
        elif "file" in block.options:
            (folder / block.options["file"]).write_text(block.text, encoding="utf-8")
    return wrong


def run_python(block: Block, namespace: dict[str, Any]) -> list[str]:
    """Run a block in a namespace that it may add to."""
    if ">>> " in block.text:
        test = doctest.DocTestParser().get_doctest(block.text, namespace, block.place, None, None)
        test.globs = namespace  # get_doctest took a copy; later blocks go on with what this one made
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
        runner.run(test, out=report.write, clear_globs=False)
        return [f"{block.place}\n{report.getvalue()}"] if report.getvalue() else []
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, block.place, "exec"), namespace)
    return [] if block.output is None else _compare(printed.getvalue(), block.output, block.place)


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """(command, expected output) of each command of a console block. A backslash goes on with the next line."""
    command, expected, going_on = "", "", False
    for line in block.text.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:], ""
        elif going_on:
            command += line
        else:
            expected += line
        going_on = (line.startswith("$ ") or going_on) and line.endswith("\\\n")
    if command:
        yield command, expected


def is_run(command: str) -> bool:
    """Whether a command of a console block is run here."""
    return shlex.split(command)[0] not in _NOT_RUN


def _run(command: str, expected: str, block: Block) -> list[str]:
    if not is_run(command):
        return []
    return _compare(shell(command), expected, f"{block.place}\n$ {command}")


def shell(command: str) -> str:
    """What a command prints on a terminal that is no terminal: both outputs, mixed."""
    script = f'influxish() {{ {shlex.quote(sys.executable)} -m influxish "$@"; }}\n{command}'
    done = subprocess.run(
        ["bash", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment(),
        timeout=120,
        check=False,
    )
    return done.stdout.decode()


def _compare(got: str, expected: str, place: str) -> list[str]:
    checker = doctest.OutputChecker()
    if checker.check_output(_trimmed(expected), _trimmed(got), doctest.ELLIPSIS):
        return []
    return [f"{place}\nexpected:\n{expected}\ngot:\n{got}"]


def _trimmed(text: str) -> str:
    """Without blanks at line ends, which editors take away from pages."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"
