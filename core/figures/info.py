"""The first half of a figure: its numbers, as a frozen value that is also the figure's JSON."""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.spec import ExperimentSpec, setup_hash

Series = Mapping[str, np.ndarray]
"""Recorded points in long form: columns ``seed``, ``step`` and metric names."""


class Info(BaseModel):
    """What every figure says of itself.

    Attributes:
        title: What is drawn, in a line.
        source: The set-ups that the numbers come from.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    title: str
    source: str


class SeedLine(BaseModel):
    """One seed's line."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    seed: int
    x: list[float]
    y: list[float]


def heading(spec: ExperimentSpec, subject: str) -> dict[str, str]:
    """Title and source of a figure of one experiment."""
    teacher, student = spec.teacher, spec.student
    title = f"{subject}: {teacher.kind} teacher, {student.words} d = {student.dim}, k = {spec.training.length}"
    return {"title": f"{spec.name}\n{title}" if spec.name else title, "source": source([spec])}


def source(specs: Sequence[ExperimentSpec]) -> str:
    """The set-up hashes, shortened, of what is drawn."""
    hashes = sorted({setup_hash(spec)[:12] for spec in specs})
    shown = ", ".join(hashes[:3]) + (f" and {len(hashes) - 3} more" if len(hashes) > 3 else "")
    return f"Extrapolab, set-up {shown}"
