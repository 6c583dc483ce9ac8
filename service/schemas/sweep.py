"""Sweeps: what is asked for, how far they are, and the numbers of all their experiments side by side."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from core.spec.axis import Axes
from service.schemas.base import Answer, Number, Page, instant
from service.schemas.submission import CostEstimate
from store.states import PENDING, State
from store.sweeps import repository as sweeps

Coordinates = dict[str, Any]


class Extension(BaseModel):
    """New axes of a sweep, wider ones or more of them; its base stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: Axes


class SweepLinks(Answer):
    """Where the parts of a sweep are, and what can be done with it."""

    here: str = Field(alias="self")
    table: str
    grid: str
    figures: dict[str, str]
    extend: str
    cancel: str
    retry: str

    @classmethod
    def of(cls, sweep_id: str) -> Self:
        """The links of a sweep."""
        here = f"/v1/sweeps/{sweep_id}"
        return cls(
            self=here,
            table=f"{here}/table",
            grid=f"{here}/grid",
            figures={name: f"{here}/figures/{name}.svg" for name in ("lines", "heatmap")},
            extend=f"{here}:extend",
            cancel=f"{here}:cancel",
            retry=f"{here}:retry",
        )


class SweepState(StrEnum):
    """How far a sweep's experiments are."""

    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"

    @classmethod
    def of(cls, counts: Mapping[State, int]) -> Self:
        """The state of a sweep with so many experiments in each state."""
        if any(counts[state] for state in PENDING):
            begun = counts[State.QUEUED] < sum(counts.values())
            return cls.RUNNING if begun else cls.QUEUED
        return cls.INCOMPLETE if counts[State.FAILED] or counts[State.CANCELLED] else cls.COMPLETED


STATE = Field(
    description="`queued`: none has begun. `running`: some have, and some are pending. `incomplete`: nothing is "
    "pending, but some failed or were cancelled; retry them, or submit the sweep again."
)


class SweepWarning(Answer):
    """What is legal but questionable about some experiments."""

    message: str
    first: Coordinates = Field(description="Where the first of them lies.")
    experiments: int = Field(description="How many there are.")


class SweepSubmission(Answer):
    """What became of a submitted sweep."""

    id: str
    name: str
    count: int = Field(description="Its experiments.")
    created: int = Field(description="Those that this request queued.")
    reused: int = Field(
        description="Those of this request that were there, queued, running or completed."
    )
    state: SweepState = STATE
    warnings: list[SweepWarning]
    links: SweepLinks


class SweepPoint(Answer):
    """One experiment of a sweep that is not stored."""

    coordinates: Coordinates
    spec_hash: str


class SweepDryRun(Answer):
    """What a sweep would be; nothing was stored."""

    name: str
    count: int
    created: int
    reused: int
    cost: CostEstimate = Field(
        description="Operations and storage of all of them, memory of the largest."
    )
    warnings: list[SweepWarning]
    points: list[SweepPoint] = Field(description="The first few.")


class SweepProgress(Answer):
    """How many experiments have ended."""

    done: int
    of: int


class SweepSummary(Answer):
    """A sweep, without what it consists of."""

    id: str
    name: str
    owner: str
    created_at: datetime
    state: SweepState = STATE
    counts: dict[State, int] = Field(description="How many experiments are in each state.")
    progress: SweepProgress
    links: SweepLinks

    @classmethod
    def of(cls, sweep: sweeps.Sweep, **more: Any) -> Self:
        """``sweep`` as it travels."""
        count = sum(sweep.counts.values())
        return cls(
            id=sweep.id,
            name=sweep.name,
            owner=sweep.owner,
            created_at=instant(sweep.created_at),
            state=SweepState.of(sweep.counts),
            counts=dict(sweep.counts),
            progress=SweepProgress(
                done=sum(n for state, n in sweep.counts.items() if state.is_final), of=count
            ),
            links=SweepLinks.of(sweep.id),
            **more,
        )


class SweepMember(Answer):
    """One experiment of a sweep."""

    coordinates: Coordinates = Field(description="Its value on each axis, by path.")
    experiment: str = Field(description="Its id.")
    state: State

    @classmethod
    def of(cls, member: sweeps.Member) -> Self:
        """``member`` as it travels."""
        return cls(
            coordinates=dict(member.coordinates),
            experiment=member.experiment_id,
            state=member.state,
        )


class Sweep(SweepSummary):
    """A sweep, with one page of its experiments."""

    base: dict[str, Any]
    axes: list[dict[str, Any]]
    members: Page[SweepMember] = Field(
        description="One page; `next` is the `cursor` of the one after."
    )


class SweepMoved(Answer):
    """What a verb did to the experiments of a sweep."""

    id: str
    state: SweepState = STATE
    changed: int = Field(description="Experiments that are, or are about to be, in another state.")
    links: SweepLinks


class SweepRow(Answer):
    """One experiment of a sweep and what its seeds ended with."""

    coordinates: Coordinates
    experiment: str
    state: State
    seeds: int
    diverged: int | None = Field(
        description="Seeds that did; null until the experiment is completed."
    )
    metrics: dict[str, dict[str, Number]] | None = Field(
        description="By metric and statistic over seeds; null until the experiment is completed. A diverged seed "
        "counts as infinite. Quartiles are of the nearest rank."
    )


class SweepAxis(Answer):
    """An axis of a grid."""

    path: str
    values: list[Any]


class SweepGrid(Answer):
    """Two axes of a sweep crossed; everything else is by row and column."""

    rows: SweepAxis
    columns: SweepAxis
    states: list[list[str]] = Field(
        description="`completed`, `diverged` (its number is infinite), or the state of what is not completed; empty "
        "where there is no experiment."
    )
    metrics: dict[str, dict[str, list[list[Number]]]] = Field(
        description="By metric and statistic over seeds; NaN where nothing is completed."
    )


class SweepTable(Answer):
    """All experiments of a sweep side by side."""

    rows: list[SweepRow]
