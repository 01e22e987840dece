"""A small HTTP server whose answers a test writes, byte by byte if it likes."""

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
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
            disable_nagle_algorithm = True

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
        # A client that hangs up is what many a test is about.
        self._server.handle_error = lambda *_arguments: None
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v2"

    def count(self, key):
        return sum(request[0] == key for request in self.requests)

    def answers(self, key, *answers):
        """One after the other; the last one for ever."""
        waiting = list(answers)
        self.routes[key] = lambda handler: handler.answer(
            *(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        )

    def use_tls(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def __enter__(self):
        threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        ).start()
        return self

    def __exit__(self, *_exc):
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def raw_server(talk):
    """A port on which ``talk(connection)`` answers, be it HTTP or not; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection):
        with connection:
            try:
                talk(connection)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v2"
    finally:
        # A close alone does not wake the one who waits.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def make_certificate(path, *names):
    """A certificate that signs itself, with its key, in one file.

    :param names: the hosts that it is for
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(map(_san, names)), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _san(name):
    if name[0].isdigit():
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)
