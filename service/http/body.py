"""Request bodies: read up to a limit, whatever their headers claim, and parsed without trust."""

from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from core.errors import Problem, SpecError
from core.spec import explain
from core.spec.text import RepeatedKey, TooManyParts, describe_syntax_error, parse_json
from service.context import context_of
from service.http.errors import BodyTooLarge, Malformed, TwiceGiven, UnsupportedContent

Model = TypeVar("Model", bound=BaseModel)


async def read(request: Request) -> bytes:
    """The body, which has to be JSON text.

    Raises:
        UnsupportedContent: The body is declared as something else, or as compressed.
        BodyTooLarge: The body is longer than ``EXTRAPOLAB_MAX_BODY_BYTES``.
    """
    _require_json(request)
    limit = context_of(request).settings.max_body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            message = f"the body should be at most {limit} bytes long"
            raise BodyTooLarge(Problem("", "too_large", message))
    return bytes(body)


JsonBody = Annotated[bytes, Depends(read)]


def parse(body: bytes, model: type[Model]) -> Model:
    """The body as a ``model``.

    Raises:
        Malformed: The body is not JSON. NaN and infinities are accepted at this stage, so that the
            model's validation can name their fields.
        TwiceGiven: A key stands twice in one object.
        BodyTooLarge: The body has too many lists, objects and strings.
        SpecError: The JSON is not a valid ``model``; all problems are listed, up to a limit.
    """
    try:
        content = parse_json(body)
    except RepeatedKey as error:
        message = f"{error} in one object of the body; keep one of its values"
        raise TwiceGiven(Problem("", "repeated_key", message)) from None
    except TooManyParts as error:
        message = f"the body has {error}; send it in parts"
        raise BodyTooLarge(Problem("", "too_many_parts", message)) from None
    except (ValueError, RecursionError) as error:
        reason = describe_syntax_error(error)
        message = f"the body should be JSON (RFC 8259, UTF-8): {reason}"
        raise Malformed(Problem("", "not_json", message)) from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise SpecError(explain(error, model)) from None


def _require_json(request: Request) -> None:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    kind, _, subtype = media_type.strip().lower().partition("/")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    encoding = request.headers.get("content-encoding", "identity")
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        problem = Problem(
            "/header/Content-Type", "not_json", "the body should be JSON", media_type or "nothing"
        )
    elif charset not in {"", "charset=utf-8"}:
        problem = Problem(
            "/header/Content-Type", "not_utf8", "JSON should be in UTF-8", parameters.strip()
        )
    elif encoding != "identity":
        problem = Problem(
            "/header/Content-Encoding", "compressed", "the body should not be compressed", encoding
        )
    else:
        return
    raise UnsupportedContent(problem)
