"""Bounds on the work that invalid input makes: of what is wrong, only the first few are explained.

Validation makes an error of some hundred bytes for each wrong item and unknown key, so a request of
a few megabytes could hold a process for minutes. Lengths are looked at before items; and of many
wrong items or keys, the first :data:`MAX_PROBLEMS` are validated for their errors and the others
counted.
"""

from collections.abc import Callable, Iterable, Sequence
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
"""Most problems that one answer lists; it counts the others."""

MORE = "more"
"""Type of the error that stands for further ones; its context has their ``count``."""


class Bounded:
    """Marks a list type: a length above its ``max_length`` is refused before its items are read.

    For lists of scalars or of such lists; for the other annotations, place it after ``Field``.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The list's schema, stopping at the first wrong item, inside these checks."""
        complete = handler(source)
        most: int = complete["max_length"]
        report = SchemaValidator(complete)
        item = SchemaValidator(complete["items_schema"][0])

        def check(given: Any, validate: Callable[[Any], Any]) -> Any:
            if not isinstance(given, list | tuple):
                return validate(given)
            refuse_longer(given, most)
            try:
                return validate(given)
            except ValidationError:
                wrong = [i for i, value in enumerate(given) if not item.isinstance_python(value)]
                if len(wrong) <= MAX_PROBLEMS:
                    return report.validate_python(given)
                _raise(report.validate_python, given[: wrong[MAX_PROBLEMS]], len(wrong))

        fast = {**complete, "fail_fast": True}
        return core_schema.no_info_wrap_validator_function(check, fast)


class Checked(BaseModel):
    """The base of models that clients fill: of many unknown keys, the first few are explained."""

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
        few = {key: value for key, value in given.items() if key not in dropped}
        return _raise(validate, few, len(unknown))


def refuse_longer(given: Sequence[Any] | dict[str, Any], most: int) -> None:
    """Refuses a list or object that is too long, in pydantic's words."""
    if len(given) > most:
        raise PydanticCustomError(
            "too_long",
            "should have at most {most} items, not {length}",
            {"most": most, "length": len(given)},
        )


def relocated(details: ErrorDetails, location: tuple[int | str, ...]) -> InitErrorDetails:
    """A reported error as a line of a new report, with the same message."""
    context = {**details.get("ctx", {}), "message": details["msg"]}
    error = PydanticCustomError(details["type"], "{message}", context)
    return InitErrorDetails(type=error, loc=location, input=details["input"])


def few(errors: Iterable[InitErrorDetails]) -> list[InitErrorDetails]:
    """The first errors, of any number that would be made one by one."""
    return list(islice(errors, MAX_PROBLEMS + 1))


def _raise(validate: Callable[[Any], Any], few: Any, count: int) -> Any:
    """Raises the errors of a few of ``count`` wrong items, and one that counts the others."""
    try:
        return validate(few)
    except ValidationError as error:
        lines = [relocated(details, details["loc"]) for details in error.errors(include_url=False)]
        message = "and {count} more like these"
        more = PydanticCustomError(MORE, message, {"count": count - MAX_PROBLEMS})
        lines.append(InitErrorDetails(type=more, input=None))
        raise ValidationError.from_exception_data(error.title, lines) from None
