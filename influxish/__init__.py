"""influxish: a time-series query engine. Open a folder of metrics, ask in InfluxQL, see the graph that answered.

>>> import influxish
>>> with influxish.open(":memory:") as db:
...     db.create_database("home")
...     lines = ["room,place=attic warm=21.5 0", "room,place=attic warm=22.5 60"]
...     written = db.write(lines, database="home", precision="s")
...     list(db.query("SELECT mean(warm) FROM room", database="home").rows)
[{'time': 0, 'mean': 22.0}]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from influxish import errors
from influxish.version import __version__

if TYPE_CHECKING:
    from influxish.database import Database, open
    from influxish.exec.context import CancelSwitch
    from influxish.explain import Explanation
    from influxish.result import Result

__all__ = ["CancelSwitch", "Database", "Explanation", "Result", "__version__", "errors", "open"]

_HOMES = {
    "CancelSwitch": "influxish.exec.context",
    "Database": "influxish.database",
    "Explanation": "influxish.explain",
    "Result": "influxish.result",
    "open": "influxish.database",
}


def __getattr__(name: str) -> Any:
    # numpy and the engine load with the first use, so that `import influxish` and `--help` stay quick.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'influxish' has no attribute {name!r}")
