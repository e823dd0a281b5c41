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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.running import ROOT, environment

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_NOT_RUN = ("make", "git", "python", "pip")
"""Commands that set up or build; the pages' own tests name what is checked of them instead."""


@dataclass(frozen=True)
class Output:
    """What a page says is printed: the text, and where in the page it begins."""

    text: str
    offset: int


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: of its fence, from 1.
        language: the first word after the fence.
        options: the others, as key → value.
        text: what is between the fences.
        offset: where in the page the text begins.
        output: of a `text` block that follows with nothing between, or None.
    """

    page: Path
    line: int
    language: str
    options: dict[str, str] = field(default_factory=dict)
    text: str = ""
    offset: int = 0
    output: Output | None = None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """Something that a page shows and that is not so. `shown` is None where nothing was shown."""

    place: str
    shown: Output | None
    got: str

    def __str__(self) -> str:
        expected = "" if self.shown is None else f"expected:\n{self.shown.text}\ngot:\n"
        return f"{self.place}\n{expected}{self.got}"


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
            output = None if between.strip() else Output(following["text"], following.start("text"))
        line = text.count("\n", 0, match.start()) + 1
        options = dict(word.split("=", 1) for word in words[1:])
        language = words[0] if words else ""
        blocks.append(Block(page, line, language, options, match["text"], match.start("text"), output))
    return blocks


def pages() -> list[Path]:
    """The README and everything under docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def run_page(page: Path, folder: Path) -> list[Problem]:
    """Run the blocks of a page in `folder`, which is the current one; returns what went wrong."""
    namespace: dict[str, Any] = {"__name__": "__page__"}
    problems = []
    for block in blocks_of(page):
        if block.language == "python":
            problems += _run_python(block, namespace)
        elif block.language == "console":
            problems += _run_console(block)
        elif "file" in block.options:
            (folder / block.options["file"]).write_text(block.text, encoding="utf-8")
    return problems


def refresh(page: Path, problems: Sequence[Problem]) -> None:
    """Put what is printed now in the place of what the page shows; lines that hold as they are stay."""
    text = page.read_text(encoding="utf-8")
    for problem in sorted(problems, key=lambda problem: problem.shown.offset if problem.shown else 0, reverse=True):
        if problem.shown is not None:
            start, stop = problem.shown.offset, problem.shown.offset + len(problem.shown.text)
            text = text[:start] + _renewed(problem.shown.text, problem.got) + text[stop:]
    page.write_text(text, encoding="utf-8")


def _renewed(shown: str, got: str) -> str:
    if "... ms" in shown:
        got = re.sub(r"[0-9]+(\.[0-9]+)? ms", "... ms", got)
    old = [line for line in shown.splitlines(keepends=True) if line.strip() != "..."]
    return "".join(next((kept for kept in old if agree(kept, line)), line) for line in got.splitlines(keepends=True))


def agree(shown: str, got: str) -> bool:
    """Whether what is printed is what is shown, blanks at line ends aside."""
    return doctest.OutputChecker().check_output(_trimmed(shown), _trimmed(got), doctest.ELLIPSIS)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"


# --- Python --------------------------------------------------------------------------------------------------------


def _run_python(block: Block, namespace: dict[str, Any]) -> list[Problem]:
    if ">>> " in block.text:
        return _run_doctest(block, namespace)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, block.place, "exec"), namespace)
    got = _trimmed(printed.getvalue())
    if block.output is None or agree(block.output.text, got):
        return []
    return [Problem(block.place, block.output, got)]


def _run_doctest(block: Block, namespace: dict[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    lines = block.text.splitlines(keepends=True)

    class Runner(doctest.DocTestRunner):
        def report_failure(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
            first = example.lineno + example.source.count("\n")
            offset = block.offset + sum(map(len, lines[:first]))
            place = f"{block.place}\n>>> {example.source}"
            problems.append(Problem(place, Output(example.want, offset), got.replace("\n\n", "\n<BLANKLINE>\n")))

        def report_unexpected_exception(
            self, out: Any, test: doctest.DocTest, example: doctest.Example, exc_info: Any
        ) -> None:
            place = f"{block.place}\n>>> {example.source}"
            problems.append(Problem(place, None, f"{exc_info[0].__name__}: {exc_info[1]}\n"))

    test = doctest.DocTestParser().get_doctest(block.text, namespace, block.place, None, None)
    test.globs = namespace  # get_doctest took a copy; later blocks go on with what this one made
    silent: Callable[[str], object] = lambda text: None  # noqa: E731
    Runner(optionflags=doctest.ELLIPSIS, verbose=False).run(test, out=silent, clear_globs=False)
    return problems


# --- commands ------------------------------------------------------------------------------------------------------


def commands_of(block: Block) -> Iterator[tuple[str, Output]]:
    """Each command of a console block, and what it prints. A backslash goes on with the next line."""
    command, expected, offset = "", "", block.offset
    going_on = False
    for line in block.text.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield command, Output(expected, offset - len(expected))
            command, expected = line[2:], ""
        elif going_on:
            command += line
        else:
            expected += line
        going_on = (line.startswith("$ ") or going_on) and line.endswith("\\\n")
        offset += len(line)
    if command:
        yield command, Output(expected, offset - len(expected))


def is_run(command: str) -> bool:
    """Whether a command of a console block is run here."""
    return shlex.split(command)[0] not in _NOT_RUN


def _run_console(block: Block) -> list[Problem]:
    problems = []
    for command, expected in commands_of(block):
        if is_run(command):
            got = shell(command)
            got = _trimmed(got) if got.strip() else ""
            if not agree(expected.text, got):
                problems.append(Problem(f"{block.place}\n$ {command}", expected, got))
    return problems


def shell(command: str) -> str:
    """What a command prints where there is no terminal: both outputs, mixed."""
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
