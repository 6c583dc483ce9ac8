"""A tool: its arguments with their limits, what it does in a lab, and its short answer."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated, Any, ClassVar

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.spec import explain
from extrapolab.client.lab import Lab
from extrapolab.errors import LabError
from extrapolab.problems import format_problem

DIGITS = 4
"""Significant digits of a metric in an answer."""

MAX_ITEMS = 20
"""Most items of a list in an answer; rows and points have limits of their own."""

MAX_CHARACTERS = 40_000
"""Length of an answer above which a call must ask for less."""

Filter = Annotated[
    str,
    Field(description="A filter, such as: tag:figure-1 and outcome = fitted. Default: all."),
]
ExperimentId = Annotated[
    str,
    Field(description="The experiment's id, exp_..., a unique prefix, its name, or @latest."),
]


@dataclass(frozen=True)
class Picture:
    """A PNG image with its caption."""

    png: bytes
    caption: str


class Tool(BaseModel):
    """A call of a tool: its fields are the arguments, its docstring is what a model reads.

    Attributes:
        tool: The tool's name.
        changes: Whether it changes the lab.
        destroys: Whether what it does can't be undone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: ClassVar[str]
    changes: ClassVar[bool] = False
    destroys: ClassVar[bool] = False

    @abstractmethod
    def run(self, lab: Lab) -> object:
        """Does it; returns a picture, or what JSON can hold.

        Raises:
            LabError: The lab refuses, or no lab answers.
        """

    @classmethod
    def description(cls) -> str:
        """Returns what the tool does, for a language model."""
        return cleandoc(cls.__doc__ or "")

    @classmethod
    def arguments(cls) -> dict[str, Any]:
        """Returns the JSON Schema of its arguments."""
        schema = cls.model_json_schema()
        properties = {
            name: {key: value for key, value in field.items() if key != "title"}
            for name, field in schema.get("properties", {}).items()
        }
        kept = {key: value for key, value in schema.items() if key not in {"title", "description"}}
        return {**kept, "properties": properties}


class Mistaken(Exception):
    """A call that can't be answered; the message is for the model."""


def call(tool: type[Tool], arguments: Mapping[str, Any], lab: Lab) -> Picture | str:
    """Calls a tool; returns a picture, or its answer as JSON.

    Raises:
        Mistaken: The arguments are not valid, the lab refuses, no lab answers, or the answer is
            too long.
    """
    try:
        answer = tool.model_validate(arguments).run(lab)
    except ValidationError as error:
        problems = map(format_problem, explain(error, tool))
        raise Mistaken("\n".join(["The arguments are not valid", *problems])) from error
    except LabError as error:
        raise Mistaken(_with_tool_names(str(error))) from error
    if isinstance(answer, Picture):
        return answer
    text = to_json(answer)
    if len(text) > MAX_CHARACTERS:
        raise Mistaken(
            f"The answer has {len(text):,} characters, more than {MAX_CHARACTERS:,}. "
            "Ask for less, such as fewer rows, points or metrics."
        )
    return text


def to_json(answer: object) -> str:
    """Returns ``answer`` as JSON; non-finite numbers are "NaN", "Infinity" and "-Infinity".

    Example:
        >>> to_json({"name": "λ", "value": float("inf")})
        '{"name":"λ","value":"Infinity"}'
    """
    return pydantic_core.to_json(answer, inf_nan_mode="strings").decode()


def rounded(value: Any) -> Any:
    """Returns a number, or a tree of them, with few significant digits.

    Example:
        >>> rounded({"fit_error": [0.0123456, float("inf"), 3]})
        {'fit_error': [0.01235, inf, 3]}
    """
    match value:
        case float() if math.isfinite(value):
            return float(f"{value:.{DIGITS}g}")
        case dict():
            return {name: rounded(item) for name, item in value.items()}
        case list() | tuple():
            return [rounded(item) for item in value]
        case _:
            return value


def shortened(value: Any, most: int = MAX_ITEMS) -> Any:
    """Returns a tree with at most ``most`` items in each list, and the number of the others.

    Example:
        >>> shortened({"values": [1, 2, 3, 4]}, most=2)
        {'values': [1, 2, '... and 2 more']}
    """
    match value:
        case dict():
            return {name: shortened(item, most) for name, item in value.items()}
        case list() | tuple() if len(value) > most:
            first = [shortened(item, most) for item in value[:most]]
            return [*first, f"... and {len(value) - most} more"]
        case list() | tuple():
            return [shortened(item, most) for item in value]
        case _:
            return value


def _with_tool_names(message: str) -> str:
    """Replaces a command that a message recommends by the tool that does the same."""
    return message.replace("'extrapolab query --fields'", "list_fields")
