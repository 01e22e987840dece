"""A mail server that keeps what it is given, for tests that read mails."""

import email
import email.policy
import socketserver
import threading
from contextlib import contextmanager


class Mailbox:
    """:ivar mails: ``email.message.EmailMessage`` in the order in which they came"""

    def __init__(self):
        self.mails = []
        self.port = None

    def to(self, address):
        """The subjects and bodies of what came for an address."""
        return [
            (mail["subject"], mail.get_body(("html", "plain")).get_content())
            for mail in self.mails
            if address in mail["to"]
        ]


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 mailbox")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word == b"DATA":
                self._say("354 go on")
                self._keep(iter(self.rfile.readline, b".\r\n"))
                self._say("250 kept")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 mailbox")

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def _keep(self, lines):
        raw = b"".join(line.removeprefix(b".") for line in lines)
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        self.server.mailbox.mails.append(mail)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def mailbox():
    """A mailbox that listens on a free port."""
    box = Mailbox()
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.mailbox = box
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield box
        server.shutdown()
