"""Checks of a shared broker, the Redis of EXTRAPOLAB_BROKER_URL."""

from urllib.parse import urlsplit

import kombu
import redis

from lab.errors import CannotStart

_SCHEMES = frozenset({"redis", "rediss", "redis+socket", "sentinel"})
_ALLOWED = "redis://HOST:PORT/0, rediss://HOST:PORT/0 or redis+socket:///PATH"
_SHARED_SECONDS = 3.0


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
