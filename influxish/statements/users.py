"""Statements about users and their privileges, with the texts of InfluxDB."""

from __future__ import annotations

from influxish.emit.series import StatementResult
from influxish.errors import ExecutionError
from influxish.influxql import manage, show
from influxish.statements.answers import answer, series
from influxish.statements.registry import StatementContext, executes
from influxish.storage.accounts import Privilege

_PRIVILEGES = {"READ": Privilege.READ, "WRITE": Privilege.WRITE, "ALL PRIVILEGES": Privilege.ALL}


@executes(show.ShowUsers)
def show_users(statement: show.ShowUsers, context: StatementContext) -> StatementResult:
    """All users, in the order in which they were made."""
    rows = [(user.name, user.admin) for user in context.engine.accounts.users()]
    return answer([series("", ("user", "admin"), rows)], empty=True)


@executes(show.ShowGrants)
def show_grants(statement: show.ShowGrants, context: StatementContext) -> StatementResult:
    """What was granted to a user, database by database.

    Raises:
        NotFound: no such user.
    """
    grants = context.engine.accounts.user(statement.user).grants
    rows = [(database, str(privilege)) for database, privilege in grants.items()]
    return answer([series("", ("database", "privilege"), rows)], empty=True)


@executes(manage.CreateUser)
def create_user(statement: manage.CreateUser, context: StatementContext) -> None:
    """Make a user; one that is there already with this password and these rights stays.

    Raises:
        ExecutionError: no name, or there is another user of that name.
    """
    accounts = context.engine.accounts
    if any(user.name == statement.name for user in accounts.users()):
        same = accounts.verify(statement.name, statement.password)
        if same is None or same.admin != statement.admin:
            raise ExecutionError("user already exists")
    else:
        accounts.create(statement.name, statement.password, admin=statement.admin)


@executes(manage.DropUser)
def drop_user(statement: manage.DropUser, context: StatementContext) -> None:
    """Raises: NotFound: no such user."""
    context.engine.accounts.drop(statement.name)


@executes(manage.SetPassword)
def set_password(statement: manage.SetPassword, context: StatementContext) -> None:
    """Raises: NotFound: no such user."""
    context.engine.accounts.set_password(statement.user, statement.password)


@executes(manage.Grant)
def grant(statement: manage.Grant, context: StatementContext) -> None:
    """Put a privilege in a database in the place of what the user had there.

    Raises:
        NotFound: no such user or database.
    """
    privilege = _PRIVILEGES[statement.privilege]
    context.engine.accounts.change_grant(statement.user, statement.database, lambda before: privilege)


@executes(manage.Revoke)
def revoke(statement: manage.Revoke, context: StatementContext) -> None:
    """Take a privilege in a database from what the user has there.

    Raises:
        NotFound: no such user or database.
    """
    privilege = _PRIVILEGES[statement.privilege]
    context.engine.accounts.change_grant(statement.user, statement.database, lambda before: before & ~privilege)


@executes(manage.GrantAdmin)
def grant_admin(statement: manage.GrantAdmin, context: StatementContext) -> None:
    """Raises: NotFound: no such user."""
    context.engine.accounts.set_admin(statement.user, True)


@executes(manage.RevokeAdmin)
def revoke_admin(statement: manage.RevokeAdmin, context: StatementContext) -> None:
    """Raises: NotFound: no such user."""
    context.engine.accounts.set_admin(statement.user, False)
