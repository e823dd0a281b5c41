"""What the figures were measured on, and how much memory a process has used."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MIB = 1 << 20
PACKAGES = ("influxish", "numpy", "pcodec", "duckdb", "polars", "pyarrow")


def describe() -> dict[str, str]:
    """The processor, its cores, the memory, and the versions of what takes part."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = [f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in PACKAGES)]
    return {
        "processor": _processor(),
        "cores": str(cores),
        "memory": f"{memory / (1 << 30):.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "versions": ", ".join(versions),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def resident_bytes() -> tuple[int, int]:
    """Bytes of memory this process has now, and had at most.

    Linux tells both of this program alone; getrusage() there also counts what the parent held when it started us.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return peak, peak
    kibibytes = dict(re.findall(r"^(VmRSS|VmHWM):\s*(\d+) kB", status, re.MULTILINE))
    return int(kibibytes["VmRSS"]) * 1024, int(kibibytes["VmHWM"]) * 1024
