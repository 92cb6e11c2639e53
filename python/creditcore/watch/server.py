"""The live page: what a watched portfolio looks like now, read-only, on one port.

Comes in: `Figures`. Goes out: `/` (the page), `/events` (server-sent events), `/state.json`, `/metrics`
(Prometheus). Without a token it answers on the loopback only, and only to names of the loopback, so that no
page of elsewhere reads it through the browser of whoever watches.
"""

from __future__ import annotations

import json
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from creditcore.errors import ArgumentError, SourceError
from creditcore.watch.figures import Figures

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
    "/live.css": ("live.css", "text/css; charset=utf-8"),
}
OPEN = ("/live.js", "/live.css")
"""Files that say nothing of the portfolio; the page asks for them without the token."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MOST_READERS = 32
"""Pages that may follow events at once."""
HEARTBEAT = 5.0
"""Seconds after which a silent stream says that it is alive."""


class LivePage:
    """A server of the live page; a context manager.

    >>> import urllib.request
    >>> from creditcore.watch.figures import Figures
    >>> with LivePage(Figures()) as page:
    ...     urllib.request.urlopen(page.address + "metrics").status
    200
    """

    def __init__(self, figures: Figures, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen.

        Args:
            figures: what is shown.
            port: a free one for 0.
            host: an address; one that is not of the loopback makes a token, which every request must bring.

        Raises:
            ArgumentError: a host that is no address; SourceError: a port that is taken.
        """
        try:
            loopback = host == "localhost" or ip_address(host).is_loopback
        except ValueError as error:
            raise ArgumentError(f"`{host}` is no address; 127.0.0.1 is the loopback") from error
        self.token = None if loopback else secrets.token_urlsafe(24)
        try:
            self._server = _Server((host, port), _Answer)
        except OSError as error:
            told = error.strerror or error
            raise SourceError(f"port {port} of {host} cannot be listened to: {told}") from error
        self._server.figures, self._server.token = figures, self.token
        self.port = int(self._server.server_address[1])
        self.host = host
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def address(self) -> str:
        """Where the page is."""
        named = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{named}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def __enter__(self) -> Self:
        """Begin to answer, on a thread."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop: streams end, the port is free again."""
        self._server.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    figures: Figures
    token: str | None

    def __init__(self, *arguments: Any) -> None:
        self.ending = threading.Event()
        self.readers = threading.Semaphore(MOST_READERS)
        super().__init__(*arguments)


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    server_version = "creditcore"
    sys_version = ""
    timeout = 30.0

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path not in OPEN and not self._allowed(parse_qs(asked.query).get("token", [""])[0]):
            return
        if asked.path in FILES:
            name, kind = FILES[asked.path]
            place = resources.files("creditcore").joinpath(f"data/live/{name}")
            self._send(HTTPStatus.OK, kind, place.read_bytes())
        elif asked.path == "/metrics":
            kind = "text/plain; version=0.0.4; charset=utf-8"
            self._send(HTTPStatus.OK, kind, self.server.figures.exposition().encode())
        elif asked.path == "/state.json":
            self._send(HTTPStatus.OK, "application/json", _json(self.server.figures.snapshot()))
        elif asked.path == "/events":
            self._stream()
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page\n")

    do_HEAD = do_GET  # noqa: N815 - named by the base class

    def _allowed(self, token: str) -> bool:
        """Hold the token, or without one the name that was asked for, against what is allowed."""
        if self.server.token is not None:
            told = self.headers.get("Authorization", "").removeprefix("Bearer ") or token
            if secrets.compare_digest(told.encode(), self.server.token.encode()):
                return True
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"the token is missing or wrong\n")
            return False
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        if name == "localhost" or _is_loopback(name):
            return True
        self._send(HTTPStatus.FORBIDDEN, "text/plain", b"ask for 127.0.0.1\n")
        return False

    def _stream(self) -> None:
        """Send a snapshot after each refresh, until the reader or the watch goes away."""
        if self.command == "HEAD" or not self.server.readers.acquire(blocking=False):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"too many pages are open\n")
            return
        try:
            self._head(HTTPStatus.OK, "text/event-stream; charset=utf-8")
            number = -1
            while not self.server.ending.is_set():
                told = self.server.figures.snapshot()
                if told["number"] > number:
                    number = told["number"]
                    self.wfile.write(b"id: %d\ndata: %s\n\n" % (number, _json(told)))
                else:
                    self.wfile.write(b": alive\n\n")
                self.wfile.flush()
                self._wait(number)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
        finally:
            self.server.readers.release()

    def _wait(self, number: int) -> None:
        """Wait for a newer snapshot, looking up now and then whether all of it ends."""
        for _ in range(int(HEARTBEAT / 0.25)):
            if self.server.figures.newer(number, 0.25) or self.server.ending.is_set():
                return

    def _head(self, status: HTTPStatus, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self._head(status, kind, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: standard error belongs to the watch."""


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _json(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, default=str).encode()
