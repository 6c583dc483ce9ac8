"""Explains a validation error: per field, its JSON Pointer, given value and allowed values."""

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import Problem
from core.spec.bounds import MAX_PROBLEMS, MORE

_LONGEST_GIVEN = 80
_LONGEST_KEY = 200


def explain(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Returns the problems of ``error``, raised when validating a ``model``.

    They are at most :data:`core.spec.bounds.MAX_PROBLEMS`, and one that counts the others.

    Example:
        >>> from pydantic import ValidationError
        >>> from core.spec import ExperimentSpec
        >>> try:
        ...     ExperimentSpec.model_validate({
        ...         "teacher": {"kind": "delay", "lags": 3},
        ...         "student": {"kind": "linear", "dim": 8},
        ...         "training": {"length": 0},
        ...     })
        ... except ValidationError as error:
        ...     for problem in explain(error, ExperimentSpec):
        ...         print(problem)
        /teacher/lags: unknown field; did you mean 'lag'?; allowed: kind, lag
        /training/length: should be greater than or equal to 1 (given 0)
    """
    errors = error.errors(include_url=False)
    hidden = sum(details["ctx"]["count"] for details in errors if details["type"] == MORE)
    errors = [details for details in errors if details["type"] != MORE]
    problems = [_problem(details, model) for details in errors[:MAX_PROBLEMS]]
    hidden += len(errors) - len(problems)
    problems = [problem for problem in problems if not _is_echo(problem, problems)]
    return [*problems, Problem("", MORE, f"and {hidden} more like these")] if hidden else problems


def _is_echo(problem: Problem, problems: Sequence[Problem]) -> bool:
    """Whether a list counts as too short only because some of its items are invalid."""
    return problem.code == "too_short" and any(
        other.pointer.startswith(problem.pointer + "/") for other in problems
    )


def _problem(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    keys, holder = _walk(model, details["loc"])
    code = details["type"]
    pointer = "".join("/" + _escape(key) for key in keys)
    if code == "extra_forbidden":
        allowed = sorted(holder.model_fields) if holder is not None else []
        message = "unknown field" + _hint(keys[-1], allowed)
        return Problem(pointer, "unknown_field", message, allowed=", ".join(allowed) or None)
    if code == "missing":
        return Problem(pointer, code, "is required")
    context = details.get("ctx", {})
    if code in {"union_tag_invalid", "union_tag_not_found"}:
        return _unknown_kind(pointer, details, context.get("expected_tags", "").replace("'", ""))
    given = shorten(details["input"])
    if code == "string_pattern_mismatch":
        message = "should not contain control characters"
        return Problem(pointer, "control_character", message, given)
    allowed_values = context.get("expected") or context.get("expected_tags")
    message = details["msg"].removeprefix("Input ").replace("Value error, ", "")
    return Problem(
        pointer, code, message, given, None if allowed_values is None else str(allowed_values)
    )


def _hint(name: object, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name)[:_LONGEST_KEY], allowed, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _unknown_kind(pointer: str, details: ErrorDetails, allowed: str) -> Problem:
    given = details["input"].get("kind") if isinstance(details["input"], dict) else None
    if given is None:
        return Problem(pointer + "/kind", "missing", "is required", allowed=allowed)
    message = "unknown kind" + _hint(given, allowed.split(", "))
    return Problem(pointer + "/kind", "unknown_kind", message, shorten(given), allowed)


def shorten(value: object) -> str:
    """Returns ``value`` as short printable ASCII: safe for NaN, lone surrogates and huge bodies."""
    if isinstance(value, str):
        text = ascii(value[:_LONGEST_GIVEN])
    elif isinstance(value, int | float | type(None)):
        text = ascii(value)
    else:
        text = _outline(value)
    return text if len(text) <= _LONGEST_GIVEN else text[: _LONGEST_GIVEN - 3] + "..."


def _outline(value: object) -> str:
    if isinstance(value, dict):
        return "an object with " + (
            ", ".join(ascii(key[:_LONGEST_GIVEN]) for key in islice(value, 5)) or "no keys"
        )
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return type(value).__name__


def shorten_key(key: str) -> str:
    """Returns a key as short printable ASCII."""
    return ascii(key[:_LONGEST_KEY])[1:-1] + ("..." if len(key) > _LONGEST_KEY else "")


def _escape(key: str | int) -> str:
    return shorten_key(str(key)).replace("~", "~0").replace("/", "~1")


def _walk(
    model: type[BaseModel], location: Sequence[str | int]
) -> tuple[list[str | int], type[BaseModel] | None]:
    """Returns ``location`` without pydantic's union tags, and the model that holds its last key."""
    keys: list[str | int] = []
    members: list[Any] = [model]
    holder: type[BaseModel] | None = model
    for part in location:
        tagged = [member for member in members if len(members) > 1 and part in _kinds(member)]
        if tagged:
            members = tagged
            continue
        holder = next((member for member in members if _is_model(member)), None)
        keys.append(part)
        if holder:
            field = holder.model_fields.get(str(part))
            members = list(_members(field.annotation)) if field else []
    return keys, holder


def _kinds(model: Any) -> tuple[object, ...]:
    field = model.model_fields.get("kind") if _is_model(model) else None
    return typing.get_args(field.annotation) if field else ()


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _members(annotation: Any) -> Iterator[Any]:
    """Yields the types that a field can hold, inside Annotated and unions."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    elif annotation is not None:
        yield annotation
