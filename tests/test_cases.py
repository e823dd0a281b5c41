"""Every case file, in memory and on disk, in one shard and in many, with all rules, with none and with each one off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import influxish
from influxish.database import Database
from influxish.optimizer.rules import RULES
from influxish.storage.interface import RetentionPolicy
from influxish.types import SECOND
from tests.casefile import Section, agree, answer, read_sections

FOLDER = Path(__file__).parent / "cases"
FILES = sorted(FOLDER.glob("*.iql"))
NO_SHARD_CUTS = {"15_show", "23_cardinality", "24_show_where", "25_show_keys", "26_retention_policies", "27_shards"}
"""Files whose answers tell how shards are cut."""
NO_SELECT = {"40_users", "41_subscriptions", "42_show_mended"}
"""Files in which neither shards nor rules of the optimizer make a difference, and some statements take their time."""
CUTTABLE = [path for path in FILES if path.stem not in NO_SHARD_CUTS | NO_SELECT]

CUT_AS_SERVED = {"36_ranges_that_end_early", "51_series_limits", "55_wrapping_integers"}
"""Files of which some answers depend on how shards are cut, though none tells it."""

COUNTED_IN_SHARDS = ("SLIMIT", "SOFFSET")
"""Clauses that say of each shard what is answered of it."""


@contextmanager
def loaded(section: Section, folder: Path | None, *, small_shards: bool) -> Iterator[Database]:
    """A database with the points of a section: in memory, or on disk, flushed and opened anew."""
    policy = RetentionPolicy("autogen", 0, 7 * SECOND, default=True) if small_shards else None
    db = influxish.open(folder or ":memory:", workers=2)
    try:
        db.engine.create_database("demo", policy)
        if section.points:
            db.write(section.points, database="demo")
        if folder is not None:
            db.close()
            db = influxish.open(folder, workers=2)
        yield db
    finally:
        db.close()


def check(path: Path, folder: Path | None, *, small_shards: bool = False, disable: tuple[str, ...] = ()) -> None:
    wrong = []
    for number, section in enumerate(read_sections(path)):
        with loaded(section, folder and folder / str(number), small_shards=small_shards) as db:
            for case in section.cases:
                counts = any(map(case.text.__contains__, COUNTED_IN_SHARDS)) and case.text.startswith("SELECT")
                if small_shards and counts:
                    if " INTO " in case.text:
                        break  # what comes after reads what it writes
                    continue
                found = answer(db, case, disable)
                if not agree(case.expected, found):
                    wrong.append("\n  ".join([f"{path.name}:{case.line}  {case.text}", *case.expected, "got:", *found]))
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_in_memory(path: Path) -> None:
    check(path, None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_on_disk(path: Path, tmp_path: Path) -> None:
    check(path, tmp_path)


@pytest.mark.parametrize("path", [f for f in CUTTABLE if f.stem not in CUT_AS_SERVED], ids=lambda path: path.stem)
def test_in_many_shards(path: Path) -> None:
    check(path, None, small_shards=True)


@pytest.mark.parametrize("rule", ["all", *(rule.name for rule in RULES)])
@pytest.mark.parametrize("path", CUTTABLE, ids=lambda path: path.stem)
def test_with_rules_off(path: Path, rule: str) -> None:
    check(path, None, small_shards=path.stem not in CUT_AS_SERVED, disable=(rule,))


def test_every_case_has_an_answer() -> None:
    for path in FILES:
        for section in read_sections(path):
            assert all(case.expected for case in section.cases), path
