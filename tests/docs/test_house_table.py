"""The table of the house in docs/architecture.md is the one that the code is held to."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.running import ROOT
from tests.test_house import FACE, FILES, MAY_IMPORT, room_of

PAGE = ROOT / "docs" / "architecture.md"
_ROW = re.compile(r"^\| (?P<rooms>`[^|]*`) \| (?P<holds>[^|]+) \| (?P<imports>[^|]+) \|$", re.MULTILINE)


def rows(page: Path = PAGE) -> dict[tuple[str, ...], str]:
    """Rooms → what stands in the last column."""
    text = page.read_text(encoding="utf-8")
    section = text[text.index("\n## The house") : text.index("\n## A first query")]
    return {tuple(names(match["rooms"])): match["imports"].strip() for match in _ROW.finditer(section)}


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_both_tables_say_the_same() -> None:
    written = {rooms[0]: set(names(cell)) for rooms, cell in rows().items() if len(rooms) == 1}
    assert written == MAY_IMPORT
    for (room, *_), cell in rows().items():
        if room in MAY_IMPORT and not MAY_IMPORT[room]:
            assert cell == "nothing of ours"


def test_the_face_and_the_commands_stand_below() -> None:
    shared = {rooms: cell for rooms, cell in rows().items() if len(rooms) > 1}
    assert [(set(rooms), cell) for rooms, cell in shared.items()] == [
        (FACE, "every room but `cli`"),
        ({"cli", "__main__"}, "every room"),
    ]


def test_every_file_has_its_room() -> None:
    known = {room for rooms in rows() for room in rooms}
    assert {room_of(path) for path in FILES} == known
