"""Made-up metrics of a fleet of hosts: cpu, mem, disk and net every ten seconds, the same for the same seed.

Measurements, tags and fields follow the DevOps data of the Time Series Benchmark Suite (TSBS); the numbers are random
walks made by numpy. Yields columns, or line protocol: `python -m influxish.cli.devops --lines cpu.lp --only cpu`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from influxish.batch import object_array
from influxish.emit.cells import float_texts
from influxish.types import DAY, HOUR, SECOND, Array, Times

CPU_FIELDS = tuple(
    f"usage_{name}"
    for name in ("user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")
)
NET_FIELDS = (
    *("bytes_sent", "bytes_recv", "packets_sent", "packets_recv"),
    *("err_in", "err_out", "drop_in", "drop_out"),
)
MEASUREMENTS = ("cpu", "mem", "disk", "net")
BLOCK_ROWS = 36_000
"""About how many rows a block has: bounds memory, and is a good size to write at once."""

_GIBIBYTE = 1 << 30
_REGIONS = ("us-east-1", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-northeast-1")
_TEAMS = ("SF", "NYC", "LON", "CHI")
_SYSTEMS = ("Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10")
_ENVIRONMENTS = ("production", "staging", "test")

Walk = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What to make up.

    Attributes:
        hosts: how many, from host_0 on.
        start, stop: ns; samples at start, start + step … below stop.
        step: ns between samples.
        seed: the same seed and sizes give the same numbers.
        only: the measurements wanted.
    """

    hosts: int
    start: int
    stop: int
    step: int = 10 * SECOND
    seed: int = 1
    only: tuple[str, ...] = MEASUREMENTS

    @property
    def samples(self) -> int:
        """Samples of each series."""
        return max(0, -(-(self.stop - self.start) // self.step))

    @property
    def points(self) -> int:
        """Points in all."""
        return self.samples * self.hosts * len(self.only)

    @property
    def values(self) -> int:
        """Field values in all."""
        return self.samples * self.hosts * sum(_FIELD_COUNTS[name] for name in self.only)

    def blocks(self) -> Iterator[Block]:
        """The data in order of time, a few hours of one measurement at once."""
        makers = {name: _MAKERS[name](self, np.random.default_rng([self.seed, place])) for name, place in _PLACES}
        tags = {name: _tags(self, name) for name in self.only}
        samples = max(1, BLOCK_ROWS // max(1, self.hosts))
        for first in range(0, self.samples, samples):
            numbers = np.arange(first, min(first + samples, self.samples), dtype=np.int64)
            times = self.start + numbers * self.step
            for name in self.only:
                yield Block(name, times, tags[name], makers[name](times))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some consecutive samples of all hosts.

    Attributes:
        measurement: cpu, mem, disk or net.
        times: (s,) int64 ns.
        tags: key → (h,) object array.
        fields: name → (s, h) float64 with two decimals, or int64.
    """

    measurement: str
    times: Times
    tags: Mapping[str, Array]
    fields: Mapping[str, Array]

    @property
    def values(self) -> int:
        """How many values there are."""
        return sum(field.size for field in self.fields.values())

    def columns(self) -> dict[str, Array]:
        """`time`, tags and fields as (s × h,) columns, host by host: what `Database.write` takes."""
        samples, hosts = len(self.times), len(next(iter(self.tags.values())))
        columns: dict[str, Array] = {"time": np.tile(self.times, hosts)}
        columns |= {key: np.repeat(values, samples) for key, values in self.tags.items()}
        return columns | {name: values.T.reshape(-1) for name, values in self.fields.items()}

    def lines(self) -> str:
        """Line protocol in order of time, each line ended by a line feed."""
        keys = [
            ",".join((self.measurement, *(f"{key}={values[host]}" for key, values in self.tags.items())))
            for host in range(len(next(iter(self.tags.values()))))
        ]
        cells = [[f"{name}={text}" for text in _texts(values.reshape(-1))] for name, values in self.fields.items()]
        stamps = np.repeat(self.times, len(keys)).tolist()
        fields = map(",".join, zip(*cells, strict=True))
        prefixes = keys * len(self.times)
        return "".join([f"{key} {row} {time}\n" for key, row, time in zip(prefixes, fields, stamps, strict=True)])


def _texts(values: Array) -> list[str]:
    if values.dtype.kind == "i":
        return [f"{value}i" for value in values.tolist()]
    return float_texts(values)


def _tags(fleet: Fleet, measurement: str) -> dict[str, Array]:
    """What a host is tagged with: drawn once for each host, whichever measurements are asked for."""
    rng = np.random.default_rng([fleet.seed, 99])
    hosts = fleet.hosts

    def pick(choices: tuple[str, ...] | range) -> list[str]:
        return [str(choices[number]) for number in rng.integers(0, len(choices), hosts).tolist()]

    regions = pick(_REGIONS)
    tags = {
        "arch": pick(("x64", "x86")),
        "datacenter": [f"{region}{zone}" for region, zone in zip(regions, pick(("a", "b", "c")), strict=True)],
        "hostname": [f"host_{number}" for number in range(hosts)],
        "os": pick(_SYSTEMS),
        "rack": pick(range(100)),
        "region": regions,
        "service": pick(range(20)),
        "service_environment": pick(_ENVIRONMENTS),
        "service_version": pick(range(2)),
        "team": pick(_TEAMS),
    }
    more = {"disk": {"fstype": "ext4", "path": "/dev/sda1"}, "net": {"interface": "eth0"}}.get(measurement, {})
    tags |= {key: [value] * hosts for key, value in more.items()}
    return {key: object_array(tags[key]) for key in sorted(tags)}


class _PercentWalk:
    """A walk for each host that is reflected at 0 and 100, with two decimals."""

    def __init__(self, rng: np.random.Generator, hosts: int, spread: float) -> None:
        self._rng, self._spread = rng, spread
        self._last = rng.uniform(0, 100, hosts)

    def next(self, samples: int, swing: Walk | float = 0.0) -> Walk:
        """(samples, hosts); `swing` (samples, 1) is added before reflection."""
        steps = self._rng.normal(0, self._spread, (samples, len(self._last)))
        walk = np.cumsum(steps, axis=0, out=steps)
        walk += self._last
        self._last = walk[-1].copy()
        walk += swing
        # Reflecting, unlike clipping, needs no loop over samples and leaves no runs at the borders.
        folded: Walk = 100 - np.abs(walk % 200 - 100)
        return np.round(folded, 2)


Maker = Callable[[Times], dict[str, Array]]


def _cpu(fleet: Fleet, rng: np.random.Generator) -> Maker:
    walks = [_PercentWalk(rng, fleet.hosts, 1.0) for _ in CPU_FIELDS]

    def make(times: Times) -> dict[str, Array]:
        # People's load: up by day, down by night, so that a plot of usage_user shows the hours.
        day = 25 * np.sin((times % DAY / DAY - 0.375) * 2 * np.pi).reshape(-1, 1)
        swings = [day if name == "usage_user" else 0.0 for name in CPU_FIELDS]
        fields = zip(CPU_FIELDS, walks, swings, strict=True)
        return {name: walk.next(len(times), swing) for name, walk, swing in fields}

    return make


def _mem(fleet: Fleet, rng: np.random.Generator) -> Maker:
    total = rng.choice(np.array([8, 16, 32, 64]) * _GIBIBYTE, fleet.hosts)
    used_walk, cached_walk = (_PercentWalk(rng, fleet.hosts, 0.5) for _ in range(2))

    def make(times: Times) -> dict[str, Array]:
        used_percent = used_walk.next(len(times))
        used = (total * used_percent / 100).astype(np.int64)
        free = total - used
        cached = (free * cached_walk.next(len(times)) / 100).astype(np.int64)
        buffered = (free - cached) // 2
        return {
            "total": np.broadcast_to(total, used.shape),
            "available": free,
            "used": used,
            "free": free - cached - buffered,
            "cached": cached,
            "buffered": buffered,
            "used_percent": used_percent,
            "available_percent": np.round(100 - used_percent, 2),
            "buffered_percent": np.round(100 * buffered / total, 2),
        }

    return make


def _disk(fleet: Fleet, rng: np.random.Generator) -> Maker:
    total = np.full(fleet.hosts, 1024 * _GIBIBYTE)
    inodes = np.full(fleet.hosts, 1 << 28)
    used_walk, inodes_walk = (_PercentWalk(rng, fleet.hosts, 0.05) for _ in range(2))

    def make(times: Times) -> dict[str, Array]:
        used_percent = used_walk.next(len(times))
        used = (total * used_percent / 100).astype(np.int64)
        inodes_used = (inodes * inodes_walk.next(len(times)) / 100).astype(np.int64)
        return {
            "total": np.broadcast_to(total, used.shape),
            "free": total - used,
            "used": used,
            "used_percent": used_percent,
            "inodes_total": np.broadcast_to(inodes, used.shape),
            "inodes_free": inodes - inodes_used,
            "inodes_used": inodes_used,
        }

    return make


def _net(fleet: Fleet, rng: np.random.Generator) -> Maker:
    means = (50_000, 50_000, 50, 50, 0.01, 0.01, 0.02, 0.02)
    counters = [np.zeros(fleet.hosts, np.int64) for _ in NET_FIELDS]

    def make(times: Times) -> dict[str, Array]:
        fields: dict[str, Array] = {}
        for place, (name, mean) in enumerate(zip(NET_FIELDS, means, strict=True)):
            counted = np.cumsum(rng.poisson(mean, (len(times), fleet.hosts)), axis=0) + counters[place]
            counters[place] = counted[-1]
            fields[name] = counted
        return fields

    return make


_MAKERS: dict[str, Callable[[Fleet, np.random.Generator], Maker]] = {
    "cpu": _cpu,
    "mem": _mem,
    "disk": _disk,
    "net": _net,
}
_PLACES = tuple((name, place) for place, name in enumerate(MEASUREMENTS))
_FIELD_COUNTS = {"cpu": len(CPU_FIELDS), "mem": 9, "disk": 7, "net": len(NET_FIELDS)}


def write_lines(fleet: Fleet, sink: BinaryIO) -> int:
    """Write a fleet's data as line protocol; returns the number of bytes."""
    written = 0
    for block in fleet.blocks():
        written += sink.write(block.lines().encode())
    return written


def main(arguments: list[str] | None = None) -> int:
    """Write line protocol to a file or to standard output."""
    parser = argparse.ArgumentParser(prog="python -m influxish.cli.devops", description=__doc__)
    parser.add_argument("--lines", metavar="FILE", default="-", help="where to write; - is standard output")
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--step", type=float, default=10, help="seconds between samples (default 10)")
    parser.add_argument("--start", type=int, default=1_577_836_800, help="first sample, seconds since 1970")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="a measurement; may be repeated")
    options: Any = parser.parse_args(arguments)
    start = options.start * SECOND
    fleet = Fleet(
        hosts=options.hosts,
        start=start,
        stop=start + int(options.hours * HOUR),
        step=int(options.step * SECOND),
        seed=options.seed,
        only=tuple(options.only or MEASUREMENTS),
    )
    if options.lines == "-":
        write_lines(fleet, sys.stdout.buffer)
        return 0
    with Path(options.lines).open("wb") as sink:
        size = write_lines(fleet, sink)
    print(f"{fleet.values:,} values, {size:,} bytes in {options.lines}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
