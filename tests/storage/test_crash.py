"""Nothing acknowledged is lost, nothing half written is seen: kills, cut logs, flipped bits, failing calls."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from influxish.errors import CorruptData, StorageError
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.files import Files
from influxish.types import WEEK, TimeRange
from tests.storage.helpers import Model, contents, request, write


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: these tests sync thousands of times."""
    shared = Path("/dev/shm")
    if not (shared.is_dir() and os.access(shared, os.W_OK)):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=shared))
    yield folder
    shutil.rmtree(folder)


WRITER = """
import sys
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.line_protocol import parse_lines
engine = Engine.open(sys.argv[1], StorageOptions(memtable_bytes=20_000, merge_segments=3))
engine.create_database("d")
step = int(sys.argv[2])
while True:
    lines = "\\n".join(f"m,h=h{step % 50}x{n} v={step},i={n}i {step * 10 + n}" for n in range(10))
    engine.write("d", "", parse_lines(lines.encode())[0])
    print(step, flush=True)
    step += 1
"""


def killed_run(folder: Path, first: int, seconds: float, program: str = WRITER) -> int:
    """Run the writer for a while, kill it: the first step that was not acknowledged."""
    process = subprocess.Popen([sys.executable, "-c", program, str(folder), str(first)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))  # type: ignore[arg-type]
    reader.start()
    while not lines:
        assert process.poll() is None, "the writer ended by itself"
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join()
    process.stdout.close()
    return int(lines[-1]) + 1 if lines[-1].endswith(b"\n") else int(lines[-2]) + 1


def check_steps(model: Model, acknowledged: int) -> int:
    """All acknowledged steps are whole, and at most one more is there, whole too: how many there are."""
    steps: dict[int, int] = {}
    for (host, at), values in model.items():
        step, n = divmod(at, 10)
        assert values == {"v": float(step), "i": n}
        assert host == f"h{step % 50}x{n}"
        steps[step] = steps.get(step, 0) + 1
    assert set(steps.values()) <= {10}
    assert set(range(acknowledged)) <= set(steps)
    assert len(steps) <= acknowledged + 1
    return len(steps)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    pause = random.Random(seed)
    following = 0
    for _ in range(2):
        acknowledged = killed_run(tmp_path, following, pause.uniform(0, 0.4))
        with Engine.open(tmp_path) as engine:
            following = check_steps(contents(engine), acknowledged)
            assert all("were cut and kept in" in str(damage) for damage in engine.damage)


def crashed_copy(engine: Engine, target: Path) -> None:
    """What a crash at this moment would leave."""
    assert engine.path is not None
    shutil.copytree(engine.path, target)


@pytest.fixture
def logged(tmp_path: Path) -> tuple[Path, Path, list[int], list[Model]]:
    """A folder whose last writes are in the log only: it, its log, and after each write the log's size and contents."""
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        engine.flush()
        (log,) = (tmp_path / "store" / "wal").glob("*.wal")
        sizes, states = [log.stat().st_size], [contents(engine)]
        for number in range(2, 5):
            write(engine, f'm,h=a v={number} {number}\nm,h=b s="text {number}" {number}')
            sizes.append(log.stat().st_size)
            states.append(contents(engine))
        crashed_copy(engine, tmp_path / "crashed")
    return tmp_path / "crashed", tmp_path / "crashed" / "wal" / log.name, sizes, states


def test_a_log_cut_anywhere_recovers_to_its_last_whole_write(
    tmp_path: Path, logged: tuple[Path, Path, list[int], list[Model]]
) -> None:
    folder, log, sizes, states = logged
    data = log.read_bytes()
    assert len(data) == sizes[-1]
    for size in [*range(0, sizes[0], 5), *range(sizes[1] - 1, len(data) + 1)]:
        log.write_bytes(data[:size])
        trial = tmp_path / "trial"
        shutil.copytree(folder, trial)
        whole = max([number for number, stop in enumerate(sizes) if stop <= size], default=0)
        with Engine.open(trial) as engine:
            assert contents(engine) == states[whole]
            torn = size > sizes[whole] and size > sizes[0]
            assert len(engine.damage) == torn
            if torn:
                (aside,) = (trial / "wal").glob("*.torn-*")
                assert aside.read_bytes() == data[sizes[whole] : size]
            write(engine, "m,h=z v=1 99")
        if size % 9 == 0:
            with Engine.open(trial) as engine:
                assert ("z", 99) in contents(engine)
                assert engine.damage == []
        shutil.rmtree(trial)


def test_a_flipped_bit_in_the_log_loses_one_write_and_is_told(
    tmp_path: Path, logged: tuple[Path, Path, list[int], list[Model]]
) -> None:
    folder, log, sizes, states = logged
    data = log.read_bytes()
    for offset in range(len(data)):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << (offset % 8)
        log.write_bytes(flipped)
        trial = tmp_path / "trial"
        shutil.copytree(folder, trial)
        engine = None
        try:
            engine = Engine.open(trial)
            found = contents(engine)
            assert engine.damage, f"byte {offset}"
            assert str(log.name) in str(engine.damage[0])
            assert all(states[-1][key] == values for key, values in found.items())
            lost = [number for number in range(1, len(sizes)) if sizes[number - 1] <= offset < sizes[number]]
            kept = {key for number in range(2, 5) if number - 1 not in lost for key in states[-1] if key[1] == number}
            assert kept <= set(found)
            assert len(found) == len(states[-1]) - 2 * len(lost)
        finally:
            if engine is not None:
                engine.close()
        shutil.rmtree(trial)


def test_a_flipped_bit_anywhere_in_a_segment_is_never_served(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        write(engine, 'm,h=a v=1.5,s="x" 1\nm,h=a v=2.25,s="y" 3\nm,h=a s="x" 4\nm,h=b v=7,b=t 1\nm,h=b v=7,b=f 2')
        good = contents(engine)
    (segment,) = (tmp_path / "store").glob("data/*/*/*.seg")
    data, outcomes, messages = segment.read_bytes(), {"right": 0, "told": 0, "refused": 0}, set()
    for offset in range(len(data)):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << (offset % 8)
        segment.write_bytes(flipped)
        with Engine.open(tmp_path / "store") as engine:
            if engine.damage:
                outcomes["told"] += 1
                assert segment.name in str(engine.damage[0])
                assert contents(engine) == {}
                continue
            try:
                assert contents(engine) == good
                outcomes["right"] += 1
            except CorruptData as error:
                outcomes["refused"] += 1
                messages.add(str(error))
    words = (segment.name, 'measurement "m"', "column", "row group 0", "checksum mismatch")
    assert all(word in message for message in messages for word in words)
    assert outcomes["refused"] > 50
    assert outcomes["told"] > 500
    assert outcomes["right"] < 16  # padding between blocks and index


def test_undamaged_blocks_of_a_damaged_segment_are_readable(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1.5 1\nm,h=a v=2.5 2\nn,h=a v=3.5 1\nn,h=a v=4.5 2")
    (segment,) = tmp_path.glob("data/*/*/*.seg")
    data = bytearray(segment.read_bytes())
    data[16] ^= 1  # the first block is m's
    segment.write_bytes(data)
    with Engine.open(tmp_path) as engine:
        with pytest.raises(CorruptData, match="column"):
            contents(engine)
        assert contents(engine, request("n")) == {("a", 1): {"v": 3.5}, ("a", 2): {"v": 4.5}}


def test_a_flipped_bit_in_the_series_file_serves_no_wrong_tags(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Engine.open(store) as engine:
        engine.create_database("d")
        for host in "abc":
            write(engine, f"m,h={host} v={ord(host)} 1")
        good = contents(engine)
    (file,) = store.glob("data/*/series.log")
    data = file.read_bytes()
    for offset in range(len(data)):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << (offset % 8)
        trial = tmp_path / "trial"
        shutil.copytree(store, trial)
        (trial / file.relative_to(store)).write_bytes(flipped)
        with Engine.open(trial) as engine:
            found = contents(engine)
            assert engine.damage
            assert all(good[key] == values for key, values in found.items())
            assert len(found) == len(good) - (offset >= 16)
            write(engine, "m,h=d v=4 9")
            assert contents(engine)[("d", 9)] == {"v": 4.0}
        shutil.rmtree(trial)


def test_a_flipped_bit_in_the_catalog_is_refused_or_harmless(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Engine.open(store) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        good = contents(engine)
    data, chosen, refused = (store / "catalog.sqlite").read_bytes(), random.Random(3), 0
    used = [offset for offset, byte in enumerate(data) if byte]
    for offset in chosen.sample(used, 250):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << chosen.randrange(8)
        trial = tmp_path / "trial"
        shutil.copytree(store, trial)
        (trial / "catalog.sqlite").write_bytes(flipped)
        try:
            with Engine.open(trial) as engine:
                assert engine.damage or contents(engine) == good, f"byte {offset}"
        except StorageError as error:
            refused += "catalog" in str(error)
        assert list(trial.glob("data/*/*/*.seg")), f"byte {offset}"
        shutil.rmtree(trial)
    assert refused > 20


def test_a_missing_segment_is_told_and_the_rest_served(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        engine.flush()
        write(engine, "m,h=a v=2 2")
    min(tmp_path.glob("data/*/*/*.seg")).unlink()
    with Engine.open(tmp_path) as engine:
        assert "the file is missing" in str(engine.damage[0])
        assert contents(engine) == {("a", 2): {"v": 2.0}}
        write(engine, "m,h=a v=3 3")
        engine.flush()


class Failing(Files):
    """Fails the n-th primitive of the given kinds, from 0, and all after it if `lasting`."""

    def __init__(self) -> None:
        self.kinds: tuple[str, ...] = ()
        self.left = -1
        self.lasting = False
        self.error = errno.EIO
        self.failed: list[str] = []

    def arm(self, number: int, *kinds: str, lasting: bool = False, error: int = errno.EIO) -> None:
        self.left, self.kinds, self.lasting, self.error, self.failed = number, kinds, lasting, error, []

    def before(self, operation: str, path: Path) -> None:
        if self.left < 0 or (self.kinds and operation not in self.kinds):
            return
        if self.left == 0:
            self.failed.append(operation)
            if not self.lasting:
                self.left = -1
            raise OSError(self.error, os.strerror(self.error))
        self.left -= 1


def test_after_a_failed_fsync_no_write_is_taken_until_reopened(tmp_path: Path) -> None:
    files = Failing()
    engine = Engine.open(tmp_path, StorageOptions(files=files))
    engine.create_database("d")
    write(engine, "m,h=a v=1 1")
    files.arm(0, "fsync")
    with pytest.raises(StorageError, match=r"cannot fsync .*\.wal: Input/output error"):
        write(engine, "m,h=a v=2 2")
    for _ in range(2):
        with pytest.raises(StorageError, match=r"no more writes are taken until the store is opened again.*fsync"):
            write(engine, "m,h=a v=3 3")
    assert contents(engine)[("a", 1)] == {"v": 1.0}
    engine.close()
    with Engine.open(tmp_path) as engine:
        write(engine, "m,h=a v=4 4")
        assert {("a", 1), ("a", 4)} <= set(contents(engine))
        assert ("a", 3) not in contents(engine)


def test_a_full_disk_refuses_the_write_and_space_lets_it_go_on(tmp_path: Path) -> None:
    files = Failing()
    with Engine.open(tmp_path, StorageOptions(files=files)) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        files.arm(0, "write", lasting=True, error=errno.ENOSPC)
        for lines in ("m,h=a v=2 2", "m,h=b v=2 2"):
            with pytest.raises(StorageError, match=r"cannot write .*: No space left on device"):
                write(engine, lines)
        with pytest.raises(StorageError, match="No space left"):
            engine.flush()
        assert contents(engine) == {("a", 1): {"v": 1.0}}
        files.arm(-1)
        write(engine, "m,h=a v=3 3")
        engine.flush()
        expected = {("a", 1): {"v": 1.0}, ("a", 3): {"v": 3.0}}
        assert contents(engine) == expected
    with Engine.open(tmp_path) as engine:
        assert contents(engine) == expected
        assert engine.damage == []


def test_a_write_cut_short_is_taken_back(tmp_path: Path) -> None:
    class Short(Files):
        budget = 1 << 40

        def write(self, descriptor: int, data: memoryview, path: Path) -> int:
            if self.budget <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            count = super().write(descriptor, data[: self.budget], path)
            self.budget -= count
            return count

    files = Short()
    with Engine.open(tmp_path / "store", StorageOptions(files=files)) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1")
        for budget in range(1, 50, 7):
            files.budget = budget
            with pytest.raises(StorageError, match="No space left"):
                write(engine, f"m,h=a v=2 2{budget}")
            files.budget = 1 << 40
            write(engine, f"m,h=a v=3 3{budget}")
        crashed_copy(engine, tmp_path / "crashed")
        expected = contents(engine)
    with Engine.open(tmp_path / "crashed") as engine:
        assert contents(engine) == expected
        assert engine.damage == []


def test_any_single_failing_call_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Fail the n-th primitive for every n, through writes, flushes and merges; then crash, reopen and compare."""
    number, fired = 0, True
    while fired:
        files, acknowledged, attempted = Failing(), {}, {}
        store = tmp_path / f"store{number}"
        engine = Engine.open(store, StorageOptions(files=files, merge_segments=2))
        engine.create_database("d")
        messages: list[str] = []
        files.arm(number)
        for step in range(6):
            key = (f"h{step % 3}", step % 4)
            attempted.setdefault(key, []).append(float(step))
            try:
                write(engine, f"m,h={key[0]} v={step} {key[1]}")
                acknowledged[key] = float(step)
            except StorageError as error:
                messages.append(str(error))
            if step % 2:
                try:
                    engine.flush()
                except StorageError as error:
                    messages.append(str(error))
        fired = bool(files.failed)
        assert all(str(store) in message for message in messages)
        files.arm(-1)
        crashed_copy(engine, tmp_path / "crashed")
        engine.close()
        for folder in (tmp_path / "crashed", store):
            with Engine.open(folder) as reopened:
                found = contents(reopened)
                assert reopened.damage == [], f"call {number}: {files.failed}"
            for key, value in acknowledged.items():
                assert found[key]["v"] == value or found[key]["v"] in attempted[key], f"call {number}"
                assert found[key]["v"] >= value, f"call {number}"
            for key, values in found.items():
                assert values["v"] in attempted[key]
            assert not list(folder.rglob("*.part"))
        shutil.rmtree(tmp_path / "crashed")
        shutil.rmtree(store)
        number += 1
    assert number > 40


def test_a_crash_between_any_two_steps_of_flush_and_merge_loses_nothing(tmp_path: Path) -> None:
    """Copy the folder ahead of every primitive of a flush with a merge: each copy opens to the same rows."""
    copies: list[Path] = []
    recording = threading.Event()

    class Copying(Files):
        def before(self, operation: str, path: Path) -> None:
            if recording.is_set() and operation in ("write", "fsync", "rename", "remove", "open"):
                target = tmp_path / f"copy{len(copies)}"
                shutil.copytree(tmp_path / "store", target)
                copies.append(target)

    with Engine.open(tmp_path / "store", StorageOptions(files=Copying(), merge_segments=2)) as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1\nm,h=b v=1 1")
        engine.flush()
        write(engine, "m,h=a v=2 1\nm,h=a v=3 3")
        write(engine, "m,h=b i=5i 1")
        expected = contents(engine)
        recording.set()
        engine.flush()
        recording.clear()
    assert len(copies) > 15
    for copy in copies:
        with Engine.open(copy) as engine:
            assert contents(engine) == expected
            assert engine.damage == []
        left = list(copy.glob("data/*/*/*"))
        assert all(path.suffix == ".seg" for path in left), left


@pytest.fixture
def deleting(tmp_path: Path) -> tuple[Path, Path, list[int], list[Model]]:
    """As `logged`, where two of the records delete: one points of all kinds of place, one a whole measurement."""
    with Engine.open(tmp_path / "store") as engine:
        engine.create_database("d")
        write(engine, "m,h=a v=1 1\nm,h=b v=1 1\nm,h=b v=2 2\nm,h=c v=3 3")
        engine.flush()
        write(engine, "m,h=a v=4 2\nm,h=c v=4 4")
        (log,) = (tmp_path / "store" / "wal").glob("*.wal")
        sizes, states = [log.stat().st_size], [contents(engine)]
        for step in (
            lambda: engine.delete("d", {"m": None}, TimeRange(1, 3)),
            lambda: write(engine, "m,h=a v=5 1\nm,h=b v=5 3"),
            lambda: engine.delete("d", {"m": None}, forget=True),
            lambda: write(engine, "m,h=b v=6 1"),
        ):
            step()
            sizes.append(log.stat().st_size)
            states.append(contents(engine))
        crashed_copy(engine, tmp_path / "crashed")
    assert states[1] == {("c", 3): {"v": 3.0}, ("c", 4): {"v": 4.0}}
    assert [len(state) for state in states] == [6, 2, 4, 0, 1]
    return tmp_path / "crashed", tmp_path / "crashed" / "wal" / log.name, sizes, states


def check_hosts(engine: Engine, states: list[Model]) -> None:
    """The series of the first state are there, and perhaps those that a write was about to add when it was cut off."""
    found = set(engine.tag_values("d", "m", "h"))
    assert {host for host, _ in states[0]} <= found <= {host for state in states for host, _ in state}


def test_a_log_cut_anywhere_in_a_deletion_has_all_of_it_or_nothing(
    tmp_path: Path, deleting: tuple[Path, Path, list[int], list[Model]]
) -> None:
    folder, log, sizes, states = deleting
    data = log.read_bytes()
    for size in range(sizes[0], len(data) + 1):
        log.write_bytes(data[:size])
        trial = tmp_path / "trial"
        shutil.copytree(folder, trial)
        whole = max(number for number, stop in enumerate(sizes) if stop <= size)
        with Engine.open(trial) as engine:
            assert contents(engine) == states[whole]
            check_hosts(engine, states[whole:])
        if size % 5 == 0:  # what was recovered from the log is in the catalog now
            with Engine.open(trial) as engine:
                assert contents(engine) == states[whole]
                check_hosts(engine, states[whole:])
        shutil.rmtree(trial)


def test_a_crash_at_any_moment_of_deletions_and_flushes_leaves_what_was_there(tmp_path: Path) -> None:
    """Copy the folder ahead of every primitive: each copy holds what was there before the step, or after it."""
    copies: list[tuple[Path, list[Model]]] = []
    states: list[Model] = []

    class Copying(Files):
        def before(self, operation: str, path: Path) -> None:
            if states and operation in ("write", "fsync", "rename", "remove", "open"):
                target = tmp_path / f"copy{len(copies)}"
                shutil.copytree(tmp_path / "store", target)
                copies.append((target, states))

    with Engine.open(tmp_path / "store", StorageOptions(files=Copying(), merge_segments=2)) as engine:
        engine.create_database("d")
        write(engine, f"m,h=a v=1 1\nm,h=a v=2 2\nm,h=b v=1 {WEEK}\nm,h=c v=1 2")
        engine.flush()
        write(engine, "m,h=a v=3 1\nm,h=a v=4 3\nm,h=c v=4 4")
        for step in (
            lambda: engine.delete("d", {"m": None}, TimeRange(2, 4)),
            engine.flush,
            lambda: write(engine, "m,h=a v=5 2"),
            lambda: engine.delete("d", {"m": None}, TimeRange(1, 2)),
            lambda: write(engine, "m,h=a v=6 1"),
            engine.flush,
            lambda: engine.drop_shard(1),
            lambda: write(engine, "m,h=a v=7 1"),
            lambda: engine.delete("d", {"m": None}, forget=True),
            lambda: write(engine, "m,h=z i=7i 1"),
            engine.flush,
        ):
            before = contents(engine)
            states = [before]
            step()
            possible, states = states, []
            possible.append(contents(engine))
    assert len(copies) > 60
    for copy, possible in copies:
        for _ in range(2):
            with Engine.open(copy, StorageOptions(merge_segments=2)) as engine:
                found = contents(engine)
                assert found in possible, copy
                check_hosts(engine, [found, *possible])
                assert engine.damage == []
        assert contents_after_writing(copy) == {**found, ("new", 1): {"v": 1.0}}


def contents_after_writing(folder: Path) -> Model:
    with Engine.open(folder) as engine:
        write(engine, "m,h=new v=1 1")
        return contents(engine)


DELETER = """
import sys
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.line_protocol import parse_lines
from influxish.types import TimeRange
engine = Engine.open(sys.argv[1], StorageOptions(memtable_bytes=20_000, merge_segments=3))
engine.create_database("d")
step = int(sys.argv[2])
while True:
    lines = "\\n".join(f"m,h=h{n} v={step},i={n}i {step}" for n in range(10))
    engine.write("d", "", parse_lines(lines.encode())[0])
    if step % 7 == 6:
        engine.delete("d", {"m": None}, TimeRange(step - 6, step - 1))
    print(step, flush=True)
    step += 1
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_deleter_brings_nothing_back_and_takes_nothing_more(tmp_path: Path, seed: int) -> None:
    pause = random.Random(seed)
    following = 0
    for _ in range(2):
        acknowledged = killed_run(tmp_path, following, pause.uniform(0, 0.4), DELETER)
        with Engine.open(tmp_path) as engine:
            found = contents(engine)
            present = {at for _, at in found}
            certain = {at for at in range(acknowledged) if at % 7 > 4 or at // 7 * 7 + 6 >= acknowledged}
            if acknowledged % 7 == 6:  # the deletion that was not acknowledged may have happened
                certain -= set(range(acknowledged - 6, acknowledged - 1))
            gone = {at for at in range(acknowledged) if at % 7 <= 4 and at // 7 * 7 + 6 < acknowledged}
            assert certain <= present
            assert not gone & present
            assert len(found) == 10 * len(present)
            following = acknowledged + (acknowledged in present)
            if following % 7 == 0 and following and following - 7 in present:  # killed between the two
                engine.delete("d", {"m": None}, TimeRange(following - 7, following - 2))
