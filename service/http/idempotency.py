"""A submission that happens once, however often it is sent: under an ``Idempotency-Key`` the first answer is kept."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json
from sqlalchemy import Connection

from service.context import AppContext
from store.experiments import idempotency

Made = tuple[int, dict[str, Any]]
"""The status of an answer, and its body."""


@dataclass(frozen=True)
class Once:
    """Who asks for what, under which key; without a key every request is a new one.

    Attributes:
        route: The call that the key belongs to, such as ``POST /v1/experiments``.
        owner: Whose key it is.
        key: The value of the header.
        digest: Names what was asked for.
    """

    route: str
    owner: str
    key: str | None
    digest: str

    @classmethod
    def of(
        cls, request: Request, content: bytes, *, route: str, owner: str, key: str | None
    ) -> "Once":
        """What was asked for is the body as sent, and the query in any order."""
        query = json.dumps(sorted(request.query_params.multi_items()))
        return cls(route, owner, key, hashlib.sha256(query.encode() + b"\0" + content).hexdigest())

    def submit(self, context: AppContext, make: Callable[[Connection], Made]) -> Response:
        """The answer that ``make`` gives in one write, kept under the key in that same write."""
        with context.database.write() as tx:
            kept = (
                None
                if self.key is None
                else idempotency.remember(tx, self.key, self.owner, self.route, self.digest)
            )
            if kept is not None:
                return accepted(*kept)
            status, answer = make(tx)
            if self.key is not None:
                idempotency.keep(
                    tx, self.key, self.owner, self.route, self.digest, status=status, body=answer
                )
        return accepted(status, answer)


def accepted(status: int, answer: dict[str, Any]) -> Response:
    """An answer with the place of what was submitted and, while there is something to wait for, when to ask again."""
    headers = {"Location": answer["links"]["self"]}
    if status == 202:
        headers["Retry-After"] = "1"
    return Response(to_json(answer), status, headers, "application/json")
