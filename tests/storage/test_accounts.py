"""Users are kept, and what they may do goes with the database that it was about."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from influxish.errors import CorruptData, ExecutionError, NotFound, StorageError
from influxish.storage.accounts import Privilege
from influxish.storage.catalog import Catalog
from influxish.storage.engine import Engine


def test_users_and_grants_survive_closing(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        for name in ("d", "e"):
            engine.create_database(name)
        engine.accounts.create("root", "r", admin=True)
        engine.accounts.create("jdoe", "x")
        engine.accounts.change_grant("jdoe", "d", lambda before: Privilege.ALL)
        engine.accounts.change_grant("jdoe", "d", lambda before: before & ~Privilege.WRITE)
        engine.accounts.change_grant("jdoe", "e", lambda before: Privilege.WRITE)
        engine.accounts.set_password("jdoe", "y")
        engine.drop_database("e")
        before = engine.accounts.users()
    with Engine.open(tmp_path) as engine:
        assert engine.accounts.users() == before
        root, jdoe = before
        assert (root.name, root.admin, root.grants) == ("root", True, {})
        assert (jdoe.name, jdoe.admin, jdoe.grants) == ("jdoe", False, {"d": Privilege.READ})
        assert engine.accounts.verify("jdoe", "y") == jdoe
        assert engine.accounts.verify("jdoe", "x") is None
        engine.create_database("e")
        assert "e" not in engine.accounts.user("jdoe").grants
        engine.accounts.drop("jdoe")
    with Engine.open(tmp_path) as engine:
        assert [user.name for user in engine.accounts.users()] == ["root"]
        engine.accounts.create("jdoe", "x")
        assert engine.accounts.user("jdoe").grants == {}
    with pytest.raises(StorageError, match="closed"):
        engine.accounts.users()


def test_a_password_is_verified_quickly_once_it_was_right_and_anew_when_it_is_changed() -> None:
    with Engine.open(None) as engine:
        engine.accounts.create("jdoe", "x")
        for _ in range(20):
            assert engine.accounts.verify("jdoe", "x") is not None  # 20 hashes would take seconds
        assert engine.accounts.verify("jdoe", "") is None
        assert engine.accounts.verify("nobody", "x") is None
        engine.accounts.set_password("jdoe", "y")
        assert engine.accounts.verify("jdoe", "x") is None
        assert engine.accounts.verify("jdoe", "y") is not None


def test_a_password_is_in_no_file_and_in_no_text(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.accounts.create("jdoe", "correct horse")
        engine.accounts.verify("jdoe", "correct horse")
        assert "correct horse" not in repr(engine.accounts.users())
        assert engine.accounts.user("jdoe").password not in repr(engine.accounts.users())
    assert not any(b"correct horse" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_cannot_be_changed_is_refused() -> None:
    with Engine.open(None) as engine:
        engine.create_database("d")
        engine.accounts.create("jdoe", "x")
        with pytest.raises(ExecutionError, match=r"^user already exists$"):
            engine.accounts.create("jdoe", "x")
        with pytest.raises(ExecutionError, match=r"^username required$"):
            engine.accounts.create("", "x")
        with pytest.raises(NotFound, match=r"^database not found: nodb$"):
            engine.accounts.change_grant("jdoe", "nodb", lambda before: Privilege.ALL)
        for change in (
            lambda: engine.accounts.drop("nobody"),
            lambda: engine.accounts.set_password("nobody", "x"),
            lambda: engine.accounts.set_admin("nobody", True),
            lambda: engine.accounts.change_grant("nobody", "nodb", lambda before: Privilege.ALL),
        ):
            with pytest.raises(NotFound, match=r"^user not found$"):
                change()


@pytest.mark.parametrize(
    ("granted", "may"),
    [
        (Privilege.NONE, set()),
        (Privilege.READ, {Privilege.READ}),
        (Privilege.WRITE, {Privilege.WRITE}),
        (Privilege.ALL, {Privilege.READ, Privilege.WRITE, Privilege.ALL}),
    ],
)
def test_a_privilege_allows_what_is_part_of_it(granted: Privilege, may: set[Privilege]) -> None:
    with Engine.open(None) as engine:
        engine.create_database("d")
        engine.accounts.create("jdoe", "x")
        engine.accounts.change_grant("jdoe", "d", lambda before: granted)
        user = engine.accounts.user("jdoe")
        asked = (Privilege.READ, Privilege.WRITE, Privilege.ALL)
        assert {privilege for privilege in asked if user.may(privilege, "d")} == may
        assert not any(user.may(privilege, "e") for privilege in asked)
        engine.accounts.set_admin("jdoe", True)
        assert all(engine.accounts.user("jdoe").may(privilege, "e") for privilege in asked)


def test_a_catalog_without_users_gets_them_when_it_is_opened(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        for table in ("users", "grants", "subscriptions"):
            connection.execute(f"DROP TABLE {table}")
            connection.execute("DELETE FROM totals WHERE name = ?", (table,))
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with Engine.open(tmp_path) as engine:
        assert engine.databases() == ["d"]
        engine.accounts.create("jdoe", "x")
    with Engine.open(tmp_path) as engine:
        assert [user.name for user in engine.accounts.users()] == ["jdoe"]


def test_users_that_were_lost_are_not_taken_for_users_that_never_were(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.accounts.create("jdoe", "x")
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("DROP TABLE users")
    connection.close()
    with pytest.raises(StorageError, match=r"catalog\.sqlite"):
        Engine.open(tmp_path)


def test_a_grant_to_nobody_is_damage(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    with catalog.transaction():
        catalog.add_record("grants", 7, 1, 1)
    catalog.close()
    with pytest.raises(CorruptData, match="table grants, row 1: there is no user 7"):
        Engine.open(tmp_path)
