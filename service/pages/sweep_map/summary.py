"""A sweep in a few words: its base, its axes and its state."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.labels import value_label
from core.spec.axis import paths, size, together
from core.spec.paths import value_at
from core.symbols import Quantity, quantity
from service import schemas
from store.sweeps.repository import Sweep

_BASE = (
    "teacher.kind",
    "teacher.dim",
    "student.kind",
    "student.dim",
    "training.length",
    "student.start.scale",
    "optimizer.kind",
    "optimizer.lr",
)
"""The fields of a base that are worth their room in a list."""


@dataclass(frozen=True)
class Axis:
    """An axis in words: its fields, which advance together, and the number of its points."""

    known: Sequence[Quantity]
    count: int


@dataclass(frozen=True)
class Summary:
    """A sweep at a glance.

    Attributes:
        base: Its base in words, without what the axes set.
        axes: Its axes; none of a sweep that this version can't read.
        points: The number of points that they have.
        state: The state of its experiments as a whole.
        of: The number of its experiments.
        done: How many have ended.
    """

    sweep: Sweep
    base: str
    axes: Sequence[Axis]
    points: int
    state: schemas.SweepState
    of: int
    done: int

    @classmethod
    def from_record(cls, sweep: Sweep) -> "Summary":
        """The summary of a stored sweep."""
        axes, points, set_by_axes = list[Axis](), 0, set[str]()
        with suppress(ValidationError):  # stored by a version with another language
            for part in together(sweep.spec.axes):
                names = paths(part)
                set_by_axes.update(names)
                axes.append(Axis([quantity(path) for path in names], size(part)))
            points = size(sweep.spec.axes)
        return cls(
            sweep=sweep,
            base=_in_words(sweep.base, [path for path in _BASE if path not in set_by_axes]),
            axes=axes,
            points=points,
            state=schemas.SweepState.from_counts(sweep.counts),
            of=sum(sweep.counts.values()),
            done=sum(count for state, count in sweep.counts.items() if state.is_final),
        )


def _in_words(base: Mapping[str, Any], fields: Sequence[str]) -> str:
    given = [(path, value_at(base, path)) for path in fields]
    return ", ".join(
        value_label(path, value)
        for path, value in given
        if isinstance(value, str | int | float | bool)
    )
