"""What the pages show is what the code does: every example is run, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.running import ROOT
from tests.docs.blocks import blocks_of, commands_of, is_run, pages, refresh, run_page

PAGES = pages()
PROSE = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
# Spelt in parts, so that this file does not hold what it looks for.
_FOREIGN = re.compile(
    r"(?i)(?<![\w.])/(?:work|root|home|tmp|usr)/|\b(?:ses" r"sions?|subag" r"ents?|claude|chatg" r"pt|llms?)\b|\bAI\b"
)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=name)
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INFLUXISH_DATA", raising=False)
    problems = run_page(page, tmp_path)
    if request.config.getoption("--update-golden") and all(problem.shown for problem in problems):
        refresh(page, problems)
        return
    assert not problems, "\n\n".join(map(str, problems))


@pytest.mark.parametrize("page", PROSE, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if link.startswith(("https://", "http://")):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.is_relative_to(ROOT), f"{name(page)} links to {link}"
        assert file.exists(), f"{name(page)} links to {link}"
        if anchor:
            assert anchor in {slug(heading) for heading in _HEADING.findall(file.read_text(encoding="utf-8"))}, link


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PROSE, ids=name)
def test_a_page_names_no_folder_of_somebodys_machine(page: Path) -> None:
    found = _FOREIGN.search(page.read_text(encoding="utf-8"))
    assert found is None, f"{name(page)} says {found.group() if found else ''}"


@pytest.mark.parametrize("page", PROSE, ids=name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^\$ )make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name(page)} names make {target}"


def test_every_command_of_ours_is_run() -> None:
    commands = [
        command
        for page in PAGES
        for block in blocks_of(page)
        if block.language == "console"
        for command, _ in commands_of(block)
    ]
    ours = [command for command in commands if command.startswith("influxish")]
    assert ours
    assert all(is_run(command) for command in ours)
    for page in PAGES:
        for block in blocks_of(page):
            assert block.language != "sh" or "influxish " not in block.text, f"{block.place}: show it as console"


WRONG = {
    "```python\n>>> 1 + 1\n3\n>>> 'a'\n'a'\n```\n": "```python\n>>> 1 + 1\n2\n>>> 'a'\n'a'\n```\n",
    "```python\nprint(2)\n```\n\n```text\n3\n```\n": "```python\nprint(2)\n```\n\n```text\n2\n```\n",
    "```console\n$ echo two; echo 4 ms\nthree\n... ms\n```\n": "```console\n$ echo two; echo 4 ms\ntwo\n... ms\n```\n",
}


@pytest.mark.parametrize(("text", "mended"), WRONG.items(), ids=["doctest", "output", "command"])
def test_a_wrong_example_is_found_and_can_be_refreshed(
    text: str, mended: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.docs.blocks.ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{text}\nWords.\n", encoding="utf-8")
    problems = run_page(page, tmp_path)
    assert len(problems) == 1
    refresh(page, problems)
    assert page.read_text(encoding="utf-8") == f"# Page\n\n{mended}\nWords.\n"
    assert not run_page(page, tmp_path)
