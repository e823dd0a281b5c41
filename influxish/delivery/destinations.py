"""Where copies go: a server that takes line protocol by HTTP, or whoever listens to UDP. One thread uses each."""

from __future__ import annotations

import base64
import http.client
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote, urlencode

from influxish.storage.subscriptions import DestinationUrl, parse_destination
from influxish.version import __version__

_SHOWN_CHARACTERS = 200

_ANSWER_BYTES = 4096
"""No more of an answer is read: it may have no end."""

_LAST_PORT = 65_535


class DeliveryFailed(Exception):
    """A destination did not take the points; the text says why. Never leaves `delivery`."""


class Destination(ABC):
    """One URL of a subscription.

    Args:
        timeout: seconds; None for no limit.
    """

    def __init__(self, url: DestinationUrl, timeout: float | None) -> None:
        self._url, self._host, self._timeout = url, url.host or "localhost", timeout

    def send(self, lines: Sequence[str]) -> None:
        """Send points, each a line of line protocol.

        Raises:
            DeliveryFailed: they were not taken, or nobody knows.
        """
        if self._url.port > _LAST_PORT:
            raise DeliveryFailed(f"there is no port {self._url.port}")  # the C library would take another one
        try:
            self._send(lines)
        except DeliveryFailed:
            raise
        except (OSError, UnicodeError, http.client.HTTPException) as error:  # UnicodeError: no host can have that name
            self.close()
            raise DeliveryFailed(str(error) or type(error).__name__) from error
        except BaseException:
            self.close()  # nobody knows what it has sent
            raise

    @abstractmethod
    def _send(self, lines: Sequence[str]) -> None: ...

    @abstractmethod
    def abort(self) -> None:
        """Let what is being sent by another thread fail now."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open. Safe to repeat."""


class HttpDestination(Destination):
    """POST …/write, as a client of InfluxDB does; name and password of the URL go as basic authentication."""

    def __init__(self, url: DestinationUrl, timeout: float | None, database: str, policy: str) -> None:
        super().__init__(url, timeout)
        fields = urlencode({"consistency": "", "db": database, "precision": "ns", "rp": policy})
        query = f"{fields}&{url.query}" if url.query else fields
        self._path = quote(f"{url.path.rstrip('/')}/write?{query}", safe="/?&=%:@!$'()*+,;~")
        self._headers = {"User-Agent": f"influxish/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
        if url.user:
            credentials = base64.b64encode(f"{url.user}:{url.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {credentials}"
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(self._host, url.port, timeout=self._timeout)

    def _send(self, lines: Sequence[str]) -> None:
        body = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
        held = self._connection.sock is not None
        try:
            status, answer = self._post(body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not held:
                raise
            self._connection.close()  # it was closed while nothing was sent; points may be written twice
            status, answer = self._post(body)
        if status not in (200, 204):
            text = answer.decode("utf-8", "replace").strip()
            raise DeliveryFailed(f"status {status}: {text[:_SHOWN_CHARACTERS]}" if text else f"status {status}")

    def _post(self, body: bytes) -> tuple[int, bytes]:
        self._connection.request("POST", self._path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read(_ANSWER_BYTES)
        if not response.isclosed():
            self._connection.close()  # the rest of the answer would be taken for the next one
        return response.status, answer

    def abort(self) -> None:
        connected = self._connection.sock
        if connected is not None:
            with suppress(OSError):  # it may be over already
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()


class UdpDestination(Destination):
    """One datagram for each point. Nobody says whether it came."""

    def _send(self, lines: Sequence[str]) -> None:
        found = socket.getaddrinfo(self._host, self._url.port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as sender:
            for line in lines:
                sender.sendto(line.encode("utf-8", "surrogatepass"), address)

    def abort(self) -> None:
        """Nothing waits for an answer."""

    def close(self) -> None:
        """Nothing stays open."""


def destination(url: str, timeout: float, database: str, policy: str) -> Destination:
    """The destination that a URL of a subscription to a policy means; `timeout` in seconds, 0 is no limit.

    Raises:
        DeliveryFailed: it means none; such a URL is refused now, but a store may have it from before.
    """
    limit, parsed = timeout or None, parse_destination(url)
    if parsed is None:
        raise DeliveryFailed("this is no URL of a destination; drop the subscription and create it again")
    return UdpDestination(parsed, limit) if parsed.scheme == "udp" else HttpDestination(parsed, limit, database, policy)
