"""Copies of written points reach those who subscribed, and nobody who writes waits for them."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import influxish
from influxish.database import Database
from influxish.delivery.destinations import HttpDestination
from influxish.errors import InfluxishError
from influxish.storage.catalog import Catalog
from tests.delivery.listeners import CERTIFICATE, accepting_nothing, closed_port, listening, listening_to_datagrams

SECONDS = 10


@pytest.fixture
def db() -> Iterator[Database]:
    with influxish.open(deliver_subscriptions=True, subscription_timeout=5) as database:
        database.create_database("demo")
        yield database


def subscribe(db: Database, *urls: str, name: str = "s", mode: str = "ALL", policy: str = "autogen") -> None:
    destinations = ", ".join(f"'{url}'" for url in urls)
    db.query(f'CREATE SUBSCRIPTION "{name}" ON demo."{policy}" DESTINATIONS {mode} {destinations}')


def sent(db: Database) -> bool:
    return db.delivery.flush(SECONDS)


def test_points_go_to_a_server_as_a_client_sends_them(db: Database) -> None:
    with listening() as listener:
        subscribe(db, f"{listener.url.replace('://', '://us%20er:p%3Aw@')}/some/path?x=1")
        db.write('m,h=a\\ b v=1.5,i=2i,s="x\\"y",b=true 1\nm v=1.5e20 2', database="demo")
        assert sent(db)
    ((path, headers, body),) = listener.requests
    assert path == "/some/path/write?consistency=&db=demo&precision=ns&rp=autogen&x=1"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"us er:p:w").decode()
    assert body == 'm,h=a\\ b v=1.5,i=2i,s="x\\"y",b=true 1\nm v=1.5e+20 2\n'
    assert db.delivery.failures() == []


def test_points_go_to_a_server_with_a_certificate(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with listening(tls=True) as listener:
        subscribe(db, listener.url)
        db.write("m v=1 1", database="demo")
        assert sent(db)
    assert listener.lines == ["m v=1.0 1"]


def test_a_certificate_that_nobody_trusts_is_a_failure(db: Database) -> None:
    with listening(tls=True) as listener:
        subscribe(db, listener.url)
        db.write("m v=1 1", database="demo")
        assert sent(db)
    assert listener.lines == []
    (told,) = db.delivery.failures()
    assert "CERTIFICATE_VERIFY_FAILED" in told


def test_each_point_is_a_datagram(db: Database) -> None:
    with listening_to_datagrams() as listener:
        subscribe(db, f"udp://127.0.0.1:{listener.getsockname()[1]}")
        db.write("m,h=a v=1 1\nm,h=b v=2 2", database="demo", precision="s")
        assert listener.recv(65_535) == b"m,h=a v=1.0 1000000000"
        assert listener.recv(65_535) == b"m,h=b v=2.0 2000000000"


def test_only_what_was_written_is_sent_and_only_to_its_policy(db: Database) -> None:
    with listening() as listener, listening() as other:
        list(db.run("CREATE RETENTION POLICY rp ON demo DURATION INF REPLICATION 1; CREATE DATABASE d2"))
        subscribe(db, listener.url)
        subscribe(db, other.url, policy="rp")
        db.write("m v=1 1", database="demo")
        with pytest.raises(InfluxishError, match="field type conflict"):
            db.write("m v=2i 2\nm v=3 3", database="demo")
        db.write({"time": [4, 5], "v": [1.0, None], "w": [None, 7]}, measurement="m", database="demo", policy="rp")
        db.write("m v=6 6", database="d2")
        assert sent(db)
    assert listener.lines == ["m v=1.0 1", "m v=3.0 3"]
    assert other.lines == ["m v=1.0 4", "m w=7i 5"]


def test_any_takes_turns_and_passes_by_those_that_are_down(db: Database) -> None:
    with listening() as first, listening() as second:
        subscribe(db, first.url, f"http://127.0.0.1:{closed_port()}", second.url, mode="ANY")
        for number in range(4):
            db.write(f"m v={number} {number}", database="demo")
            assert sent(db)
    assert first.lines == ["m v=0.0 0", "m v=2.0 2"]
    assert second.lines == ["m v=1.0 1", "m v=3.0 3"]
    (told,) = db.delivery.failures()
    assert "2 writes failed" in told
    assert "Connection refused" in told


def test_what_a_server_refuses_is_counted_and_not_sent_again(db: Database) -> None:
    with listening() as listener:
        listener.status = 503
        subscribe(db, listener.url.replace("://", "://jdoe:secret@"))
        db.write("m v=1 1", database="demo")
        assert sent(db)
        listener.status = 204
        db.write("m v=2 2\nm v=3 3", database="demo")
        assert sent(db)
    assert len(listener.requests) == 2
    total, each = db.query("SHOW STATS FOR 'subscriber'")
    assert [column.values.tolist() for column in total.values] == [[2], [1]]
    assert [column.values.tolist() for column in each.values] == [[2], [1]]
    assert each.tags["name"] == "s"
    (told,) = db.delivery.failures()
    assert "jdoe:[REDACTED]@" in told
    assert "secret" not in told
    assert 'status 503: {"error":"no room"}' in told


def test_no_write_waits_for_a_destination_and_what_finds_no_room_is_counted() -> None:
    with listening() as listener, influxish.open(deliver_subscriptions=True, subscription_buffer=3) as db:
        listener.blocked.clear()
        db.create_database("demo")
        subscribe(db, listener.url)
        started = time.monotonic()
        for number in range(10):
            db.write(f"m v={number} {number}", database="demo")
            while number == 0 and db.delivery.outlets()[0]._waiting:
                time.sleep(0.001)  # until the first one is under way
        assert time.monotonic() - started < SECONDS / 2
        assert (db.delivery.accepted_writes, db.delivery.dropped_writes) == (4, 6)
        assert db.delivery.failures() == ["subscription s on demo.autogen: 6 points were dropped while too many waited"]
        listener.blocked.set()
        assert sent(db)
        assert listener.lines == [f"m v={number}.0 {number}" for number in range(4)]
        assert len(listener.requests) == 2  # what waited together was sent together


def test_closing_sends_what_waits_and_leaves_a_destination_that_hangs(db: Database) -> None:
    with listening() as quick, listening() as hanging:
        hanging.blocked.clear()
        subscribe(db, quick.url, name="q")
        subscribe(db, hanging.url, name="h")
        for number in range(100):
            db.write(f"m v={number} {number}", database="demo")
        started = time.monotonic()
        db.close()
        assert time.monotonic() - started < 4
        assert len(quick.lines) == 100
        db.close()
    assert not any(thread.name.startswith("influxish-subscription") for thread in threading.enumerate())


def test_closing_waits_for_all_destinations_together(db: Database) -> None:
    with accepting_nothing() as url, listening() as quick:
        for number in range(20):
            subscribe(db, url, name=f"s{number}")
        subscribe(db, quick.url, name="q")
        db.write("m v=1 1", database="demo")
        started = time.monotonic()
        db.close()
        assert 1.5 < time.monotonic() - started < 3.5
        assert quick.lines == ["m v=1.0 1"]
        started = time.monotonic()
        db.close()
        assert time.monotonic() - started < 0.5


def test_a_subscription_that_is_dropped_gets_nothing_more(db: Database) -> None:
    with listening() as listener:
        subscribe(db, listener.url)
        db.write("m v=1 1", database="demo")
        assert sent(db)
        db.query("DROP SUBSCRIPTION s ON demo.autogen")
        db.write("m v=2 2", database="demo")
        assert db.delivery.outlets() == []
        db.query("DROP DATABASE demo")
        db.create_database("demo")
        db.write("m v=3 3", database="demo")
        assert sent(db)
    assert listener.lines == ["m v=1.0 1"]


def test_nothing_is_sent_unless_it_is_asked_for(tmp_path: Path) -> None:
    with listening() as listener:
        with influxish.open(tmp_path) as db:
            db.create_database("demo")
            subscribe(db, listener.url)
            db.write("m v=1 1", database="demo")
            assert sent(db)
        assert listener.requests == []
        with influxish.open(tmp_path, deliver_subscriptions=True) as db:
            db.write("m v=2 2", database="demo")
            assert sent(db)
    assert listener.lines == ["m v=2.0 2"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999",
        "udp://127.0.0.1:99999",
        "http://xn--:1",
        f"http://{'ü' * 80}:1",
        "udp://nosuch.invalid:1",
    ],
)
def test_a_place_that_cannot_be_is_a_failure_and_no_fault(db: Database, url: str) -> None:
    subscribe(db, url)
    db.write("m v=1 1", database="demo")
    assert sent(db)
    (told,) = db.delivery.failures()
    assert "1 writes failed" in told


def test_what_a_query_writes_is_sent_as_well(db: Database) -> None:
    with listening() as listener:
        db.write("m,h=a v=1 1\nm,h=b v=3 2", database="demo")
        subscribe(db, listener.url)
        db.query("SELECT mean(v) INTO t FROM m GROUP BY h", database="demo")
        assert sent(db)
    assert sorted(listener.lines) == ["t,h=a mean=1.0 0", "t,h=b mean=3.0 0"]


@pytest.mark.parametrize(
    "url",
    ["http://[\x01]:80", "http://h:80/\ud800", "http://u:\udfff@h:80", f"udp://h:{'8' * 5_000}", "http://[a\x7f]:80"],
)
def test_a_destination_that_nothing_can_be_sent_to_is_refused(db: Database, url: str) -> None:
    with pytest.raises(InfluxishError, match=r"^invalid subscription URL: ") as refused:
        subscribe(db, url)
    str(refused.value).encode()
    db.write("m v=1 1", database="demo")
    assert db.delivery.outlets() == []


def test_a_destination_from_before_it_was_refused_fails_and_no_write_does(tmp_path: Path) -> None:
    with influxish.open(tmp_path) as db:
        db.create_database("demo")
        subscribe(db, "http://h:80")
    catalog = Catalog(tmp_path / "catalog.sqlite")
    ((id, *values, _),) = catalog.records("subscriptions")
    with catalog.transaction():
        catalog.change_record("subscriptions", id, *values, json.dumps(["http://[\x01]:80"]))
    catalog.close()
    with influxish.open(tmp_path, deliver_subscriptions=True) as db:
        for number in range(2):
            db.write(f"m v=1 {number}", database="demo")
            assert sent(db)
        (told,) = db.delivery.failures()
    assert "2 writes failed" in told
    assert "no URL of a destination" in told


def test_a_write_is_stored_when_no_thread_can_be_started(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with listening() as listener:
        subscribe(db, listener.url)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", none_left)
            db.write("m v=1 1", database="demo")
        assert db.delivery.failures() == ["subscription s on demo.autogen: 1 points were dropped while too many waited"]
        db.write("m v=2 2", database="demo")
        assert sent(db)
        assert listener.lines == ["m v=2.0 2"]
        assert [row for series in db.query("SELECT v FROM m", database="demo") for row in series.rows] != []


def test_no_more_of_an_answer_is_read_than_is_told(db: Database) -> None:
    with listening() as listener:
        subscribe(db, listener.url)
        listener.status, listener.endless = 500, True
        db.write("m v=1 1", database="demo")
        assert sent(db)
        (told,) = db.delivery.failures()
        assert 'status 500: {"error":"no room"}' in told
        assert len(told) < 1000
        listener.status, listener.endless = 200, False
        for size in (0, 10, 1 << 20):
            listener.answer = b"x" * size
            db.write(f"m v=2 {size}", database="demo")
            assert sent(db)
        assert len(listener.requests) == 4
        assert db.delivery.failures() == [told]


def test_a_fault_in_the_delivery_itself_is_told_and_later_writes_are_sent(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(destination: HttpDestination, body: bytes) -> tuple[int, bytes]:
        raise ZeroDivisionError("this is a fault")

    with listening() as listener:
        subscribe(db, listener.url)
        with monkeypatch.context() as patched:
            patched.setattr(HttpDestination, "_post", faulty)
            db.write("m v=1 1", database="demo")
            assert sent(db)
            with patched.context() as deeper:
                deeper.setattr("influxish.delivery.outlet.write_lines", lambda points: 1 // 0)
                db.write("m v=2 2", database="demo")
                assert sent(db)
        db.write("m v=3 3", database="demo")
        assert sent(db)
        assert listener.lines == ["m v=3.0 3"]
    (told,) = db.delivery.failures()
    assert "2 writes failed" in told
    assert "ZeroDivisionError" in told
