"""Deleting against a plain dict: what is deleted is gone for good, whatever lies where; what is written later stays."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxish.errors import CorruptData, NotFound, StorageError
from influxish.functions.expression import Comparison, Expression, Literal, Reference
from influxish.storage import pieces, segment_writer
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.interface import RetentionPolicy, ScanStats
from influxish.types import ALL_TIME, WEEK, DataType, FieldRequest, SeriesLimit, TimeRange
from tests.storage.helpers import Model, contents, rejected, request, rows, write

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A folder in memory where there is one."""

SHARD = 3_600_000_000_000
"""The database of the property test has shards of an hour; its times are close to both ends of several."""


def host(value: str, op: str = "=") -> Expression:
    reference, literal = Reference("h", type=DataType.TAG), Literal(value, type=DataType.STRING)
    return Comparison(op, reference, literal, type=DataType.BOOLEAN)


@contextmanager
def opened(path: Path | None = None, **options: Any) -> Iterator[Engine]:
    with Engine.open(path, StorageOptions(**options)) as engine:
        if not engine.databases():
            engine.create_database("d")
        yield engine


def test_points_in_a_range_of_time_go_and_others_stay() -> None:
    for flush in (False, True):
        with opened() as engine:
            write(engine, "m,h=a v=1 1\nm,h=a v=2 2\nm,h=a v=3 3\nm,h=b v=4 2\nn,h=a v=5 2")
            if flush:
                engine.flush()
            engine.delete("d", {"m": None}, TimeRange(2, 3))
            assert contents(engine) == {("a", 1): {"v": 1.0}, ("a", 3): {"v": 3.0}}
            assert contents(engine, request("n")) == {("a", 2): {"v": 5.0}}
            assert engine.tag_values("d", "m", "h") == ["a"]


def test_what_is_written_after_a_deletion_stays(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with opened(folder) as engine:
            write(engine, "\n".join(f"m,h=a v={t} {t}" for t in range(9)))
            engine.flush()
            engine.delete("d", {"m": None}, TimeRange(3, 6))
            write(engine, "m,h=a v=40 4")
            engine.flush()
            expected = {("a", t): {"v": float(t)} for t in (0, 1, 2, 6, 7, 8)} | {("a", 4): {"v": 40.0}}
            assert len(engine._databases["d"].policies["autogen"].shards) == 1
            assert contents(engine) == expected
    with opened(tmp_path) as engine:
        assert contents(engine) == expected


def test_one_deletion_of_several_measurements_is_kept_whole(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        write(engine, "\n".join(f"{m},h=a v={t} {t}" for m in "mno" for t in range(9)))
        engine.flush()
        engine.delete("d", {"m": None, "n": host("a"), "o": host("b")}, TimeRange(3, 6))
        shutil.copytree(tmp_path, tmp_path / "crashed")
    left = {("a", t): {"v": float(t)} for t in (0, 1, 2, 6, 7, 8)}
    for folder in (tmp_path, tmp_path / "crashed", tmp_path / "crashed"):
        with opened(folder) as engine:
            assert contents(engine) == contents(engine, request("n")) == left
            assert len(contents(engine, request("o"))) == 9


def test_a_series_without_points_is_in_no_list_until_it_is_written_again() -> None:
    for flush in (False, True):
        with opened() as engine:
            write(engine, "m,h=a v=1 1\nm,h=b,r=x v=2 2")
            if flush:
                engine.flush()
            engine.delete("d", {"m": host("b")})
            assert engine.series_keys("d", "m") == [(("h", "a"),)]
            assert engine.tag_keys("d", "m") == ["h"]
            (shard,) = engine.shards("d")
            assert shard.schema()["m"].tags == ("h",)
            engine.delete("d", {"m": None}, TimeRange(0, 9))
            assert engine.measurements("d") == []
            assert engine.field_keys("d", "m") == {}
            assert engine.shards("d")[0].schema() == {}
            write(engine, "m,h=b,r=x v=3 2")
            assert engine.series_keys("d", "m") == [(("h", "b"), ("r", "x"))]
            assert engine.tag_values("d", "m", "h") == ["b"]
            assert contents(engine) == {("b", 2): {"v": 3.0}}


def test_types_are_kept_by_deleting_and_forgotten_by_dropping(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        write(engine, "m v=1,i=1i 1")
        engine.flush()
        engine.delete("d", {"m": None})
        assert "already exists as type float" in str(rejected(engine, "m v=1i 1"))
        engine.delete("d", {"m": None}, forget=True)
        write(engine, 'm v="text" 1')
        assert contents(engine, request(fields=[FieldRequest("v", "v", DataType.STRING)])) == {("", 1): {"v": "text"}}
    for _ in range(2):
        with opened(tmp_path) as engine:
            assert engine.field_keys("d", "m") == {"v": (DataType.STRING,)}
            assert contents(engine, request(fields=[FieldRequest("v", "v", DataType.STRING)])) == {
                ("", 1): {"v": "text"}
            }


def test_a_running_snapshot_keeps_what_is_deleted() -> None:
    with opened(merge_segments=2) as engine:
        write(engine, "m,h=a v=1 1\nm,h=b v=2 2")
        engine.flush()
        write(engine, "m,h=a v=3 3")
        (before,) = engine.shards("d")
        engine.delete("d", {"m": host("a")})
        engine.delete("d", {"m": None}, TimeRange(2, 3))
        engine.flush()
        assert {key for key, _ in rows(before, request())} == {("a", 1), ("a", 3), ("b", 2)}
        assert before.schema()["m"].tags == ("h",)
        assert contents(engine) == {}


def test_deleted_rows_are_promised_by_no_statistic() -> None:
    with opened() as engine:
        write(engine, "\n".join(f"m,h={h} v={t} {t}" for h in "abc" for t in range(100)))
        engine.flush()
        engine.delete("d", {"m": host("b")}, TimeRange(10, 90))
        engine.delete("d", {"m": host("a")})
        engine.delete("d", {"m": host("c")}, TimeRange(0, 1))
        engine.delete("d", {"m": host("c")}, TimeRange(99, 100))
        (shard,) = engine.shards("d")
        wanted = request(fields=[FieldRequest("v", "v", DataType.FLOAT)])
        assert shard.estimate(wanted).rows == len(rows(shard, wanted)) == 20 + 98
        inside = request(fields=wanted.fields, time_range=TimeRange(10, 90))
        assert {key[0] for key, _ in rows(shard, inside)} == {"c"}
        second = request(fields=wanted.fields, dimensions=("h",), series_limit=SeriesLimit(("h",), 1, 1))
        assert {key[0] for key, _ in rows(shard, second)} == {"c"}  # a deleted series does not count


def test_what_is_deleted_leaves_the_disk(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        write(engine, "\n".join(f"m,h=h{t % 10} v={t * 0.37} {t * t}" for t in range(5000)))
        write(engine, "n v=1 1")
        engine.flush()

        def size() -> int:
            return sum(path.stat().st_size for path in tmp_path.glob("data/*/*/*.seg"))

        whole = size()
        engine.delete("d", {"m": None}, TimeRange(0, 4000 * 4000))
        assert engine._databases["d"].policies["autogen"].shards
        engine.flush()
        assert 0 < size() < whole / 2
        (shard,) = engine._databases["d"].shards()
        assert shard.tombstones == ()
        engine.delete("d", {"m": None}, forget=True)
        engine.delete("d", {"n": None})
        engine.flush()
        assert size() == 0
        assert shard.segments == ()
    with opened(tmp_path) as engine:
        assert contents(engine) == {}
        assert engine.measurements("d") == []


def test_many_tombstones_are_worked_off(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        write(engine, "\n".join(f"m,h=a v={t} {t}" for t in range(1000)))
        engine.flush()
        for t in range(0, 200, 2):
            engine.delete("d", {"m": None}, TimeRange(t, t + 1))
        expected = {("a", t): {"v": float(t)} for t in range(1000) if t >= 200 or t % 2}
        (shard,) = engine._databases["d"].shards()
        assert len(shard.tombstones) == 100
        assert contents(engine) == expected
        engine.flush()
        assert shard.tombstones == ()
        assert contents(engine) == expected
    with opened(tmp_path) as engine:
        assert contents(engine) == expected


def test_a_dropped_shard_is_gone_with_its_files_and_its_series(tmp_path: Path) -> None:
    store, crashed = tmp_path / "store", tmp_path / "crashed"
    with opened(store) as engine:
        write(engine, f"m,h=a v=1 1\nm,h=a v=2 {WEEK}\nm,h=b v=3 1\nm,h=c i=1i 1")
        engine.flush()
        write(engine, f"m,h=a v=4 3\nm,h=b v=5 {2 * WEEK}")
        first = engine._databases["d"].policies["autogen"].shards
        id = next(iter(first.values())).id
        engine.drop_shard(999)
        engine.drop_shard(id)
        engine.drop_shard(id)
        left = {("a", WEEK): {"v": 2.0}, ("b", 2 * WEEK): {"v": 5.0}}
        assert contents(engine) == left
        assert engine.tag_values("d", "m", "h") == ["a", "b"]
        assert engine.field_keys("d", "m") == {"v": (DataType.FLOAT,)}
        assert not (store / "data" / "1" / str(id)).exists()
        shutil.copytree(store, crashed)
        write(engine, "m,h=c v=9i 1")
        assert engine.field_keys("d", "m") == {"v": (DataType.FLOAT, DataType.INTEGER)}
    for folder, hosts in ((crashed, ["a", "b"]), (store, ["a", "b", "c"])):
        with opened(folder) as engine:
            assert left.items() <= contents(engine).items()
            assert engine.tag_values("d", "m", "h") == hosts
            assert engine.damage == []


def test_a_shard_dropped_while_it_is_read_leaves_its_files_with_the_last_reader(tmp_path: Path) -> None:
    store, crashed = tmp_path / "store", tmp_path / "crashed"
    with opened(store) as engine:
        write(engine, "m,h=a v=1 1")
        engine.flush()
        (shard,) = engine.shards("d")
        (file,) = store.glob("data/*/*/*.seg")
        engine.drop_shard(1)
        assert rows(shard, request()) == [(("a", 1), {"v": 1.0})]
        assert file.exists()
        shutil.copytree(store, crashed)
        del shard
        assert not file.exists()
    with opened(crashed):
        assert not list(crashed.glob("data/*/*/*.seg"))


def test_deleting_reaches_all_retention_policies() -> None:
    with opened() as engine:
        engine.create_policy("d", RetentionPolicy("other"))
        write(engine, "m,h=a v=1 1\nm,h=b v=2 2")
        write(engine, "m,h=a v=3 1\nm,h=a v=3 2", policy="other")
        engine.delete("d", {"m": None}, TimeRange(1, 2))
        assert contents(engine) == {("b", 2): {"v": 2.0}}
        assert contents(engine, policy="other") == {("a", 2): {"v": 3.0}}
        assert engine.tag_values("d", "m", "h") == ["a", "b"]


def test_deleting_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        write(engine, "m,h=a v=1 1")
        (log,) = tmp_path.glob("wal/*.wal")
        size = log.stat().st_size
        engine.delete("d", {"zz": None})
        engine.delete("d", {"zz": None}, forget=True)
        engine.delete("d", {"m": host("zz")})
        assert log.stat().st_size == size
        with pytest.raises(NotFound, match="database not found"):
            engine.delete("other", {"m": None})
    with pytest.raises(StorageError, match="is closed"):
        engine.delete("d", {"m": None})
    with pytest.raises(StorageError, match="is closed"):
        engine.drop_shard(1)


def test_a_damaged_block_of_times_is_told_and_deleted_rows_stay_hidden(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        write(engine, "\n".join(f"m,h=a v={t} {t * t}" for t in range(100)))
    (segment,) = tmp_path.glob("data/*/*/*.seg")
    data = bytearray(segment.read_bytes())
    data[20] ^= 1  # the times are the first block
    segment.write_bytes(data)
    with opened(tmp_path) as engine:
        engine.delete("d", {"m": None}, TimeRange(50, 5000))
        assert engine.shards("d")[0].estimate(request()).rows == 100
        with pytest.raises(CorruptData, match='column "time"'):
            contents(engine)
        engine.flush()
        assert engine.tag_values("d", "m", "h") == ["a"]


POINT = st.tuples(
    st.sampled_from(["", "a", "b", "c"]),
    st.integers(0, 9),
    st.fixed_dictionaries({}, optional={"v": st.sampled_from([0.5, 2.5]), "i": st.integers(0, 9)}).filter(bool),
)
RANGE = st.tuples(st.integers(0, 10), st.integers(0, 10)).map(lambda ends: (min(ends), max(ends)))
WRITE = st.lists(POINT, min_size=1, max_size=16)
DELETE = st.tuples(st.just("delete"), st.sampled_from([None, "a", "b", ""]), RANGE)
STEP = st.one_of(
    WRITE,
    st.just("flush"),
    DELETE,
    st.tuples(st.just("delete"), st.sampled_from([None, "a", "b", ""]), st.none()),
    st.sampled_from(["flush", "reopen", "crash", "drop", "shard"]),
)


def at(time: int) -> int:
    """0 to 9 → two shards, five times in each."""
    return time // 5 * SHARD + time % 5


class Twin:
    """A store, and a dict of what must be in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.model = folder, Model()
        self.engine = self._open()
        self.engine.create_database("d", RetentionPolicy("p", shard_duration=SHARD))

    def _open(self) -> Engine:
        return Engine.open(self.folder, StorageOptions(merge_segments=4, durability="process"))

    def take(self, step: Any) -> None:
        match step:
            case list():
                self._write(step)
            case ("delete", chosen, span):
                range_ = ALL_TIME if span is None else TimeRange(at(span[0]), at(span[1]))
                self.engine.delete("d", {"m": None if chosen is None else host(chosen)}, range_)
                self._keep(lambda key: (chosen is not None and key[0] != chosen) or not _inside(range_, key[1]))
            case "drop":
                self.engine.delete("d", {"m": None}, forget=True)
                self.model.clear()
            case "shard":
                found = list(self.engine.shards("d"))
                if found:
                    self.engine.drop_shard(int(found[0].name.split()[1]))
                    self._keep(lambda key: not _inside(found[0].time_range, key[1]))
            case "flush":
                self.engine.flush()
            case "reopen":
                self.engine.close()
                self.engine = self._open()
            case "crash":
                copy = self.folder.with_name(self.folder.name + "x")
                shutil.copytree(self.folder, copy)
                self.engine.close()
                self.folder = copy
                self.engine = self._open()

    def _write(self, points: list[Any]) -> None:
        lines = []
        for name, time, values in points:
            key = "m" + (f",h={name}" if name else "")
            fields = ",".join(f"{field}={value}{'i' * (field == 'i')}" for field, value in values.items())
            lines.append(f"{key} {fields} {at(time)}")
            self.model.setdefault((name, at(time)), {}).update(values)
        write(self.engine, "\n".join(lines))

    def _keep(self, wanted: Callable[[tuple[str, int]], bool]) -> None:
        self.model = {key: values for key, values in self.model.items() if wanted(key)}

    def check(self) -> None:
        engine, hosts = self.engine, {name for name, _ in self.model}
        assert contents(engine) == self.model
        assert {dict(tags).get("h", "") for tags in engine.series_keys("d", "m")} == hosts
        assert engine.measurements("d") == (["m"] if hosts else [])
        assert engine.damage == []
        for shard in engine.shards("d"):
            found = rows(shard, request(), ScanStats())
            assert shard.estimate(request()).rows >= len(found)
            for span in (TimeRange(at(1), at(7)), TimeRange(at(3), at(3) + 1)):
                part = rows(shard, request(time_range=span, descending=True))
                assert sorted(part, key=lambda row: row[0]) == sorted(
                    (row for row in found if _inside(span, row[0][1])), key=lambda row: row[0]
                )


def _inside(range_: TimeRange, time: int) -> bool:
    return range_.start <= time < range_.stop


@pytest.mark.parametrize("seed", range(12))
def test_a_long_history_leaves_what_a_dict_has(seed: int) -> None:
    chosen = random.Random(seed)

    def step() -> Any:
        kind = chosen.choices(
            ["write", "delete", "flush", "reopen", "crash", "drop", "shard"], [9, 5, 4, 1, 1, 0.3, 0.3]
        )[0]
        if kind == "write":
            return [
                (chosen.choice(["", "a", "b", "c"]), chosen.randrange(10), {chosen.choice("vi"): chosen.randrange(9)})
                for _ in range(chosen.randint(1, 20))
            ]
        if kind == "delete":
            start = chosen.randrange(10)
            return kind, chosen.choice([None, None, "a", "b", ""]), (start, start + chosen.randint(0, 3))
        return kind

    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, patch.object(segment_writer, "PIECE_ROWS", 1 + seed % 6):
        twin = Twin(Path(folder) / "store")
        try:
            for _ in range(60):
                twin.take(step())
                twin.check()
        finally:
            twin.engine.close()


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, max_size=14), st.sampled_from([2, 5, 65_536]))
def test_any_order_of_writes_deletions_flushes_and_crashes_leaves_what_a_dict_has(
    steps: list[Any], piece_rows: int
) -> None:
    with (
        tempfile.TemporaryDirectory(dir=MEMORY) as folder,
        patch.object(segment_writer, "PIECE_ROWS", piece_rows),
        patch.object(pieces, "PIECE_ROWS", piece_rows),
    ):
        twin = Twin(Path(folder) / "store")
        try:
            for step in steps:
                twin.take(step)
                twin.check()
        finally:
            twin.engine.close()
