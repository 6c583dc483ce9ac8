"""The door of a lab: the open socket of its API.

The supervisor holds it, so a restart of the API turns nobody away.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from lab.errors import CannotStart

_BACKLOG = 512
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where a socket on all interfaces is reached from here


@contextmanager
def opened(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens at ``host`` and ``port``, a free port where that is 0, until the context ends.

    Raises:
        CannotStart: The port is taken, or the host is none of this machine.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        door = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (
            error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        )
        raise CannotStart(
            f"Can't listen on port {port} of {host}: {reason}. Choose another with --port."
        ) from error
    with door:
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by its connections
        yield door


def url(door: socket.socket) -> str:
    """Where the API behind ``door`` is reached from this machine."""
    host, port = door.getsockname()[:2]
    host = _LOOPBACK.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
