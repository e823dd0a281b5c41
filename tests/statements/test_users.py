"""A password is shown nowhere. What users' statements answer is in tests/cases/40_users.iql."""

from __future__ import annotations

import pytest

from influxish.database import Database
from influxish.errors import InfluxishError


@pytest.mark.parametrize(
    "text",
    [
        "CREATE USER x WITH PASSWORD 'sec\\'ret' WITH FOO",
        "CREATE USER x WITH PASSWORD 'secret' WITH ALL PRIVILEGES FOO",
        "CREATE USER \"\" WITH PASSWORD 'secret'",
        "SET PASSWORD FOR x = 'secret'",
        "SET PASSWORD FOR x = 'secret",
        "SET PASSWORD FOR x =\n'secret' foo",
        "GRANT FOO ON d TO x; SET PASSWORD FOR x = 'secret'",
    ],
)
def test_the_place_of_an_error_shows_no_password(db: Database, text: str) -> None:
    with pytest.raises(InfluxishError) as caught:
        db.query(text)
    _, *below = str(caught.value).splitlines()
    assert "sec" not in "".join(below)


def test_carets_stand_under_their_words_where_a_password_was_taken_out(db: Database) -> None:
    with pytest.raises(InfluxishError) as caught:
        db.query("CREATE USER x WITH PASSWORD 'a long one indeed' WITH FOO")
    _, line, carets = str(caught.value).splitlines()
    assert line == "1 | CREATE USER x WITH PASSWORD [REDACTED] WITH FOO"
    assert line[carets.index("^") :] == "FOO"
    with pytest.raises(InfluxishError) as caught:
        db.query("SET PASSWORD FOR x 'a long one indeed'")
    _, line, carets = str(caught.value).splitlines()
    assert line[carets.index("^") : carets.rindex("^") + 1] == "[REDACTED]"


def test_show_queries_tells_no_password(db: Database) -> None:
    told = list(db.run("CREATE USER jdoe WITH PASSWORD 'secret'; SET PASSWORD FOR jdoe = 'other'; SHOW QUERIES"))
    (chunk,) = told[-1].chunks
    (text,) = chunk.values[1].values.tolist()
    assert text.count("[REDACTED]") == 2
    assert "secret" not in text
    assert "other" not in text


@pytest.mark.parametrize(
    "text",
    [
        "CREATE USER u WITH PASSWROD 'sekrit'",
        "CREATE USER u WITH PASSWROD sekrit",
        "CREATE USER u WITH PASSWORD sekrit",
        'CREATE USER u WITH PASSWORD "sekrit"',
        "CREATE USER \"o'hara\" WITH PASWORD 'sekrit'",
        "CREATE USER u PASSWORD 'sekrit'",
        "CREATE USER u PASSWORD sekrit",
        "CREATE USER u 'sekrit'",
        "CREATE USR u WITH PASSWORD sekrit",
        "SET PASSWORD FOR u = sekrit",
        'SET PASSWORD FOR u = "sekrit"',
        'SET PASSWORD FOR "j doe" "sekrit"',
        "SET PASSWROD FOR u = 'sekrit'",
        "SHOW USERS; SET PASWORD FOR u = sekrit",
        "CREATE SUBSCRIPTION s ON d.autogen DESTINATION ALL 'http://u:sekrit@h:80'",
    ],
)
def test_no_misspelt_statement_shows_a_password_in_its_place(db: Database, text: str) -> None:
    with pytest.raises(InfluxishError) as caught:
        db.query(text)
    _, line, carets, *_ = str(caught.value).splitlines()
    assert "[REDACTED]" in line
    assert "sekrit" not in line
    assert len(carets) <= len(line) + 1


def test_words_that_are_no_passwords_are_shown(db: Database) -> None:
    for text in (
        'CREATE USER "j doe" WITH ALL FOO',
        "SELECT pass, passengers FROM m WHERE h = 'x' FOO",
        'SET PASSWROD FOR "j doe"',
        "CREATE SUBSCRIPTION s ON d.autogen DESTINATION ALL 'http://u@h:80'",
    ):
        with pytest.raises(InfluxishError) as caught:
            db.query(text)
        assert str(caught.value).splitlines()[1] == f"1 | {text}"
    with pytest.raises(InfluxishError) as caught:
        db.query("CREATE USER u WITH PASSWROD 'sekrit' WITH ALL PRIVILEGES")
    _, line, carets, *_ = str(caught.value).splitlines()
    assert line == "1 | CREATE USER u WITH PASSWROD [REDACTED] WITH ALL PRIVILEGES"
    assert line[carets.index("^") : carets.rindex("^") + 1] == "PASSWROD"


def test_no_error_and_no_list_of_queries_tells_the_password_of_a_subscription(db: Database) -> None:
    db.create_database("d")
    for url in (
        "http://u:sekrit@h",
        "http://u:sek/rit@h:80",
        "http://u:sekrit@h:80:80",
        "u:sekrit@h:80",
        "http://%zz u:sekrit@h:1",
    ):
        with pytest.raises(InfluxishError, match=r"^invalid subscription URL: .*u:\[REDACTED\]@h") as caught:
            db.query(f"CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '{url}'")
        assert "rit" not in str(caught.value)
    text = "CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'http://u:sekrit@h:80/p', 'udp://h:1'"
    told = list(db.run(f"{text}; SHOW QUERIES"))
    (chunk,) = told[-1].chunks
    (shown,) = chunk.values[1].values.tolist()
    assert shown.startswith(text.replace("sekrit", "[REDACTED]"))
    assert [each.subscription.destinations for each in db.engine.subscriptions.all()] == [
        ("http://u:sekrit@h:80/p", "udp://h:1")
    ]
