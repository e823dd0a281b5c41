"""Seeded statements that change what there is (policies, databases, users, subscriptions, points), and looks at it between."""

# ruff: noqa: E501  lists of fragments are read along the line

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.differential.data import START, WEEK, Scene
from tests.differential.questions import Question

_DATABASES = ("d", "d", "d", "e", "e", '"wide db"', "nodb")
_POLICIES = ("autogen", "autogen", "rp", "rp", "p2", '"wide rp"', "norp")
_USERS = ("jdoe", "jdoe", "root", '"j doe"', "nobody")
_DURATIONS = ("INF", "0s", "1h", "30m", "1d", "2d", "7d", "26w", "52w", "200d", "90m", "1000w", "1ns")
_SUBSCRIPTIONS = ("s", "t", '"wide s"')
_URLS = (
    "'udp://127.0.0.1:9'",
    "'http://127.0.0.1:9'",
    "'https://a.example:1', 'udp://b.example:2'",
    "'ftp://a:1'",
    "'http://a'",
)
_SELECTS = (
    "SELECT mean(v) INTO d..t FROM m GROUP BY time(1h)",
    "SELECT max(v) AS a, min(*) INTO e.rp.:MEASUREMENT FROM d../m|n/ WHERE h =~ /a/ GROUP BY time(30m, 5m), * fill(none)",
    'SELECT percentile("two words", 95) + 1 INTO "wide db".."wide name" FROM d.autogen.m WHERE time > now() - 1w GROUP BY h, time(2d)',
    "SELECT v INTO d..t FROM m",
    "SELECT count(v::float) INTO d..t FROM (SELECT v FROM m WHERE b = true OR -v < 2) GROUP BY time(7s) fill(linear)",
    "SELECT difference(max(v)) INTO d..t FROM m GROUP BY time(90m) fill(-2.5) tz('Europe/Berlin')",
    "SELECT mean(v) INTO d..t FROM m GROUP BY h",
    "SELECT mean(v) INTO d..t FROM m WHERE time > 0 GROUP BY time(1h) ORDER BY time DESC LIMIT 3 SLIMIT 1",
)
_CONDITIONS = (
    "h = 'a'", "h != 'a'", "h =~ /a|b/", "r !~ /x/", "h = 'zz'", "h = ''", "v > 1", "time > 0", f"time < {START + WEEK}", "time < 0",
    f"time > {START + WEEK} AND h = 'a'", "h = 'a' OR r = 'y'", "h = 'b' AND k = '1'", "h = 'nowhere' AND v > 1",
    "time > '2019-01-01' AND time < '2020-01-01T00:10:00Z'", "nosuch = 'x'", "nosuch != 'x'", "true", "false",
)  # fmt: skip
_SOURCES = ("m", "n", "m, n", "/m/", '"wide name"', "nothing", "mixed, /^n/", "old", "rp.m", "d..m")

# Word → what may stand for it.
_FRAGMENTS = {
    "{db}": _DATABASES, "{rp}": _POLICIES, "{user}": _USERS, "{duration}": _DURATIONS, "{sub}": _SUBSCRIPTIONS, "{url}": _URLS,
    "{condition}": _CONDITIONS, "{from}": _SOURCES,
    "{shard}": ("", "", " SHARD DURATION 1h", " SHARD DURATION 2h", " SHARD DURATION 1d", " SHARD DURATION 0s", " SHARD DURATION 30m", " SHARD DURATION 26w"),
    "{default}": ("", "", " DEFAULT"), "{replication}": ("1", "1", "1", "2"),
    "{privilege}": ("READ", "WRITE", "ALL", "ALL PRIVILEGES"), "{password}": ("'x'", "'y'"), "{admin}": ("", "", " WITH ALL PRIVILEGES"),
    "{mode}": ("ALL", "ANY"), "{cq}": ("q", "q", "r", '"wide q"'), "{select}": _SELECTS,
    "{resample}": ("", "", " RESAMPLE EVERY 30m", " RESAMPLE FOR 2h", " RESAMPLE EVERY 1h FOR 3d", " RESAMPLE FOR 1s"),
    "{change}": ("DURATION {duration}", "SHARD DURATION 1d", "SHARD DURATION 3h", "DEFAULT", "REPLICATION 1", "DURATION {duration} DEFAULT", "DURATION 3d SHARD DURATION 2h"),
    "{with}": ("", "", " WITH REPLICATION 2", " WITH DURATION 1d REPLICATION 2 NAME rp", " WITH NAME {rp}", " WITH DURATION {duration}", " WITH DURATION {duration} NAME {rp}", " WITH SHARD DURATION 1d", " WITH DURATION 2d REPLICATION 1 SHARD DURATION 3h NAME rp"),
}  # fmt: skip

_ADMINISTRATION = {
    "CREATE RETENTION POLICY {rp} ON {db} DURATION {duration} REPLICATION {replication}{shard}{default}": 6,
    "ALTER RETENTION POLICY {rp} ON {db} {change}": 5,
    "DROP RETENTION POLICY {rp} ON {db}": 2,
    "CREATE DATABASE {db}{with}": 3,
    "DROP DATABASE {db}": 1,
    "SHOW RETENTION POLICIES ON {db}": 8,
    "SHOW DATABASES": 2,
    "SHOW SHARD GROUPS": 1,
    "CREATE USER {user} WITH PASSWORD {password}{admin}": 1.5,
    "DROP USER {user}": 0.7,
    "SET PASSWORD FOR {user} = {password}": 0.7,
    "GRANT {privilege} ON {db} TO {user}": 3,
    "REVOKE {privilege} ON {db} FROM {user}": 3,
    "GRANT ALL TO {user}": 0.5,
    "REVOKE ALL PRIVILEGES FROM {user}": 0.5,
    "SHOW USERS": 2,
    "SHOW GRANTS FOR {user}": 4,
    "CREATE SUBSCRIPTION {sub} ON {db}.{rp} DESTINATIONS {mode} {url}": 3,
    "DROP SUBSCRIPTION {sub} ON {db}.{rp}": 2,
    "SHOW SUBSCRIPTIONS": 3,
    "CREATE CONTINUOUS QUERY {cq} ON {db}{resample} BEGIN {select} END": 4,
    "DROP CONTINUOUS QUERY {cq} ON {db}": 1,
    "SHOW CONTINUOUS QUERIES": 3,
    "KILL QUERY 99999999": 0.2,
    "SHOW DATABASES;; SHOW USERS;": 0.5,
}
_DELETIONS = {
    "DELETE FROM {from}": 0.3,
    "DELETE FROM {from} WHERE {condition}": 3,
    "DELETE WHERE {condition}": 2,
    "DROP SERIES FROM {from}": 0.2,
    "DROP SERIES FROM {from} WHERE {condition}": 2,
    "DROP SERIES WHERE {condition}": 1,
    "DROP MEASUREMENT m": 0.1,
    'DROP MEASUREMENT "wide name"': 0.1,
    "DROP SHARD 99999999": 0.1,
    "SHOW SERIES": 4,
    "SHOW SERIES EXACT CARDINALITY": 1,
    "SELECT count(v), count(i) FROM /./": 3,
    "SELECT v, i, h, r FROM m": 1,
}
"""No list of fields, measurements or values: there the server keeps some of what deletions took the last series of."""


def draw_changes(scene: Scene, seed: int, count: int) -> Iterator[Question]:
    """The statements of a seed, which build on each other."""
    random = Random(f"changes {seed}")
    statements = _DELETIONS if seed % 3 == 2 else _ADMINISTRATION
    for _ in range(count):
        text = random.choices(list(statements), list(statements.values()))[0]
        feature = " ".join(word for word in text.split("{")[0].split() if word.isupper())
        while "{" in text:
            for word, choices in _FRAGMENTS.items():
                if word in text:
                    text = text.replace(word, random.choice(choices), 1)
        yield Question(text, (f"change:{feature}",))
