"""Productions of the statements that change things: CREATE, ALTER, DROP, DELETE, GRANT, REVOKE, SET, KILL.

Source of the rules: influxdata/influxql, parse_tree.go and the functions it names.
"""

from __future__ import annotations

from typing import Any

from influxish.influxql import manage as nodes
from influxish.influxql.ast import Call, DurationLiteral, Measurement, Select
from influxish.influxql.durations import format_duration
from influxish.influxql.grammar.support import Production, span_of, to_duration, to_int, to_uint64
from influxish.influxql.tokens import Lexeme

_MAX_REPLICATION = 2**31 - 1

# --- databases and retention policies -------------------------------------------------------------------------------


def p_create_database(p: Production) -> None:
    """create : CREATE DATABASE IDENT
    | CREATE DATABASE IDENT WITH database_options
    """
    options = {option.kind: option.value for option in (p[5] if len(p) == 6 else []) if option is not None}
    p[0] = nodes.CreateDatabase(
        str(p[3].value),
        options.get("DURATION"),
        options.get("REPLICATION"),
        options.get("SHARD"),
        options.get("NAME"),
        span=span_of(p),
    )


def p_database_options(p: Production) -> None:
    """database_options : duration_setting replication_option shard_duration_option name_option
    | replication_setting shard_duration_option name_option
    | shard_duration_setting name_option
    | name_setting
    """
    p[0] = [p[index] for index in range(1, len(p))]


class Option:
    """What was given behind a keyword, on its way to the node."""

    __slots__ = ("kind", "span", "value")

    def __init__(self, p: Production, value: Any) -> None:
        self.kind, self.value, self.span = str(p[1].value), value, span_of(p)


def p_optional_options(p: Production) -> None:
    """replication_option :
    | replication_setting
    shard_duration_option :
    | shard_duration_setting
    name_option :
    | name_setting
    """
    p[0] = p[1] if len(p) == 2 else None


def p_name_setting(p: Production) -> None:
    """name_setting : NAME IDENT"""
    p[0] = Option(p, str(p[2].value))


def p_duration_setting(p: Production) -> None:
    """duration_setting : DURATION duration"""
    p[0] = Option(p, p[2].value)


def p_replication_setting(p: Production) -> None:
    """replication_setting : REPLICATION INTEGER"""
    p[0] = Option(p, to_int(p, p[2], 1, _MAX_REPLICATION))


def p_shard_duration_setting(p: Production) -> None:
    """shard_duration_setting : SHARD DURATION duration"""
    p[0] = Option(p, p[3].value)


def p_finite_shard_duration_setting(p: Production) -> None:
    """finite_shard_duration_setting : SHARD DURATION duration"""
    if p[3].found == "INF":
        raise p.lexer.error("invalid duration INF for shard duration", p[3], positioned=True)
    p[0] = Option(p, p[3].value)


def p_duration(p: Production) -> None:
    """duration : DURATIONVAL
    | INF
    """
    nanoseconds = 0 if p[1].value == "INF" else to_duration(p, p[1])
    p[0] = Lexeme(nanoseconds, p[1].span, p[1].found)


def p_create_retention_policy(p: Production) -> None:
    """create : CREATE RETENTION POLICY IDENT ON IDENT duration_setting replication_setting default_option
    | CREATE RETENTION POLICY IDENT ON IDENT duration_setting replication_setting finite_shard_duration_setting default_option
    """  # noqa: E501
    shard = p[9].value if len(p) == 11 else None
    p[0] = nodes.CreateRetentionPolicy(
        str(p[4].value), str(p[6].value), p[7].value, p[8].value, shard, p[len(p) - 1] is not None, span=span_of(p)
    )


def p_default_option(p: Production) -> None:
    """default_option :
    | DEFAULT
    """
    p[0] = p[1] if len(p) == 2 else None


def p_alter_retention_policy(p: Production) -> None:
    """alter : ALTER RETENTION POLICY IDENT ON IDENT policy_changes"""
    changes = {option.kind: option.value for option in p[7]}
    p[0] = nodes.AlterRetentionPolicy(
        str(p[4].value),
        str(p[6].value),
        changes.get("DURATION"),
        changes.get("REPLICATION"),
        changes.get("SHARD"),
        "DEFAULT" in changes,
        span=span_of(p),
    )


def p_policy_changes_first(p: Production) -> None:
    """policy_changes : policy_change"""
    p[0] = [p[1]]


def p_policy_changes_next(p: Production) -> None:
    """policy_changes : policy_changes policy_change"""
    option: Option = p[2]
    if any(option.kind == earlier.kind for earlier in p[1]):
        keyword = Lexeme("", option.span, option.kind)
        raise p.lexer.error(f"found duplicate {option.kind} option", keyword, positioned=True)
    p[1].append(option)
    p[0] = p[1]


def p_policy_change(p: Production) -> None:
    """policy_change : duration_setting
    | replication_setting
    | finite_shard_duration_setting
    """
    p[0] = p[1]


def p_policy_change_default(p: Production) -> None:
    """policy_change : DEFAULT"""
    p[0] = Option(p, 1)


# --- continuous queries and subscriptions ---------------------------------------------------------------------------


def p_create_continuous_query(p: Production) -> None:
    """create : CREATE CONTINUOUS QUERY IDENT ON IDENT resample BEGIN select_into END"""
    select: Select = p[9]
    every, horizon = p[7] or (0, 0)
    if p[7] == (0, 0):
        raise p.lexer.unexpected(p[8], "EVERY, FOR")
    interval = _time_interval(select)
    if interval == 0 and any(isinstance(part, Call) for field in select.fields for part in field.walk()):
        raise p.lexer.unexpected(p.lexer.before(p[10]), "GROUP BY time(...)")
    minimum = max(every, interval)
    if horizon and minimum > horizon:
        message = (
            f"FOR duration must be >= GROUP BY time duration: must be a minimum of {format_duration(minimum)}, "
            f"got {format_duration(horizon)}"
        )
        raise p.lexer.error(message, Lexeme("", p[1].span.to(p[8].span), ""))
    p[0] = nodes.CreateContinuousQuery(str(p[4].value), str(p[6].value), select, every, horizon, span=span_of(p))


def _time_interval(select: Select) -> int:
    """ns of `GROUP BY time(…)`, 0 without one."""
    for dimension in select.dimensions:
        match dimension.expression:
            case Call(name="time", args=(DurationLiteral(nanoseconds), *_)):
                return nanoseconds
    return 0


def p_resample(p: Production) -> None:
    """resample :
    | RESAMPLE EVERY DURATIONVAL
    | RESAMPLE FOR DURATIONVAL
    | RESAMPLE EVERY DURATIONVAL FOR DURATIONVAL
    """
    given = {str(p[index].value): to_duration(p, p[index + 1]) for index in range(2, len(p), 2)}
    p[0] = (given.get("EVERY", 0), given.get("FOR", 0)) if given else None


def p_create_subscription(p: Production) -> None:
    """create : CREATE SUBSCRIPTION IDENT ON IDENT DOT IDENT DESTINATIONS subscription_mode strings"""
    p[0] = nodes.CreateSubscription(
        str(p[3].value),
        str(p[5].value),
        str(p[7].value),
        p[9].value,
        tuple(str(destination.value) for destination in p[10]),
        span=span_of(p),
    )


def p_subscription_mode(p: Production) -> None:
    """subscription_mode : ALL
    | ANY
    """
    p[0] = p[1]


def p_strings_first(p: Production) -> None:
    """strings : STRING"""
    p[0] = [p[1]]


def p_strings_next(p: Production) -> None:
    """strings : strings COMMA STRING"""
    p[1].append(p[3])
    p[0] = p[1]


# --- DROP and DELETE ------------------------------------------------------------------------------------------------


def p_drop_by_name(p: Production) -> None:
    """drop : DROP DATABASE IDENT
    | DROP MEASUREMENT IDENT
    | DROP USER IDENT
    """
    statement = {"DATABASE": nodes.DropDatabase, "MEASUREMENT": nodes.DropMeasurement, "USER": nodes.DropUser}
    p[0] = statement[str(p[2].value)](str(p[3].value), span=span_of(p))


def p_drop_on_database(p: Production) -> None:
    """drop : DROP CONTINUOUS QUERY IDENT ON IDENT
    | DROP RETENTION POLICY IDENT ON IDENT
    """
    statement = nodes.DropContinuousQuery if p[2].value == "CONTINUOUS" else nodes.DropRetentionPolicy
    p[0] = statement(str(p[4].value), str(p[6].value), span=span_of(p))


def p_drop_shard(p: Production) -> None:
    """drop : DROP SHARD INTEGER"""
    p[0] = nodes.DropShard(to_uint64(p, p[3]), span=span_of(p))


def p_drop_subscription(p: Production) -> None:
    """drop : DROP SUBSCRIPTION IDENT ON IDENT DOT IDENT"""
    p[0] = nodes.DropSubscription(str(p[3].value), str(p[5].value), str(p[7].value), span=span_of(p))


def p_drop_series(p: Production) -> None:
    """drop : DROP SERIES FROM measurements where
    | DROP SERIES WHERE expression
    """
    sources: list[Measurement] = p[4] if len(p) == 6 else []
    _refuse_qualified(p, sources)
    p[0] = nodes.DropSeries(tuple(sources), p[len(p) - 1], span=span_of(p))


def p_delete(p: Production) -> None:
    """delete : DELETE FROM measurements where
    | DELETE WHERE expression
    """
    sources: list[Measurement] = p[3] if len(p) == 5 else []
    _refuse_qualified(p, sources)
    p[0] = nodes.Delete(tuple(sources), p[len(p) - 1], span=span_of(p))


def _refuse_qualified(p: Production, sources: list[Measurement]) -> None:
    hint = "these statements act on all retention policies of the current database"
    for source in sources:
        if source.database or source.retention_policy:
            what = "retention policy" if source.retention_policy else "database"
            # InfluxDB gives this error no position of its own, which prints as the first character.
            raise p.lexer.error(f"{what} not supported at line 1, char 1", Lexeme("", source.span, ""), hint=hint)


# --- users and queries ----------------------------------------------------------------------------------------------


def p_create_user(p: Production) -> None:
    """create : CREATE USER IDENT WITH PASSWORD STRING
    | CREATE USER IDENT WITH PASSWORD STRING WITH ALL PRIVILEGES
    """
    p[0] = nodes.CreateUser(str(p[3].value), str(p[6].value), len(p) > 7, span=span_of(p))


def p_set_password(p: Production) -> None:
    """set : SET PASSWORD FOR IDENT EQ STRING"""
    p[0] = nodes.SetPassword(str(p[4].value), str(p[6].value), span=span_of(p))


def p_grant(p: Production) -> None:
    """grant : GRANT privilege ON IDENT TO IDENT
    | GRANT all_privileges ON IDENT TO IDENT
    """
    p[0] = nodes.Grant(p[2].value, str(p[4].value), str(p[6].value), span=span_of(p))


def p_grant_admin(p: Production) -> None:
    """grant : GRANT all_privileges TO IDENT"""
    p[0] = nodes.GrantAdmin(str(p[4].value), span=span_of(p))


def p_revoke(p: Production) -> None:
    """revoke : REVOKE privilege ON IDENT FROM IDENT
    | REVOKE all_privileges ON IDENT FROM IDENT
    """
    p[0] = nodes.Revoke(p[2].value, str(p[4].value), str(p[6].value), span=span_of(p))


def p_revoke_admin(p: Production) -> None:
    """revoke : REVOKE all_privileges FROM IDENT"""
    p[0] = nodes.RevokeAdmin(str(p[4].value), span=span_of(p))


def p_privilege(p: Production) -> None:
    """privilege : READ
    | WRITE
    """
    p[0] = p[1]


def p_all_privileges(p: Production) -> None:
    """all_privileges : ALL
    | ALL PRIVILEGES
    """
    p[0] = Lexeme("ALL PRIVILEGES", span_of(p), "ALL")


def p_kill_query(p: Production) -> None:
    """kill : KILL QUERY INTEGER
    | KILL QUERY INTEGER ON IDENT
    """
    host = str(p[5].value) if len(p) == 6 else ""
    p[0] = nodes.KillQuery(to_uint64(p, p[3]), host, span=span_of(p))
