"""One connection: HTTP/1.1 with keep-alive, and the answers that do not come."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from werkzeug.serving import WSGIRequestHandler

from .actions import Silence


class Handler(WSGIRequestHandler):
    """HTTP/1.1 with keep-alive.

    werkzeug's own handler closes each connection, since it cannot know whether the
    application has read the request's body. This application always has, or answers
    413.
    """

    protocol_version = "HTTP/1.1"
    #: Seconds that an idle connection stays open.
    timeout = 300
    # Headers and body leave in one packet, without waiting for the client's ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        self.environ = self.make_environ()
        started: list[Any] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            started.extend((status, headers))

        try:
            chunks = self.server.app(self.environ, start_response)
        except ConnectionError as error:
            if isinstance(error, Silence):
                self._wait_for_the_end()
            self.close_connection = True
            return
        status, headers = started
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if int(code) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)

    def _wait_for_the_end(self) -> None:
        """Until the client goes away; what it still sends is not read as a request."""
        self.connection.settimeout(None)
        with suppress(OSError):
            while self.connection.recv(65_536):
                pass

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Nothing: the ledger counts requests."""
