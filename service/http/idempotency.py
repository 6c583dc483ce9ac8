"""Idempotent submissions: a repeated request with the same ``Idempotency-Key`` changes nothing."""

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

SubmissionAnswer = tuple[int, dict[str, Any]]
"""Status and body of the answer to a submission."""


@dataclass(frozen=True)
class IdempotentRequest:
    """A request to store something; without a key, every request is new.

    Attributes:
        route: The route that the key belongs to, such as ``POST /v1/experiments``.
        owner: The user that the key belongs to.
        key: The ``Idempotency-Key`` header.
        digest: Identifies the request's content.
    """

    route: str
    owner: str
    key: str | None
    digest: str

    @classmethod
    def from_request(
        cls, request: Request, content: bytes, *, route: str, owner: str, key: str | None
    ) -> "IdempotentRequest":
        """The request with this body; the order of query parameters doesn't matter."""
        query = json.dumps(sorted(request.query_params.multi_items()))
        return cls(route, owner, key, hashlib.sha256(query.encode() + b"\0" + content).hexdigest())

    def find_answer(self, context: AppContext) -> Response | None:
        """The stored answer to the key, if any; saves the work that only a new request needs."""
        if self.key is None:
            return None
        with context.database.read() as tx:
            stored = idempotency.find_answer(tx, self.key, self.owner, self.route, self.digest)
        return None if stored is None else accepted(*stored)

    def answer(
        self, context: AppContext, submit: Callable[[Connection], SubmissionAnswer]
    ) -> Response:
        """Runs ``submit`` and keeps its answer under the key, both in one transaction.

        If the key already has an answer, returns that instead.
        """
        with context.database.write() as tx:
            stored = (
                None
                if self.key is None
                else idempotency.reserve(tx, self.key, self.owner, self.route, self.digest)
            )
            if stored is not None:
                return accepted(*stored)
            status, body = submit(tx)
            if self.key is not None:
                idempotency.store_answer(
                    tx, self.key, self.owner, self.route, self.digest, status=status, body=body
                )
        return accepted(status, body)


def accepted(status: int, body: dict[str, Any]) -> Response:
    """The answer to a submission, with ``Location``, and ``Retry-After`` if there is work to do."""
    headers = {"Location": body["links"]["self"]}
    if status == 202:
        headers["Retry-After"] = "1"
    return Response(to_json(body), status, headers, "application/json")
