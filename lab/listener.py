"""The listening socket of a lab's API.

The supervisor holds it, so connections are not refused while the API restarts.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address

from lab.errors import CannotStart

_BACKLOG = 512
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # addresses of all interfaces


def require_loopback(host: str) -> None:
    """Refuses a host that other machines reach; one that has no address is left to :func:`listen`.

    Raises:
        CannotStart: Other machines reach it.
    """
    with suppress(socket.gaierror, UnicodeError):
        addresses = {address[0] for *_, address in socket.getaddrinfo(host, None)}
        if not all(ip_address(address).is_loopback for address in addresses):
            raise CannotStart(
                f"The lab authenticates no one, and everyone who reaches {host} could read and "
                "change everything. Leave out --host and reach the lab through SSH (ssh -L "
                "8000:localhost:8000 HOST) or a proxy that authenticates, or allow it with "
                "--allow-anyone."
            )


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket listening at ``host`` and ``port`` until the context ends; port 0 picks a free one.

    Raises:
        CannotStart: The port is taken, or the host isn't an address of this machine.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise CannotStart(
            f"Can't listen on port {port} of {host}: {_reason(error)}. "
            "Choose another with --port or --host."
        ) from error
    with listener:
        # Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def _reason(error: OSError | UnicodeError) -> str:
    match error:
        case UnicodeError():
            return "It is not the name of a host"
        case socket.gaierror():
            return str(error.strerror)
    return os.strerror(error.errno or 0)


def url(listener: socket.socket) -> str:
    """The URL of the API on ``listener``, for clients on this machine."""
    host, port = listener.getsockname()[:2]
    host = _LOOPBACK.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
