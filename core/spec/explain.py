"""A validation error in words: for each field its JSON Pointer, what was given, what is allowed and what to do."""

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import Problem

_LONGEST_GIVEN = 80
_ALLOWED_IN_CONTEXT = ("expected", "expected_tags")


def explain(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every problem of ``error``, which validating a ``model`` raised.

    Example:
        >>> from pydantic import ValidationError
        >>> from core.spec import ExperimentSpec
        >>> try:
        ...     ExperimentSpec.model_validate({"teacher": {"kind": "delay", "lags": 3}, "training": {"length": 0},
        ...                                    "student": {"kind": "linear", "dim": 8}})
        ... except ValidationError as error:
        ...     for problem in explain(error, ExperimentSpec):
        ...         print(problem)
        /teacher/lags: unknown field; did you mean 'lag'?; allowed: kind, lag
        /training/length: should be greater than or equal to 1 (given 0)
    """
    problems = [_problem(details, model) for details in error.errors(include_url=False)]
    return [problem for problem in problems if not _is_echo(problem, problems)]


def _is_echo(problem: Problem, problems: Sequence[Problem]) -> bool:
    """Whether a list is called too short only because pydantic does not count its invalid items."""
    return problem.code == "too_short" and any(
        other.pointer.startswith(problem.pointer + "/") for other in problems
    )


def _problem(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    keys, place = _walk(model, details["loc"])
    code = details["type"]
    pointer = "".join("/" + _escape(key) for key in keys)
    if code == "extra_forbidden":
        allowed = sorted(place.model_fields) if place is not None else []
        close = difflib.get_close_matches(str(keys[-1]), allowed, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return Problem(
            pointer, "unknown_field", f"unknown field{hint}", allowed=", ".join(allowed) or None
        )
    if code == "missing":
        return Problem(pointer, code, "is required")
    context = details.get("ctx", {})
    allowed_here = next(
        (str(context[name]) for name in _ALLOWED_IN_CONTEXT if name in context), None
    )
    if code in {"union_tag_invalid", "union_tag_not_found"}:
        return _unknown_kind(
            pointer, details, str(context.get("expected_tags", "")).replace("'", "")
        )
    if code == "string_pattern_mismatch":
        return Problem(
            pointer,
            "control_character",
            "should hold no control characters",
            shorten(details["input"]),
        )
    message = details["msg"].removeprefix("Input ").replace("Value error, ", "")
    return Problem(pointer, code, message, given=shorten(details["input"]), allowed=allowed_here)


def _unknown_kind(pointer: str, details: ErrorDetails, allowed: str) -> Problem:
    given = details["input"].get("kind") if isinstance(details["input"], dict) else None
    if given is None:
        return Problem(pointer + "/kind", "missing", "is required", allowed=allowed)
    close = difflib.get_close_matches(str(given), allowed.split(", "), n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return Problem(
        pointer + "/kind",
        "unknown_kind",
        f"unknown kind{hint}",
        given=shorten(given),
        allowed=allowed,
    )


def shorten(value: object) -> str:
    """``value`` as short printable ASCII, safe to send back: NaN, lone surrogates and huge bodies included."""
    text = (
        ascii(value)
        if isinstance(value, str | int | float | bool | type(None))
        else _outline(value)
    )
    return text if len(text) <= _LONGEST_GIVEN else text[: _LONGEST_GIVEN - 3] + "..."


def _outline(value: object) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(ascii(key) for key in list(value)[:5]) or "no keys")
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return type(value).__name__


def _escape(key: str | int) -> str:
    return ascii(str(key))[1:-1].replace("~", "~0").replace("/", "~1")


def _walk(
    model: type[BaseModel], location: Sequence[str | int]
) -> tuple[list[str | int], type[BaseModel] | None]:
    """The keys of ``location`` without the union tags that pydantic puts in, and the model that holds the last key."""
    keys: list[str | int] = []
    here: list[Any] = [model]
    holder: type[BaseModel] | None = model
    for part in location:
        chosen = [m for m in here if len(here) > 1 and part in _kinds(m)]
        if chosen:
            here = chosen
            continue
        holder = next((m for m in here if _is_model(m)), None)
        keys.append(part)
        fields = holder.model_fields if holder else {}
        annotation = fields[part].annotation if part in fields else None
        here = list(_members(annotation)) if holder else here
    return keys, holder


def _kinds(model: Any) -> tuple[object, ...]:
    field = model.model_fields.get("kind") if _is_model(model) else None
    return typing.get_args(field.annotation) if field else ()


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _members(annotation: Any) -> Iterator[Any]:
    """The models that a field may hold, through Annotated and unions."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    elif annotation is not None:
        yield annotation
