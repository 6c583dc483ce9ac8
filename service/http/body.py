"""The body of a request: read up to the limit, whatever its headers claim, and parsed without trust."""

from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from core.errors import Problem, SpecError
from core.spec import explain
from service.context import context_of
from service.http.errors import BodyTooLarge, Malformed, UnsupportedContent

Model = TypeVar("Model", bound=BaseModel)


async def read(request: Request) -> bytes:
    """The JSON text of the body.

    Raises:
        UnsupportedContent: It is declared as something else, or compressed.
        BodyTooLarge: It is longer than ``EXTRAPOLAB_MAX_BODY_BYTES``.
    """
    _refuse_other_content(request)
    limit = context_of(request).settings.max_body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(
                Problem("", "too_large", f"the body should be at most {limit} bytes long")
            )
    return bytes(body)


JsonBody = Annotated[bytes, Depends(read)]


def parse(body: bytes, model: type[Model]) -> Model:
    """The body as a ``model``.

    Raises:
        Malformed: It is not JSON. Non-finite numbers are let through context, so that the field they
            are in is named.
        SpecError: It is JSON, but not a valid ``model``; every problem is listed.
    """
    try:
        content = from_json(body, allow_inf_nan=True)
    except ValueError as error:
        raise Malformed(
            Problem("", "not_json", f"the body should be JSON (RFC 8259, UTF-8): {error}")
        ) from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise SpecError(explain(error, model)) from None


def _refuse_other_content(request: Request) -> None:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    kind, _, subtype = media_type.strip().lower().partition("/")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        problem = Problem(
            "/header/Content-Type", "not_json", "the body should be JSON", media_type or "nothing"
        )
    elif charset not in {"", "charset=utf-8"}:
        problem = Problem("/header/Content-Type", "not_utf8", "JSON is UTF-8", parameters.strip())
    elif (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        problem = Problem(
            "/header/Content-Encoding", "compressed", "the body should not be compressed", encoding
        )
    else:
        return
    raise UnsupportedContent(problem)
