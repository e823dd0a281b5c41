"""Subscriptions: who wants a copy of the points that are written to a policy. The catalog keeps them.

Here they are only known; `delivery` sends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from influxish.errors import CompileError, CorruptData, ExecutionError, NotFound, without_password
from influxish.storage.catalog import Catalog
from influxish.storage.catalog_file import RESTORE
from influxish.storage.databases import DatabaseState, PolicyState
from influxish.storage.ownership import OwnerLock


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where copies go.

    Attributes:
        mode: "ALL": to every destination. "ANY": to one of them, the next one each time.
        destinations: URLs of http, https or udp, with a port.
    """

    name: str
    mode: Literal["ALL", "ANY"]
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription and what it is to."""

    database: str
    policy: str
    subscription: Subscription


class Subscriptions:
    """The subscriptions of a store. Thread-safe.

    Args:
        lock: guards it, as all state of the engine.
        usable: the catalog, or StorageError where the store is closed.
        databases: those of the engine: subscriptions go with the policy that they are to.
    """

    def __init__(
        self, lock: OwnerLock, catalog: Catalog, usable: Callable[[], Catalog], databases: Mapping[str, DatabaseState]
    ) -> None:
        self._lock, self._usable, self._databases = lock, usable, databases
        self._by_policy: dict[int, dict[str, tuple[int, Subscription]]] = {}
        policies = {policy.id for database in databases.values() for policy in database.policies.values()}
        for id, policy, name, mode, destinations in catalog.records("subscriptions"):
            if policy not in policies:
                row = f"{catalog.path}: table subscriptions, row {id}"
                raise CorruptData(f"{row}: there is no policy {policy}; {RESTORE}")
            found = Subscription(name, mode, tuple(json.loads(destinations)))
            self._by_policy.setdefault(policy, {})[name] = id, found

    def create(self, database: str, policy: str, subscription: Subscription) -> None:
        """Subscribe.

        Raises:
            CompileError: a destination that is none.
            NotFound: no such database or policy.
            ExecutionError: the policy has a subscription of that name.
        """
        for destination in subscription.destinations:
            if parse_destination(destination) is None:
                hint = "a destination is http://host:port, https://host:port or udp://host:port"
                shown = without_password(destination).encode("utf-8", "backslashreplace").decode()
                raise CompileError(f"invalid subscription URL: {shown}", hint=hint)
        with self._lock:
            catalog, state = self._usable(), self._policy(database, policy)
            known = self._by_policy.setdefault(state.id, {})
            if subscription.name in known:
                raise ExecutionError("subscription already exists")
            with catalog.transaction():
                destinations = json.dumps(subscription.destinations)
                values = (state.id, subscription.name, subscription.mode, destinations)
                id = catalog.add_record("subscriptions", *values)
            known[subscription.name] = id, subscription

    def drop(self, database: str, policy: str, name: str) -> None:
        """End a subscription.

        Raises:
            NotFound: no such database, policy or subscription.
        """
        with self._lock:
            catalog, state = self._usable(), self._policy(database, policy)
            known = self._by_policy.get(state.id, {})
            if name not in known:
                raise NotFound("subscription not found")
            with catalog.transaction():
                catalog.remove_records("subscriptions", "id", known[name][0])
            del known[name]

    def all(self) -> list[Subscribed]:
        """All of them: by database, by policy, and in the order in which they were made."""
        with self._lock:
            self._usable()
            return [found for database in self._databases for found in self._of_database(database)]

    def of(self, database: str, policy: str) -> list[Subscribed]:
        """Those to one policy; none if there is no such policy."""
        with self._lock:
            if not any(self._by_policy.values()):
                return []  # as with nearly every write
            return [found for found in self._of_database(database) if found.policy == policy]

    def _of_database(self, database: str) -> Iterator[Subscribed]:
        state = self._databases.get(database)
        for policy in state.policies.values() if state is not None else ():
            for _, subscription in self._by_policy.get(policy.id, {}).values():
                yield Subscribed(database, policy.policy.name, subscription)

    def _policy(self, database: str, policy: str) -> PolicyState:
        state = self._databases.get(database)
        if state is None:
            raise NotFound(f"database not found: {database}")
        if policy not in state.policies:
            raise NotFound(f"retention policy not found: {policy}")
        return state.policies[policy]


@dataclass(frozen=True, slots=True)
class DestinationUrl:
    """The parts of a destination; "" where one is missing, escapes undone in name and password alone."""

    scheme: str
    user: str
    password: str
    host: str
    port: int
    path: str
    query: str


_ESCAPED = "%[0-9A-Fa-f]{2}"
_DESTINATION = re.compile(
    rf"""(?P<scheme>udp|https?)://
    (?:(?P<user>(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|{_ESCAPED})*)(?::(?P<password>(?:[^\s/?\#%<>\[\]\\^`{{|}}"]|{_ESCAPED})*))?@)?
    (?P<host>\[[^\s/?\#\[\]@\x00-\x1f\x7f]*\]|(?:[A-Za-z0-9\-_.~!$&'()*+,;=<>"\x80-\U0010ffff]|%[89A-Fa-f][0-9A-Fa-f]|%25)*)
    :(?P<port>[0-9]{{1,20}})
    (?P<path>(?:/(?:[^%?\#\x00-\x1f\x7f]|{_ESCAPED})*)?)
    (?:\?(?P<query>[^\#\x00-\x1f\x7f]*))?
    (?:\#(?:[^%\x00-\x1f\x7f]|{_ESCAPED})*)?\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_destination(url: str) -> DestinationUrl | None:
    """The parts of a URL that InfluxDB takes for a destination: of http, https or udp, with a port. None: it is none.

    Names of hosts are not looked up, and ports not checked to be below 65536: that is seen when something is sent.
    """
    found = _DESTINATION.match(url)
    if found is None or _SURROGATE.search(url):  # half a character: nothing can send it
        return None
    user, password = unquote(found["user"] or ""), unquote(found["password"] or "")
    host, port = unquote(found["host"]).strip("[]"), int(found["port"])
    return DestinationUrl(found["scheme"].lower(), user, password, host, port, found["path"], found["query"] or "")
