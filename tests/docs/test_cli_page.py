"""docs/cli.md knows every command and every option, and no other."""

from __future__ import annotations

import argparse
import re

import pytest

from influxish.cli.arguments import parser
from tests.cli.running import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| (?P<names>`[^|]+`) \| (?P<what>[^|]+) \|$", re.MULTILINE)


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the command line has no commands")


COMMANDS = commands()


def rows(section: str) -> dict[str, str]:
    """Option or argument → what is said about it, from the table of a section."""
    return {
        name.split()[0].rstrip("…"): match["what"]
        for match in _ROW.finditer(section)
        for name in re.findall(r"`([^`]+)`", match["names"])
    }


def section_of(command: str) -> str:
    found = re.search(rf"^## influxish {command}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section for influxish {command}"
    return found.group(1)


def options(command: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    found = {}
    for action in command._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            for name in action.option_strings or [str(action.metavar or action.dest)]:
                found[name] = action
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command_are_listed_and_no_others(command: str) -> None:
    assert set(rows(section_of(command))) == set(options(COMMANDS[command]))


@pytest.mark.parametrize("command", COMMANDS)
def test_choices_and_arguments_of_options_are_named(command: str) -> None:
    section = section_of(command)
    for name, action in options(COMMANDS[command]).items():
        for choice in action.choices or ():
            assert f"`{choice}`" in rows(section)[name], f"{command} {name}: {choice}"
        if action.metavar and action.option_strings:
            assert f"`{name} {action.metavar}`" in section, f"{command} {name} {action.metavar}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown_at_work(command: str) -> None:
    blocks = re.findall(r"^```console$(.*?)^```$", section_of(command), re.MULTILINE | re.DOTALL)
    assert re.search(rf"influxish {command} ", "\n".join(blocks))


def test_commands_and_global_options_are_listed() -> None:
    assert re.findall(r"^## influxish (\S+)$", PAGE, re.MULTILINE) == list(COMMANDS)
    introduction = PAGE.split("\n## ")[0]
    expected = {name for action in parser()._actions for name in action.option_strings}
    assert set(rows(introduction)) == expected
