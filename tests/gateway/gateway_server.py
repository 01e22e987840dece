"""A small HTTP server whose answers a test writes, byte by byte if it likes."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gateway import Client, Credentials, MemoryTokenStore

TOKENS = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 900}


CREDENTIALS = Credentials("sandbox", "sandbox-senha", "sandbox-key", "sandbox-secret")


def make_client(url, **settings):
    settings = {"timezone": "America/Sao_Paulo", "read_timeout": 5.0, **settings}
    store = settings.pop("token_store", None) or MemoryTokenStore()
    credentials = settings.pop("credentials", CREDENTIALS)
    return Client(url, credentials, store, **settings)


class Server:
    """Answers by ``routes``: "METHOD /path" to a function of the handler, or to a
    (status, body) pair. Whatever came in is kept in ``requests``."""

    def __init__(self):
        self.routes = {"POST /auth/login": (200, TOKENS)}
        self.requests = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                path = self.path.split("?")[0].removeprefix("/api/v2")
                key = f"{self.command} {path}"
                server.requests.append((key, dict(self.headers), body))
                route = server.routes.get(key, (404, {"message": "nada aqui"}))
                if callable(route):
                    route(self)
                else:
                    self.answer(*route)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def answer(self, status, body, **headers):
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v2"

    def count(self, key):
        return sum(request[0] == key for request in self.requests)

    def use_tls(self, context):
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc):
        self._server.shutdown()
        self._server.server_close()
