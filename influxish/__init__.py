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

TYPE_CHECKING = False  # as that of typing, which takes longer to load than all of this
if TYPE_CHECKING:
    from influxish import errors
    from influxish.database import Database, open
    from influxish.exec.context import CancelSwitch
    from influxish.explain import Explanation
    from influxish.result import Result
    from influxish.version import __version__

__all__ = ["CancelSwitch", "Database", "Explanation", "Result", "__version__", "errors", "open"]

_HOMES = {
    "CancelSwitch": "influxish.exec.context",
    "Database": "influxish.database",
    "Explanation": "influxish.explain",
    "Result": "influxish.result",
    "__version__": "influxish.version",
    "open": "influxish.database",
}


def __getattr__(name: str) -> object:
    # Everything loads with its first use, so that `import influxish` and `--help` are quick, and can be interrupted.
    from importlib import import_module

    if name == "errors":
        return import_module("influxish.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'influxish' has no attribute {name!r}")
