"""What a user must be allowed to do for a statement to be executed. Who asks must refuse; nothing here does.

Source of the rules: influxdata/influxql 1.8, the RequiredPrivileges methods of ast.go; checked against a server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from influxish.influxql import ast, format_node, manage, show
from influxish.storage.accounts import Privilege, User


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a user must be allowed to do.

    Attributes:
        database: where; "" for the one that is meant where a statement names none.
        admin: everything, which only an administrator may; the other two mean nothing then.
    """

    privilege: Privilege = Privilege.ALL
    database: str = ""
    admin: bool = False


_ADMIN = (Requirement(admin=True),)

ADMINISTRATIVE: frozenset[type[ast.Statement]] = frozenset(
    {
        manage.AlterRetentionPolicy,
        manage.CreateDatabase,
        manage.CreateRetentionPolicy,
        manage.CreateSubscription,
        manage.CreateUser,
        manage.DropDatabase,
        manage.DropMeasurement,
        manage.DropShard,
        manage.DropSubscription,
        manage.DropUser,
        manage.Grant,
        manage.GrantAdmin,
        manage.KillQuery,
        manage.Revoke,
        manage.RevokeAdmin,
        manage.SetPassword,
        show.ShowDiagnostics,
        show.ShowGrants,
        show.ShowShardGroups,
        show.ShowShards,
        show.ShowStats,
        show.ShowSubscriptions,
        show.ShowUsers,
    }
)
"""Statements that only an administrator may have executed."""


def required_privileges(statement: ast.Statement) -> tuple[Requirement, ...]:
    """All that a user must be allowed to do; () where everybody may.

    SHOW DATABASES is for everybody, but tells each user only of the databases in which the user may do something.
    """
    if type(statement) in ADMINISTRATIVE:
        return _ADMIN
    return tuple(dict.fromkeys(_required(statement)))


def _required(statement: ast.Statement) -> Iterator[Requirement]:
    match statement:
        case show.ShowDatabases():
            return
        case ast.Explain(statement=select):
            yield from _of_select(select)
        case ast.Select():
            yield from _of_select(statement)
        case manage.CreateContinuousQuery(database=database, select=select):
            yield Requirement(Privilege.READ, database)
            for needed in _of_select(select):
                yield Requirement(needed.privilege, needed.database or database)
        case manage.DropContinuousQuery(database=database) | manage.DropRetentionPolicy(database=database):
            yield Requirement(Privilege.WRITE, database)
        case manage.Delete() | manage.DropSeries():
            yield Requirement(Privilege.WRITE)
        case show.ShowContinuousQueries() | show.ShowQueries():
            yield Requirement(Privilege.READ)
        case show.Paged(database=database) | show.ShowRetentionPolicies(database=database):
            yield Requirement(Privilege.READ, database)
            for source in getattr(statement, "sources", ()):
                yield from _of_sources([source] if source.database else [])
        case _:
            raise AssertionError(f"nobody said who may execute {type(statement).__name__}")


def _of_select(select: ast.Select) -> Iterator[Requirement]:
    yield from _of_sources(select.sources)
    if select.target is not None:
        yield Requirement(Privilege.WRITE, select.target.measurement.database)


def _of_sources(sources: Iterable[ast.Source]) -> Iterator[Requirement]:
    for source in sources:
        if isinstance(source, ast.SubQuery):
            yield from _of_select(source.statement)
        elif isinstance(source, ast.Measurement):
            yield Requirement(Privilege.READ, source.database)


def refusal(user: User, statements: Sequence[ast.Statement], database: str) -> str:
    """Why a user may not have these statements executed, in InfluxDB's words; "" if nothing is against it.

    Args:
        database: the one that is meant where a statement names none.
    """
    for statement in statements:
        for needed in required_privileges(statement):
            place = needed.database or database
            if needed.admin and not user.admin:
                missing = "admin privilege"
            elif not needed.admin and not user.may(needed.privilege, place):
                missing = f"{needed.privilege} on {place}"
            else:
                continue
            text = format_node(statement)
            return f"{user.name} not authorized to execute statement '{text}', requires {missing}"
    return ""
