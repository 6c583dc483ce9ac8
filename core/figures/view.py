"""Which of an experiment's numbers a figure shows, where there is a choice."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal

TrainingAxis = Literal["step", "time"]
"""What curves of a training are drawn over: recorded steps, or training time."""

TRAINING_AXES: Mapping[TrainingAxis, str] = MappingProxyType(
    {"step": "step", "time": "training time"}
)
"""What the axes are called in a sentence."""


@dataclass(frozen=True)
class View:
    """The choices that a client has made; None leaves a choice to the figure.

    Attributes:
        x: What curves of the training are drawn over.
        output: The output channel, counted from 1.
        input: The input channel, counted from 1.
    """

    x: TrainingAxis | None = None
    output: int | None = None
    input: int | None = None

    @property
    def chosen(self) -> list[str]:
        """The names of the choices that were made."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]


DEFAULT_VIEW = View()
"""All choices left to the figure."""
