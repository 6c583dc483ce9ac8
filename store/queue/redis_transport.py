"""Kombu's transport for Redis, on which the use of a closed channel is a lost connection.

A worker that loses Redis closes its channel, and may still ask that channel for a client: to
acknowledge the task of a training that ends meanwhile, say. Kombu then reads the parameters of a
connection that is gone, with an AttributeError, which ends the worker.
"""

from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):
    """A channel that a worker recovers from when it is closed."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # Kombu's
        if self.connection is None:
            raise ConnectionLost("the channel is closed, as the connection to Redis was lost")
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]  # untyped
        return parameters


class Transport(redis.Transport):
    """The transport with this channel."""

    Channel = Channel
