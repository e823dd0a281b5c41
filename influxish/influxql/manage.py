"""The statements of InfluxQL that change what there is: CREATE, ALTER, DROP, DELETE, GRANT, REVOKE, SET, KILL.

They follow the rules of `ast.py`. Those that only tell what there is are in `show.py`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from influxish.influxql.ast import Expression, Select, Source, Statement
from influxish.influxql.node import node

Privilege = Literal["READ", "WRITE", "ALL PRIVILEGES"]

# --- databases and their parts --------------------------------------------------------------------------------
# Durations are ns; 0 is INF, for ever. None: not given.


@node
class CreateDatabase(Statement):
    """`CREATE DATABASE name [WITH [DURATION d] [REPLICATION n] [SHARD DURATION d] [NAME policy]]`."""

    name: str
    duration: int | None = None
    replication: int | None = None
    shard_duration: int | None = None
    policy: str | None = None


@node
class DropDatabase(Statement):
    """`DROP DATABASE name`."""

    name: str


@node
class CreateRetentionPolicy(Statement):
    """`CREATE RETENTION POLICY name ON database DURATION d REPLICATION n [SHARD DURATION d] [DEFAULT]`."""

    name: str
    database: str
    duration: int
    replication: int
    shard_duration: int | None = None
    default: bool = False


@node
class AlterRetentionPolicy(Statement):
    """`ALTER RETENTION POLICY name ON database` and what to change, at least one thing."""

    name: str
    database: str
    duration: int | None = None
    replication: int | None = None
    shard_duration: int | None = None
    default: bool = False


@node
class DropRetentionPolicy(Statement):
    """`DROP RETENTION POLICY name ON database`."""

    name: str
    database: str


@node
class CreateContinuousQuery(Statement):
    """`CREATE CONTINUOUS QUERY name ON database [RESAMPLE [EVERY d] [FOR d]] BEGIN select END`; 0: not given."""

    name: str
    database: str
    select: Select
    resample_every: int = 0
    resample_for: int = 0


@node
class DropContinuousQuery(Statement):
    """`DROP CONTINUOUS QUERY name ON database`."""

    name: str
    database: str


@node
class CreateSubscription(Statement):
    """`CREATE SUBSCRIPTION name ON database.policy DESTINATIONS ALL|ANY 'url', …`."""

    name: str
    database: str
    retention_policy: str
    mode: Literal["ALL", "ANY"]
    destinations: tuple[str, ...]


@node
class DropSubscription(Statement):
    """`DROP SUBSCRIPTION name ON database.policy`."""

    name: str
    database: str
    retention_policy: str


@node
class DropMeasurement(Statement):
    """`DROP MEASUREMENT name`."""

    name: str


@node
class DropSeries(Statement):
    """`DROP SERIES [FROM …] [WHERE …]`, at least one of the two."""

    sources: tuple[Source, ...] = ()
    condition: Expression | None = None


@node
class DropShard(Statement):
    """`DROP SHARD id`."""

    id: int


@node
class Delete(Statement):
    """`DELETE [FROM …] [WHERE …]`, at least one of the two."""

    sources: tuple[Source, ...] = ()
    condition: Expression | None = None


# --- users ------------------------------------------------------------------------------------------------------


@node
class CreateUser(Statement):
    """`CREATE USER name WITH PASSWORD 'password' [WITH ALL PRIVILEGES]`. Printed as `[REDACTED]`."""

    name: str
    password: str = field(repr=False)
    admin: bool = False


@node
class DropUser(Statement):
    """`DROP USER name`."""

    name: str


@node
class SetPassword(Statement):
    """`SET PASSWORD FOR user = 'password'`. Printed as `[REDACTED]`."""

    user: str
    password: str = field(repr=False)


@node
class Grant(Statement):
    """`GRANT privilege ON database TO user`."""

    privilege: Privilege
    database: str
    user: str


@node
class GrantAdmin(Statement):
    """`GRANT ALL PRIVILEGES TO user`."""

    user: str


@node
class Revoke(Statement):
    """`REVOKE privilege ON database FROM user`."""

    privilege: Privilege
    database: str
    user: str


@node
class RevokeAdmin(Statement):
    """`REVOKE ALL PRIVILEGES FROM user`."""

    user: str


@node
class KillQuery(Statement):
    """`KILL QUERY id [ON "host"]`."""

    id: int
    host: str = ""
