"""The engine as its users see it: databases, policies, writes and what they refuse, reopening, names."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from influxish.errors import ExecutionError, NotFound, PartialWrite, StorageError
from influxish.functions.expression import Comparison, Literal, Logical, Reference
from influxish.storage.catalog_file import FORMAT_VERSION
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.framing import pack_file_header
from influxish.storage.interface import RetentionPolicy, ScanStats
from influxish.storage.points import PointBatch
from influxish.storage.segment_format import MAGIC as SEGMENT_MAGIC
from influxish.storage.wal import MAGIC as LOG_MAGIC
from influxish.types import DAY, HOUR, MAX_TIME, MIN_TIME, WEEK, DataType, TimeRange
from tests.storage.helpers import contents, rejected, request, rows, write

T0 = 1_577_836_800_000_000_000  # 2020-01-01, a Wednesday


@pytest.fixture(params=["memory", "folder"])
def engine(request: pytest.FixtureRequest, tmp_path: Path):
    with Engine.open(None if request.param == "memory" else tmp_path / "store") as opened:
        opened.create_database("d")
        yield opened


def test_what_was_written_is_read_before_and_after_a_flush(engine: Engine) -> None:
    write(engine, 'm,h=a v=1,i=2i,s="x",b=t 10\nm,h=b v=2 10\nm v=3 5')
    expected = {("a", 10): {"v": 1.0, "i": 2, "s": "x", "b": True}, ("b", 10): {"v": 2.0}, ("", 5): {"v": 3.0}}
    assert contents(engine) == expected
    engine.flush()
    assert contents(engine) == expected


def test_a_later_value_wins_and_other_fields_stay(engine: Engine) -> None:
    for lines in ("m,h=a v=1,i=1i 1", "m,h=a v=2 1\nm,h=a v=9 2", "m,h=a i=5i 1"):
        write(engine, lines)
        engine.flush()
    write(engine, "m,h=a v=8 2\nm,h=a v=7 2")
    assert contents(engine) == {("a", 1): {"v": 2.0, "i": 5}, ("a", 2): {"v": 7.0}}


def test_everything_is_there_after_reopening_with_and_without_a_flush(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        engine.create_policy("d", RetentionPolicy("short", 365 * 100 * DAY, DAY))
        write(engine, 'm,h=a v=1,s="é" 10')
        engine.flush()
        write(engine, f"m,h=b v=2 11\nm,h=b v=3 {T0}")
        write(engine, f"n,k=1 v=2i {T0}", policy="short")
        before = contents(engine)
        # a copy made while rows are in the log only
        copy = tmp_path / "copy"
        subprocess.run(["cp", "-r", str(tmp_path / "store"), str(copy)], check=True)
    for folder in (tmp_path / "store", copy):
        with Engine.open(folder) as engine:
            assert engine.damage == []
            assert contents(engine) == before
            assert [policy.name for policy in engine.policies("d")] == ["autogen", "short"]
            assert engine.field_keys("d", "n") == {"v": (DataType.INTEGER,)}
            assert engine.tag_values("d", "m", "h") == ["a", "b"]
            assert len(engine.shards("d", "short")) == 1


def test_unknown_names_are_refused(engine: Engine) -> None:
    batch = PointBatch.from_columns("m", [1], {}, {"v": [1.0]})
    with pytest.raises(NotFound, match="database not found: x"):
        engine.write("x", "", batch)
    with pytest.raises(NotFound, match="retention policy not found: x"):
        engine.write("d", "x", batch)
    with pytest.raises(NotFound, match="database not found: x"):
        engine.shards("x")
    assert not engine.has_policy("x", "autogen")
    assert engine.has_policy("d", "autogen")
    assert engine.default_policy("d") == "autogen"


def test_a_field_of_another_type_refuses_its_points_only(engine: Engine) -> None:
    write(engine, "m,h=a v=1 1")
    error = rejected(engine, "m,h=a v=5i 2\nm,h=a v=6 3\nm,h=a v=7i,i=1i 4\nm,h=a i=1i 5")
    conflict = 'input field "v" on measurement "m" is type integer, already exists as type float'
    assert str(error) == f"field type conflict: {conflict} dropped=2"
    assert [line for line, _ in error.rejected] == [1, 3]
    assert error.written == 2
    assert contents(engine) == {("a", 1): {"v": 1.0}, ("a", 3): {"v": 6.0}, ("a", 5): {"i": 1}}


def test_a_type_is_fixed_per_shard_also_after_flush_and_reopening(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, f"m v=1 {T0}\nm v=1i {T0 + WEEK}")
        assert engine.field_keys("d", "m") == {"v": (DataType.FLOAT, DataType.INTEGER)}
    for _ in range(2):
        with Engine.open(tmp_path) as engine:
            assert "is type integer, already exists as type float" in str(rejected(engine, f"m v=2i {T0}"))
            assert "is type float, already exists as type integer" in str(rejected(engine, f"m v=2 {T0 + WEEK}"))


def test_a_field_called_time_is_left_out_and_a_tag_called_time_refused(engine: Engine) -> None:
    error = rejected(engine, "m time=5 1\nm time=5,v=1 2")
    assert str(error) == 'invalid field name: input field "time" on measurement "m" is invalid dropped=1'
    error = rejected(engine, "m,time=x v=1 3")
    assert str(error) == 'invalid tag key: input tag "time" on measurement "m" is invalid dropped=1'
    assert contents(engine) == {("", 2): {"v": 1.0}}


def test_points_beyond_the_retention_policy_are_refused(engine: Engine) -> None:
    engine.create_policy("d", RetentionPolicy("hour", HOUR, HOUR))
    now = time.time_ns()
    with pytest.raises(PartialWrite, match="points beyond retention policy dropped=1") as caught:
        write(engine, f"m v=1 {now - 2 * HOUR}\nm v=2 {now}", policy="hour")
    assert caught.value.written == 1


def test_shard_groups_begin_on_mondays_and_hold_the_ends_of_time(engine: Engine) -> None:
    write(engine, f"m v=1 {T0}\nm v=1 {MIN_TIME}\nm v=2 {MAX_TIME}\nm v=3 0\nm v=4 -1")
    starts = [shard.time_range.start for shard in engine.shards("d")]
    assert starts == [MIN_TIME, -3 * DAY, T0 - 2 * DAY, starts[-1]]  # 1970-01-01 is a Thursday
    assert engine.shards("d")[-1].time_range.stop == MAX_TIME + 1
    assert len(contents(engine)) == 5
    found = engine.shards("d", "", TimeRange(T0, T0 + 1))
    assert [shard.time_range for shard in found] == [TimeRange(T0 - 2 * DAY, T0 + 5 * DAY)]


def test_databases_and_policies_are_made_once_and_dropped_whole(engine: Engine) -> None:
    write(engine, "m v=1 1")
    engine.create_database("d")
    assert contents(engine) == {("", 1): {"v": 1.0}}
    engine.create_policy("d", RetentionPolicy("p", 0, DAY, default=True))
    engine.create_policy("d", RetentionPolicy("p", 0, DAY))
    assert engine.default_policy("d") == "p"
    with pytest.raises(ExecutionError, match="retention policy already exists"):
        engine.create_policy("d", RetentionPolicy("p", HOUR, HOUR))
    snapshot = engine.shards("d", "autogen")
    engine.drop_database("d")
    engine.drop_database("d")
    assert engine.databases() == []
    engine.create_database("d")
    assert contents(engine) == {}
    assert engine.measurements("d") == []
    assert len(snapshot) == 1


def test_a_dropped_database_stays_dropped_though_the_log_knows_its_rows(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        write(engine, "m v=1 1")
        engine.drop_database("d")
        engine.create_database("d")
        subprocess.run(["cp", "-r", str(tmp_path / "store"), str(tmp_path / "copy")], check=True)
    with Engine.open(tmp_path / "copy") as engine:
        assert contents(engine) == {}
        write(engine, 'm v="now a string" 1')


def test_names_are_found_by_conditions_over_tags(engine: Engine) -> None:
    write(engine, "m,h=a,r=x v=1 1\nm,h=b,r=y v=1 1\nm,r=x v=1 1\nn,k=1 w=t 1")

    def tag(name: str, op: str, value: str) -> Comparison:
        reference = Reference(name, type=DataType.TAG)
        return Comparison(op, reference, Literal(value, type=DataType.STRING), type=DataType.BOOLEAN)

    assert engine.measurements("d") == ["m", "n"]
    assert engine.tag_keys("d", "m") == ["h", "r"]
    assert engine.tag_keys("d", "m", tag("h", "=", "")) == ["r"]
    assert engine.tag_values("d", "m", "h") == ["a", "b"]
    assert engine.tag_values("d", "m", "h", tag("r", "!=", "x")) == ["b"]
    assert engine.tag_values("d", "m", "nope") == []
    assert engine.series_keys("d", "m", tag("h", "!=", "a")) == [(("h", "b"), ("r", "y")), (("r", "x"),)]
    both = Logical("OR", (tag("h", "=", "a"), tag("nope", "!=", "")), type=DataType.BOOLEAN)
    assert engine.series_keys("d", "m", both) == [(("h", "a"), ("r", "x"))]
    assert engine.series_keys("d", "unknown") == []


def test_shards_of_one_database_share_their_group_tables(engine: Engine) -> None:
    write(engine, f"m,h=a v=1 {T0}\nm,h=b v=1 {T0 + WEEK}")
    tables = {id(batch.groups) for shard in engine.shards("d") for batch in shard.scan(request(), ScanStats())}
    assert len(tables) == 1


def test_a_snapshot_shows_its_moment_whatever_happens_later(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        seen = []
        for value in range(6):
            write(engine, f"m,h=a v={value} 1\nm,h=b v={value} {value}")
            if value % 2:
                engine.flush()
            seen.append((engine.shards("d"), contents(engine)))
        engine.flush()
        engine.drop_database("d")
        for shards, expected in seen:
            assert dict(row for shard in shards for row in rows(shard, request())) == expected


def test_many_flushes_end_in_few_segments_with_the_same_rows(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        for number in range(40):
            write(engine, f"m,h=a v={number} {number}\nm,h=b v={number} 7\nn v={number} {number % 3}")
            engine.flush()
        files = list(tmp_path.glob("data/*/*/*.seg"))
        assert len(files) < 12
        before = contents(engine), contents(engine, request("n", dimensions=()))
    with Engine.open(tmp_path) as engine:
        assert (contents(engine), contents(engine, request("n", dimensions=()))) == before
    assert before[0][("b", 7)] == {"v": 39.0}
    assert len(before[0]) == 41


def test_a_memtable_that_grows_large_is_flushed_by_itself(tmp_path: Path) -> None:
    with Engine.open(tmp_path, StorageOptions(memtable_bytes=100_000)) as engine:
        engine.create_database("d")
        for step in range(10):
            times = np.arange(5000) + step * 5000
            engine.write("d", "", PointBatch.from_columns("m", times, {"h": "a"}, {"v": times * 0.5}))
        assert list(tmp_path.glob("data/*/*/*.seg"))
        assert len(list(tmp_path.glob("wal/*.wal"))) == 1
        assert len(contents(engine)) == 50_000


def test_a_second_process_is_refused_with_the_holders_id(tmp_path: Path) -> None:
    script = (
        "import sys; from influxish.storage.engine import Engine;"
        f"Engine.open({str(tmp_path)!r}); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match=f"in use by process {holder.pid}"):
            Engine.open(tmp_path)
    finally:
        holder.stdin.close()
        holder.wait()
    Engine.open(tmp_path).close()


def test_files_of_a_newer_version_are_refused_politely(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m v=1 1")
    (segment,) = tmp_path.glob("data/*/*/*.seg")
    original = segment.read_bytes()
    segment.write_bytes(pack_file_header(SEGMENT_MAGIC, 99) + original[16:])
    log = tmp_path / "wal" / "0000000099.wal"
    for path, data, known in ((segment, original, 1), (log, pack_file_header(LOG_MAGIC, 99), 2)):
        if path is log:
            log.write_bytes(data)
        with pytest.raises(StorageError, match=f"has format version 99, but this program reads up to {known}"):
            Engine.open(tmp_path)
        path.write_bytes(original) if path is segment else path.unlink()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    connection.close()
    with pytest.raises(StorageError, match=f"has format version {FORMAT_VERSION + 1}"):
        Engine.open(tmp_path)


def test_a_closed_store_says_so_and_closing_twice_is_safe(engine: Engine) -> None:
    engine.close()
    engine.close()
    with pytest.raises(StorageError, match="is closed"):
        write(engine, "m v=1 1")
    with pytest.raises(StorageError, match="is closed"):
        engine.shards("d")


def test_a_flush_goes_on_while_policies_are_made() -> None:
    engine = Engine.open(None)
    engine.create_database("d")
    failures: list[BaseException] = []
    done = threading.Event()

    def flusher() -> None:
        try:
            while not done.is_set():
                engine.flush()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=flusher)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        for number in range(2_000):
            engine.create_policy("d", RetentionPolicy(f"p{number}", 0, WEEK))
            if failures:
                break
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)
        engine.close()
    assert not failures


def test_writers_and_readers_at_once_see_whole_writes(tmp_path: Path) -> None:
    with Engine.open(tmp_path, StorageOptions(memtable_bytes=40_000)) as engine:
        engine.create_database("d")
        failures: list[BaseException] = []
        done = threading.Event()

        def writer(host: str) -> None:
            try:
                for step in range(60):
                    times = np.arange(20) + step * 20
                    engine.write("d", "", PointBatch.from_columns("m", times, {"h": host}, {"v": np.full(20, 1.0)}))
            except BaseException as error:
                failures.append(error)

        def reader() -> None:
            try:
                while not done.is_set():
                    counts: dict[str, int] = {}
                    for host, _ in contents(engine):
                        counts[host] = counts.get(host, 0) + 1
                    assert all(count % 20 == 0 for count in counts.values())
            except BaseException as error:
                failures.append(error)

        writers = [threading.Thread(target=writer, args=(host,)) for host in "abc"]
        watching = threading.Thread(target=reader)
        for thread in (*writers, watching):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        watching.join()
        assert failures == []
        assert len(contents(engine)) == 3 * 1200


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 300, "x" * 300 + "/below"])
def test_a_path_that_cannot_be_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError) as caught:
        Engine.open(tmp_path / name)
    assert str(tmp_path) in str(caught.value)
    assert repr(name)[1:-1] in str(caught.value)
    assert list(tmp_path.iterdir()) == []
