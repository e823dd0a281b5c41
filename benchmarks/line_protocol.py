"""Values per second of the line protocol parser alone, for lines of one field and of ten.

python benchmarks/line_protocol.py [LINES]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from influxish.storage.line_protocol import parse_lines

ROUNDS = 5
START = 1_577_836_800_000_000_000


def lines(count: int, fields: int, hosts: int = 100) -> bytes:
    """Metrics as TSBS writes them: 100 hosts with ten tags, values with two decimals."""
    random = np.random.default_rng(1)
    values = np.round(random.random((count, fields)) * 100, 2).tolist()
    tags = ",".join(f"tag{i}=value{i}" for i in range(9))
    text = []
    for row, numbers in enumerate(values):
        pairs = ",".join(f"field_{i}={number}" for i, number in enumerate(numbers))
        text.append(f"cpu,hostname=host_{row % hosts},{tags} {pairs} {START + row // hosts * 10_000_000_000}")
    return ("\n".join(text) + "\n").encode()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    print("| form of the lines | values | values/s | MB/s |\n| --- | ---: | ---: | ---: |")
    for label, fields, spoil in (
        ("1 field", 1, b""),
        ("10 fields", 10, b""),
        ("10 fields, mixed", 10, b"mem free=1i 1\n"),
    ):
        data = spoil + lines(count, fields)
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            batch, rejected = parse_lines(data)
            times.append(time.perf_counter() - start)
        assert not rejected
        best = sorted(times)[ROUNDS // 2]
        print(f"| {label} | {batch.values:,} | {batch.values / best:,.0f} | {len(data) / best / 1e6:.0f} |")


if __name__ == "__main__":
    main()
