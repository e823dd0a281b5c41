"""Names that have no bytes, since they hold half of a surrogate pair, are refused wherever they would be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import influxish
from influxish.errors import InfluxishError

HALF = "\ud800"


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        f'CREATE DATABASE "{HALF}"',
        f'CREATE RETENTION POLICY "{HALF}" ON d DURATION 1d REPLICATION 1',
        f"CREATE USER \"{HALF}\" WITH PASSWORD 'x'",
        f"CREATE SUBSCRIPTION \"{HALF}\" ON d.autogen DESTINATIONS ALL 'http://h:1'",
        f'CREATE CONTINUOUS QUERY "{HALF}" ON d BEGIN SELECT mean(v) INTO t FROM m GROUP BY time(1m) END',
        f'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(v) INTO "{HALF}" FROM m GROUP BY time(1m) END',
        f'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(v) AS "{HALF}" INTO t FROM m GROUP BY time(1m) END',
        f'SELECT mean(v) INTO "{HALF}" FROM m',
        f'SELECT mean(v) AS "{HALF}" INTO t FROM m',
    ],
)
def test_a_name_without_bytes_is_refused_and_nothing_is_kept(tmp_path: Path, folder: bool, text: str) -> None:
    with influxish.open(tmp_path / "store" if folder else ":memory:") as db:
        db.create_database("d")
        db.write("m v=1 1", database="d")
        asked = "SHOW DATABASES; SHOW RETENTION POLICIES; SHOW USERS; SHOW SUBSCRIPTIONS; SHOW CONTINUOUS QUERIES"

        def kept() -> list[object]:
            statements = db.run(f"{asked}; SHOW MEASUREMENTS", database="d")
            return [[column.values.tolist() for column in chunk.values] for each in statements for chunk in each.chunks]

        before = kept()
        with pytest.raises(InfluxishError) as refused:
            db.query(text, database="d")
        str(refused.value.args[0]).encode()
        assert kept() == before


def test_a_database_named_from_python_needs_bytes() -> None:
    with influxish.open() as db, pytest.raises(InfluxishError):
        db.create_database(HALF)
