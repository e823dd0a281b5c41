"""What a start does not load: `benchmarks/startup.py` measures how long it takes, this says why it is short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment

# What is slow to load and not needed: other people's data frames and databases, a server, the plots.
NEVER = {"aiohttp", "asyncio", "duckdb", "matplotlib", "pandas", "polars", "pyarrow"}
ENGINE = {"numpy", "pcodec", "msgpack", "sqlite3", "ply", "zoneinfo", "influxish.database", "influxish.batch"}


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `code`."""
    script = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_import_alone_loads_nothing() -> None:
    before = loaded_after("")
    assert loaded_after("import influxish") - before <= {"influxish", "__future__"}


def test_errors_and_the_version_are_there_without_the_engine() -> None:
    loaded = loaded_after("import influxish\nassert influxish.errors.QueryError\nassert influxish.__version__")
    assert {"influxish.errors", "influxish.version"} <= loaded
    assert not loaded & (NEVER | ENGINE)


def test_help_loads_no_engine() -> None:
    loaded = loaded_after("from influxish.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert "influxish.cli.arguments" in loaded
    assert not loaded & (NEVER | ENGINE)


def test_a_query_loads_nothing_that_is_optional() -> None:
    loaded = loaded_after(
        "import influxish\nwith influxish.open(':memory:') as db:\n"
        "    db.create_database('d')\n    db.write('m v=1 0', database='d')\n"
        "    assert db.query('SELECT mean(v) FROM m', database='d').rows"
    )
    assert "influxish.database" in loaded
    assert not loaded & NEVER


@pytest.mark.parametrize(
    "text", ["SELECT v FROM m", "SHOW DATABASES", "SELECT mean(v) FROM m WHERE h =~ /x/ GROUP BY *"]
)
def test_a_query_is_read_with_tables_that_are_loaded_not_built(text: str, tmp_path: Path) -> None:
    code = (
        "from ply import yacc\n"
        "def refuse(*args, **kwargs): raise AssertionError('a grammar table is built')\n"
        "yacc.yacc = yacc.LRGeneratedTable.__init__ = yacc.Grammar.__init__ = refuse\n"
        f"import os; os.chdir({str(tmp_path)!r})\n"
        f"from influxish import influxql; assert influxql.parse({text!r})"
    )
    assert "influxish.influxql.grammar.tables" in loaded_after(code)
    assert list(tmp_path.iterdir()) == []  # PLY likes to leave files behind
