"""The catalog: what is lost of it is told, and nothing is ever written over the files it should know."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from influxish.errors import CorruptData, StorageError
from influxish.storage import catalog_file as catalogs
from influxish.storage.catalog import Catalog, SegmentEntry
from influxish.storage.engine import Engine
from influxish.storage.interface import RetentionPolicy
from tests.storage.helpers import Model, contents, write

WEEK = 7 * 86_400 * 10**9


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "LOCK"}


@pytest.fixture
def store(tmp_path: Path) -> tuple[Path, Model]:
    """A closed store of two shards with three fields, and what it holds."""
    folder = tmp_path / "store"
    with Engine.open(folder) as engine:
        engine.create_database("d")
        write(engine, f'm,h=a v=1 1\nm,h=b i=2i 2\nm,h=a v=3 {WEEK + 5}\nn,h=a s="x" 1')
        engine.flush()
        write(engine, "m,h=a v=9 3")
        good = contents(engine)
    return folder, good


@pytest.mark.parametrize("empty", [False, True])
def test_a_lost_catalog_beside_data_is_refused_and_nothing_is_touched(store: tuple[Path, Model], empty: bool) -> None:
    folder, good = store
    path = folder / "catalog.sqlite"
    kept = path.read_bytes()
    path.write_bytes(b"") if empty else path.unlink()
    before = files_of(folder)
    with pytest.raises(StorageError, match=rf"catalog.sqlite is {'empty' if empty else 'missing'}, but .* backup"):
        Engine.open(folder)
    assert files_of(folder) == before
    path.write_bytes(kept)
    with Engine.open(folder) as engine:
        assert contents(engine) == good


def test_a_lost_catalog_beside_a_log_alone_is_refused(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        shutil.copytree(tmp_path / "store" / "wal", tmp_path / "crashed" / "wal")
    with pytest.raises(StorageError, match=r"catalog\.sqlite is missing"):
        Engine.open(tmp_path / "crashed")


def test_an_empty_catalog_without_files_is_what_a_crash_at_the_start_leaves(tmp_path: Path) -> None:
    (tmp_path / "wal").mkdir()
    (tmp_path / "catalog.sqlite").touch()
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")


def test_a_catalog_older_than_the_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with Engine.open(folder) as engine:
        engine.create_database("d")
    old = (folder / "catalog.sqlite").read_bytes()
    with Engine.open(folder) as engine:
        write(engine, "m,h=a v=1 1")
        shutil.copytree(folder, tmp_path / "crashed")  # the point is in the log only
    for copy in (folder, tmp_path / "crashed"):
        (copy / "catalog.sqlite").write_bytes(old)
        before = files_of(copy)
        with pytest.raises(StorageError, match=r"is newer than .*catalog.sqlite, which does not know it"):
            Engine.open(copy)
        assert files_of(copy) == before


def test_unlisted_segments_are_kept_while_listed_ones_are_missing(store: tuple[Path, Model]) -> None:
    folder, _ = store
    first, *_ = sorted(folder.glob("data/1/1/*.seg"))
    unlisted = first.with_name("0000000007.seg")
    first.rename(unlisted)
    data = unlisted.read_bytes()
    for _ in range(2):
        with Engine.open(folder) as engine:
            assert "the file is missing" in str(engine.damage[0])
            for _ in range(3):
                write(engine, "m,h=z v=1 1")
                engine.flush()
    assert unlisted.read_bytes() == data


def opened(folder: Path, good: Model) -> str:
    """How a store with a damaged catalog behaves: "refused" in our words, "told" as damage, or "whole"."""
    try:
        with Engine.open(folder) as engine:
            if engine.damage:
                assert all(str(folder) in str(found) for found in engine.damage)
                return "told"
            assert contents(engine) == good
            return "whole"
    except StorageError as error:
        refusal = str(error)
    assert "catalog.sqlite" in refusal
    return "refused"


def outcomes(folder: Path, good: Model, places: list[tuple[int, int]]) -> dict[str, int]:
    """Flip single bits (byte, bit) of the catalog: how often opening ended how."""
    path, found = folder / "catalog.sqlite", {"refused": 0, "told": 0, "whole": 0}
    data, segments = path.read_bytes(), sorted(folder.rglob("*.seg"))
    for byte, bit in places:
        flipped = bytearray(data)
        flipped[byte] ^= 1 << bit
        path.write_bytes(flipped)
        Path(f"{path}-journal").unlink(missing_ok=True)
        try:
            found[opened(folder, good)] += 1
        except BaseException as error:
            raise AssertionError(f"byte {byte}, bit {bit}") from error
        assert sorted(folder.rglob("*.seg")) == segments, f"byte {byte}, bit {bit}"
    path.write_bytes(data)
    return found


def test_a_flipped_bit_in_a_cell_count_is_refused(store: tuple[Path, Model]) -> None:
    """A page with a smaller count has lost rows without a trace in those that are left."""
    folder, good = store
    pages = (folder / "catalog.sqlite").stat().st_size // 4096
    places = [(page * 4096 + (104 if page == 0 else 4), bit) for page in range(pages) for bit in range(3)]
    found = outcomes(folder, good, places)
    assert found["refused"] > len(places) - 9  # a page may be free


def test_a_flipped_bit_anywhere_in_the_catalog_is_refused_or_told_or_harmless(store: tuple[Path, Model]) -> None:
    folder, good = store
    data = (folder / "catalog.sqlite").read_bytes()
    used = [byte for byte, value in enumerate(data) if value]
    places = [(byte, number % 8) for number, byte in enumerate(used[::9])] + [
        (byte, 3) for byte in range(0, len(data), 997)
    ]
    found = outcomes(folder, good, places)
    assert found["refused"] > 200


@pytest.mark.parametrize("table", ["databases", "policies", "shards", "segments", "fields", "logs"])
@pytest.mark.parametrize("change", ["DELETE FROM {} WHERE id = 1", "UPDATE {} SET id = 77 WHERE id = 1"])
def test_a_row_that_is_gone_or_has_another_id_is_told(store: tuple[Path, Model], table: str, change: str) -> None:
    folder, _ = store
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        if table == "logs":
            change = change.replace("id = 1", "id > 0")
        assert connection.execute(change.format(table)).rowcount == 1
    connection.close()
    with pytest.raises(CorruptData, match=rf"catalog.sqlite: table {table} does not hold the rows .*backup"):
        Engine.open(folder)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda c: c.add_policy(9, RetentionPolicy("p")), "table policies, row 2: there is no database 9"),
        (lambda c: c.add_shard(9, 0, 5), "table shards, row 3: there is no policy 9"),
        (
            lambda c: c.add_segment(SegmentEntry(9, 1, "1.seg", 5)),
            "table segments, row .9, '1.seg'.: there is no shard 9",
        ),
        (lambda c: c.add_field(9, "m", "v", "float"), "table fields, row .9, 'm', .*: there is no shard 9"),
        (lambda c: c.add_field(1, "m", "w", "complex"), "table fields, row .*: there is no type complex"),
    ],
)
def test_a_row_that_refers_to_nothing_is_refused(store: tuple[Path, Model], add: object, message: str) -> None:
    folder, _ = store
    catalog = Catalog(folder / "catalog.sqlite")
    with catalog.transaction():
        add(catalog)  # type: ignore[operator]
    catalog.close()
    with pytest.raises(CorruptData, match=f"catalog.sqlite: {message}"):
        Engine.open(folder)


def test_totals_follow_every_kind_of_change(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = Catalog(path)
    with catalog.transaction():
        for name in ("a", "b"):
            database = catalog.add_database(name)
            policy = catalog.add_policy(database, RetentionPolicy("p"))
            shard = catalog.add_shard(policy, 0, 5)
            for number in range(3):
                catalog.add_segment(SegmentEntry(shard, number, f"{number}.seg", 5))
                catalog.add_field(shard, "m", f"v{number % 2}", "float")
    with catalog.transaction():
        catalog.change_policy(1, 1, RetentionPolicy("q"))
        catalog.remove_segment(1, "1.seg")
        catalog.remove_database(2)
        catalog.set_first_log(4)
    with pytest.raises(CorruptData), catalog.transaction():
        catalog.add_database("a")  # is there already
    catalog.close()
    catalog = Catalog(path)
    assert catalog.databases() == {"a": 1}
    assert [policy.name for _, _, policy in catalog.policies()] == ["q"]
    assert [entry.file for entry in catalog.segments()] == ["0.seg", "2.seg"]
    assert len(catalog.fields()) == 2
    assert catalog.first_log() == 4
    assert catalog.last_id("shards") == 2
    catalog.close()


def test_a_catalog_of_version_1_is_brought_up(store: tuple[Path, Model]) -> None:
    folder, good = store
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        for table in ("totals", "tombstones", "removed"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        with Engine.open(folder) as engine:
            assert contents(engine) == good
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (catalogs.FORMAT_VERSION,)
        assert connection.execute("SELECT count(*) FROM totals").fetchone() == (len(catalogs._TABLES),)
    connection.close()


def test_a_catalog_of_version_2_is_brought_up(store: tuple[Path, Model]) -> None:
    folder, good = store
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        for table in ("tombstones", "removed"):
            connection.execute(f"DROP TABLE {table}")
            connection.execute("DELETE FROM totals WHERE name = ?", (table,))
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    for _ in range(2):
        with Engine.open(folder) as engine:
            assert contents(engine) == good
    with Engine.open(folder) as engine:
        engine.delete("d", {"m": None})
        assert contents(engine) == {}
    with Engine.open(folder) as engine:
        assert contents(engine) == {}


def test_an_interrupt_passes_even_where_no_transaction_is_active(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")

    def interrupted() -> None:
        with catalog.transaction():
            catalog.add_database("d")
            catalog._connection.execute("ROLLBACK")  # as SQLite does by itself when a disk is full
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with catalog.transaction():
        catalog.add_database("e")
    assert list(catalog.databases()) == ["e"]
    catalog.close()
