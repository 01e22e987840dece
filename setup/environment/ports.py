"""TCP ports of this machine's loopback address."""

import socket

from .steps import Failure


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(first: int) -> int:
    """The first free port from ``first`` on."""
    for port in range(first, first + 200):
        if is_free(port):
            return port
    raise Failure(f"Every port from {first} to {first + 199} is in use: free one.")


def require_free(port: int, what: str) -> None:
    """:raise Failure: another program listens there."""
    if not is_free(port):
        raise Failure(
            f"{what} needs port {port}, and another program uses it: stop that "
            "program, or set HTTP_PORT to a free port and run the command again."
        )
