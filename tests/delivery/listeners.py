"""Those who subscribed, on loopback: HTTP servers that keep what they are sent, and a socket for UDP."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "certificate.pem"


@dataclass
class Listener:
    """What was sent: (path, headers, body) of each request, in order.

    Attributes:
        status: of its answers.
        answer: bytes that follow the headers where the status is not 204.
        endless: whether the answer then goes on until nobody reads it.
        blocked: while it is clear, requests get no answer.
    """

    url: str = ""
    status: int = 204
    answer: bytes = b'{"error":"no room"}'
    endless: bool = False
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    blocked: threading.Event = field(default_factory=threading.Event)

    @property
    def lines(self) -> list[str]:
        return [line for _, _, body in self.requests for line in body.splitlines()]


@contextmanager
def listening(*, tls: bool = False) -> Iterator[Listener]:
    """An HTTP server that takes line protocol."""
    listener = Listener()
    listener.blocked.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            listener.blocked.wait(30)
            listener.requests.append((self.path, dict(self.headers), body))
            self.send_response(listener.status)
            answer = b"" if listener.status == 204 else listener.answer
            self.send_header("Content-Length", str(10**30 if listener.endless else len(answer)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(answer)
                while listener.endless:
                    self.wfile.write(bytes(1 << 16))

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    listener.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield listener
    finally:
        listener.blocked.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listening_to_datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        yield listener


@contextmanager
def accepting_nothing() -> Iterator[str]:
    """The URL of a socket at which no connection is ever made: those that may wait to be accepted do."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(5):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def closed_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
