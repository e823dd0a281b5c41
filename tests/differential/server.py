"""A real InfluxDB on loopback: started with a folder of its own, asked over HTTP, ended when done."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

BINARY = "influxd"

CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{folder}/meta"
  logging-enabled = false
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  max-row-limit = 0
[coordinator]
  query-timeout = "{timeout}s"
[continuous_queries]
  enabled = false
[logging]
  level = "error"
"""

START_SECONDS = 30

QUERY_SECONDS = 10
"""The server gives up a query that takes longer."""


def installed() -> bool:
    """Whether there is a server to start."""
    return shutil.which(BINARY) is not None


LARGEST_ANSWER = 20_000_000
"""Bytes."""
TOO_LARGE = b'{"results": [{"error": "query-timeout limit exceeded"}]}'


class InfluxServer:
    """A server of one's own. Use as a context manager.

    Raises: RuntimeError: it does not answer in time; the message ends with what it wrote.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="influxd-"))
        self.port, backup = _free_ports(2)
        configuration = self._folder / "influxdb.conf"
        configuration.write_text(
            CONFIGURATION.format(folder=self._folder, port=self.port, backup=backup, timeout=QUERY_SECONDS)
        )
        self._configuration = configuration
        self._log = (self._folder / "log").open("w+")
        self._process = self._started()
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def _started(self) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INFLUXDB_")}
        environment["GOMAXPROCS"] = "1"  # what it answers first depends on how many threads merge
        command = [BINARY, "-config", str(self._configuration)]
        return subprocess.Popen(command, stdout=self._log, stderr=self._log, env=environment, text=True)

    def __enter__(self) -> Self:
        self._wait()
        return self

    def revive(self) -> None:
        """Start it again, with what it had written, after a question that ended its process."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._process = self._started()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                status, _ = self.request("GET", "/ping")
                if status == 204:
                    return
            except OSError:
                self._connection.close()
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._log.seek(0)
                said = self._log.read()[-2000:]
                self.__exit__(None, None, None)
                raise RuntimeError(f"{BINARY} does not answer on port {self.port}: {said}")
            time.sleep(0.05)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer. A connection that the server has closed is opened anew, once.

        What is larger than `LARGEST_ANSWER` comes as if the server had not finished it.
        """
        for last in (False, True):
            try:
                self._connection.request(method, path, body, headers)
                response = self._connection.getresponse()
                try:
                    answer = response.read(LARGEST_ANSWER)
                    cut = bool(response.read(1))
                except http.client.IncompleteRead:  # the server broke it off
                    cut = True
                if cut:  # millions of empty buckets, most often: nobody compares them
                    self._connection.close()
                    answer = TOO_LARGE
                return response.status, answer
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._connection.close()
                if last:
                    raise
        raise AssertionError

    def query(self, text: str, database: str = "", epoch: str = "", params: Mapping[str, object] | None = None) -> Any:
        """The answer as plain data; what is no JSON comes as {"text": …}."""
        fields = {"q": text, "db": database, "epoch": epoch, "params": json.dumps(params) if params else ""}
        body = urlencode({name: value for name, value in fields.items() if value}).encode()
        _, answer = self.request("POST", "/query", body, **{"Content-Type": "application/x-www-form-urlencoded"})
        with suppress(ValueError):
            return json.loads(answer)
        return {"text": answer.decode()}

    def write(self, lines: str, database: str, policy: str = "") -> tuple[int, bytes]:
        """Write line protocol in ns."""
        fields = {"db": database, "rp": policy}
        return self.request("POST", f"/write?{urlencode(fields)}", lines.encode())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
