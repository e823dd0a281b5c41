"""Users, and what each may do in which database. The catalog keeps them; nothing is enforced here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntFlag

from influxish.errors import CorruptData, ExecutionError, NotFound
from influxish.passwords import VerifiedPasswords, hash_password, is_password
from influxish.storage.catalog import Catalog
from influxish.storage.catalog_file import RESTORE
from influxish.storage.databases import DatabaseState
from influxish.storage.ownership import OwnerLock


class Privilege(IntFlag):
    """What a user may do with the points of a database. `str` is InfluxQL's word for it."""

    NONE = 0
    READ = 1
    WRITE = 2
    ALL = 3

    def __str__(self) -> str:
        return _WORDS[self]


_WORDS = {
    Privilege.NONE: "NO PRIVILEGES",
    Privilege.READ: "READ",
    Privilege.WRITE: "WRITE",
    Privilege.ALL: "ALL PRIVILEGES",
}


@dataclass(frozen=True, slots=True)
class User:
    """A user as of one moment.

    Attributes:
        admin: may do everything.
        password: what is kept of it, see `passwords`.
        grants: database → what was granted or revoked there; one that is missing was never spoken of.
    """

    name: str
    admin: bool
    password: str = field(repr=False)
    grants: Mapping[str, Privilege]

    def may(self, privilege: Privilege, database: str) -> bool:
        """Whether the user may do that there."""
        return self.admin or privilege in self.grants.get(database, Privilege.NONE)


@dataclass(slots=True)
class _Account:
    """A user as it changes; grants are by the id of the database, (id of the row, privilege)."""

    id: int
    user: User
    grants: dict[int, tuple[int, Privilege]] = field(default_factory=dict)


class Accounts:
    """The users of a store. Thread-safe.

    Args:
        lock: guards it, as all state of the engine.
        usable: the catalog, or StorageError where the store is closed.
        databases: those of the engine: what is dropped there is granted to nobody.
    """

    def __init__(
        self, lock: OwnerLock, catalog: Catalog, usable: Callable[[], Catalog], databases: Mapping[str, DatabaseState]
    ) -> None:
        self._lock, self._usable, self._databases = lock, usable, databases
        self._accounts: dict[str, _Account] = {}
        self._verified = VerifiedPasswords()
        by_id: dict[int, _Account] = {}
        for id, name, password, admin in catalog.records("users"):
            by_id[id] = self._accounts[name] = _Account(id, User(name, bool(admin), password, {}))
        for id, user, database, privilege in catalog.records("grants"):
            if user not in by_id:
                raise CorruptData(f"{catalog.path}: table grants, row {id}: there is no user {user}; {RESTORE}")
            by_id[user].grants[database] = id, Privilege(privilege)

    def users(self) -> list[User]:
        """All, in the order in which they were made."""
        with self._lock:
            self._usable()
            return [self._seen(account) for account in self._accounts.values()]

    def user(self, name: str) -> User:
        """One of them.

        Raises:
            NotFound: there is none of that name.
        """
        with self._lock:
            return self._seen(self._account(name))

    def verify(self, name: str, password: str) -> User | None:
        """The user of that name, if that is the password. Takes long the first time, and for whatever is wrong."""
        with self._lock:
            self._usable()
            account = self._accounts.get(name)
            user = None if account is None else self._seen(account)
        if user is None:
            hash_password(password)  # a name that nobody has is not to be told by how soon it is refused
            return None
        if self._verified.knows(user.password, password):
            return user
        if not is_password(password, user.password):
            return None
        self._verified.remember(user.password, password)
        return user

    def create(self, name: str, password: str, *, admin: bool = False) -> None:
        """Make a user.

        Raises:
            ExecutionError: the name is empty, or there is one of that name already.
        """
        if not name:
            raise ExecutionError("username required")
        kept = hash_password(password)
        with self._lock:
            catalog = self._usable()
            if name in self._accounts:
                raise ExecutionError("user already exists")
            with catalog.transaction():
                id = catalog.add_record("users", name, kept, int(admin))
            self._accounts[name] = _Account(id, User(name, admin, kept, {}))

    def drop(self, name: str) -> None:
        """Forget a user.

        Raises:
            NotFound: there is none of that name.
        """
        with self._lock:
            catalog, account = self._usable(), self._account(name)
            with catalog.transaction():
                catalog.remove_records("grants", "user", account.id)
                catalog.remove_records("users", "id", account.id)
            del self._accounts[name]

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password.

        Raises:
            NotFound: there is no such user.
        """
        self.user(name)  # sooner than a hash is made
        kept = hash_password(password)
        with self._lock:
            account = self._account(name)
            self._change(account, replace(account.user, password=kept))

    def set_admin(self, name: str, admin: bool) -> None:
        """Make a user one who may do everything, or no such user any more.

        Raises:
            NotFound: there is no such user.
        """
        with self._lock:
            account = self._account(name)
            self._change(account, replace(account.user, admin=admin))

    def change_grant(self, name: str, database: str, change: Callable[[Privilege], Privilege]) -> None:
        """Put what `change` makes of a user's privilege in a database in its place.

        Raises:
            NotFound: there is no such user, or no such database.
        """
        with self._lock:
            catalog, account = self._usable(), self._account(name)
            state = self._databases.get(database)
            if state is None:
                raise NotFound(f"database not found: {database}")
            id, before = account.grants.get(state.id, (0, Privilege.NONE))
            privilege = change(before)
            values = (account.id, state.id, int(privilege))
            with catalog.transaction():
                if id:
                    catalog.change_record("grants", id, *values)
                else:
                    id = catalog.add_record("grants", *values)
            account.grants[state.id] = id, privilege

    def _change(self, account: _Account, user: User) -> None:
        catalog = self._usable()
        with catalog.transaction():
            catalog.change_record("users", account.id, user.name, user.password, int(user.admin))
        account.user = user

    def _account(self, name: str) -> _Account:
        self._usable()
        account = self._accounts.get(name)
        if account is None:
            raise NotFound("user not found")
        return account

    def _seen(self, account: _Account) -> User:
        grants = {
            database.name: account.grants[database.id][1]
            for database in self._databases.values()
            if database.id in account.grants
        }
        return replace(account.user, grants=grants)
