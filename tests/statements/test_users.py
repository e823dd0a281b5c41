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
