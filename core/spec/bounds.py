"""Bounds on the work that invalid input makes: few problems are explained, and the others counted.

Validation makes an error of some hundred bytes for each wrong item and unknown key, so a request of
a few megabytes could hold a process for minutes. So the length of a list is checked before its
items, and of many wrong items or keys only the first :data:`MAX_PROBLEMS` become errors.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Self

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import (
    CoreSchema,
    ErrorDetails,
    InitErrorDetails,
    PydanticCustomError,
    SchemaValidator,
    core_schema,
)

MAX_PROBLEMS = 50
"""The largest number of problems that one answer lists; it counts the others."""

MORE = "more"
"""The type of the error that stands for all others; its context has their ``count``."""


class Bounded:
    """Annotates a list type: a list above its ``max_length`` is refused before its items are read.

    The items are scalars, or lists that are bounded too. It stands after the ``Field`` that gives
    ``max_length``.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The list's schema, which stops at the first wrong item, inside these checks."""
        complete = handler(source)
        most: int = complete["max_length"]
        all_errors = SchemaValidator(complete)
        item = SchemaValidator(complete["items_schema"][0])

        def check(given: Any, validate: Callable[[Any], Any]) -> Any:
            if not isinstance(given, list | tuple):
                return validate(given)
            refuse_longer(len(given), most)
            try:
                return validate(given)
            except ValidationError:
                wrong = [i for i, value in enumerate(given) if not item.isinstance_python(value)]
                if len(wrong) <= MAX_PROBLEMS:
                    return all_errors.validate_python(given)
                _raise_first(all_errors.validate_python, given[: wrong[MAX_PROBLEMS]], len(wrong))

        fast = {**complete, "fail_fast": True}
        return core_schema.no_info_wrap_validator_function(check, fast)


class ClientModel(BaseModel):
    """The base of models that clients fill: of many unknown keys, it explains the first few."""

    @model_validator(mode="wrap")
    @classmethod
    def _count_unknown_keys(cls, given: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        known = cls.model_fields
        if not isinstance(given, dict) or len(given) <= len(known) + MAX_PROBLEMS:
            return validate(given)
        if cls.model_config.get("extra") != "forbid":
            return validate(given)
        unknown = [key for key in given if key not in known]
        dropped = set(unknown[MAX_PROBLEMS:])
        kept = {key: value for key, value in given.items() if key not in dropped}
        return _raise_first(validate, kept, len(unknown))


def refuse_longer(length: int, most: int) -> None:
    """Raises pydantic's error for a list or object of more than ``most`` items."""
    if length > most:
        raise PydanticCustomError(
            "too_long",
            "should have at most {most} items, not {length}",
            {"most": most, "length": length},
        )


def restated(
    details: ErrorDetails, location: tuple[int | str, ...] | None = None
) -> InitErrorDetails:
    """A reported error for another report, with the same message, perhaps at another location."""
    context = {**details.get("ctx", {}), "message": details["msg"]}
    error = PydanticCustomError(details["type"], "{message}", context)
    return InitErrorDetails(
        type=error, loc=details["loc"] if location is None else location, input=details["input"]
    )


def first_of(errors: Iterable[InitErrorDetails]) -> list[InitErrorDetails]:
    """The first errors, one more than an answer lists; the others are never made."""
    return list(islice(errors, MAX_PROBLEMS + 1))


def _raise_first(validate: Callable[[Any], Any], kept: Any, count: int) -> Any:
    """Raises the errors of those kept of ``count`` wrong items, and one that counts the others."""
    try:
        return validate(kept)
    except ValidationError as error:
        lines = [restated(details) for details in error.errors(include_url=False)]
        message = "and {count} more like these"
        more = PydanticCustomError(MORE, message, {"count": count - MAX_PROBLEMS})
        lines.append(InitErrorDetails(type=more, input=None))
        raise ValidationError.from_exception_data(error.title, lines) from None
