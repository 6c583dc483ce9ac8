"""The base of a lab's answers: how they are read, and shown in a line."""

from collections.abc import Sized
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from extrapolab.errors import ServerProblem
from extrapolab.problems import format_problem
from extrapolab.suggestions import no_attribute

MAX_WIDTH = 100
"""Most characters of the line that shows an answer."""

MAX_VALUE = 40
"""Most characters of a value in that line."""

_FIRST = ("id", "name", "state")
"""The values that come first in that line."""


class SuggestingModel(BaseModel):
    """A value that names what it has, when asked for something else."""

    if not TYPE_CHECKING:  # a type checker finds such names itself

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                if name.startswith("_"):
                    raise
                raise no_attribute(self, name) from None

    def __dir__(self) -> list[str]:
        """Its own names, without those of every Pydantic model."""
        own = {*super().__dir__(), *type(self).model_fields}
        return sorted(name for name in own if name.startswith("_") or not hasattr(BaseModel, name))


class Record(SuggestingModel):
    """A frozen answer."""

    model_config = ConfigDict(
        frozen=True, extra="allow", ser_json_inf_nan="strings", defer_build=True
    )

    @classmethod
    def read(cls, answer: Any) -> Self:
        """Reads the lab's answer as this record.

        Raises:
            ServerProblem: The answer does not have this form.
        """
        try:
            return cls.model_validate(answer)
        except ValidationError as error:
            raise not_understood(error, cls) from error

    def __repr__(self) -> str:
        """One line: its short values, and the sizes of the others."""
        values = sorted(self.__repr_args__(), key=lambda pair: pair[0] not in _FIRST)
        parts = [part for name, value in values if (part := _brief(name, value))]
        return shorten(f"<{type(self).__name__} {', '.join(parts)}", MAX_WIDTH) + ">"

    __str__ = __repr__


def not_understood(error: ValidationError, model: type[BaseModel]) -> ServerProblem:
    """The error of an answer that does not have the form of a record."""
    from core.spec import explain  # noqa: PLC0415  # rarely needed

    message = "Can't read the lab's answer; does the lab run another version than this client?"
    problems = map(format_problem, explain(error, model))
    return ServerProblem(200, "\n".join([message, *problems]))


def shorten(text: str, width: int) -> str:
    """Returns the text, or its beginning with three dots."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _brief(name: str | None, value: object) -> str:
    """A value in a line; of a collection, its size; nothing if there is nothing to show."""
    if value is None or (isinstance(value, Sized) and not value):
        return ""
    if isinstance(value, str | float | int | datetime):
        return f"{name}={shorten(str(value), MAX_VALUE)}"
    return f"{name} ({len(value)})" if isinstance(value, Sized) else ""
