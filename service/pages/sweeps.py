"""``/sweeps``: all sweeps, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from core.labels import value_label
from core.spec.axis import paths
from core.spec.paths import value_at
from core.symbols import Quantity, quantity
from service import schemas
from service.context import Context
from service.pages.readout import readout
from service.pages.rendering import page
from store.sweeps import repository
from store.sweeps.repository import Sweep

router = APIRouter(include_in_schema=False)

PER_PAGE = 50

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
        axes, points, set_by_axes = list[Axis](), 1, set[str]()
        try:
            for axis in sweep.spec.axes:
                names = paths([axis])
                set_by_axes.update(names)
                axes.append(Axis([quantity(path) for path in names], axis.size))
                points *= axis.size
        except ValidationError:  # stored by a version with another language
            points = 0
        return cls(
            sweep=sweep,
            base=_in_words(sweep.base, [path for path in _BASE if path not in set_by_axes]),
            axes=axes,
            points=points,
            state=schemas.SweepState.from_counts(sweep.counts),
            of=sum(sweep.counts.values()),
            done=sum(count for state, count in sweep.counts.items() if state.is_final),
        )


@router.get("/sweeps")
def sweeps(
    request: Request,
    context: Context,
    cursor: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> HTMLResponse:
    """Show all sweeps."""
    with context.database.read() as tx:
        found, next_cursor = repository.page(tx, limit=PER_PAGE, cursor=cursor)
        now = readout(tx, context)
    return page(
        request,
        "sweeps.html",
        readout=now,
        rows=[Summary.from_record(sweep) for sweep in found],
        cursor=cursor,
        next=next_cursor,
    )


def _in_words(base: Mapping[str, Any], fields: Sequence[str]) -> str:
    given = [(path, value_at(base, path)) for path in fields]
    return ", ".join(
        value_label(path, value)
        for path, value in given
        if isinstance(value, str | int | float | bool)
    )
