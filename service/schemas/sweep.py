"""Schemas of sweeps: their submissions, members and tables."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Self

from pydantic import ConfigDict, Field

from core.spec.axis import Axes
from core.spec.bounds import ClientModel
from service.address import at
from service.schemas.base import Answer, Number, Page, Time
from service.schemas.submission import CostEstimate
from store.states import PENDING, State
from store.sweeps import repository as sweeps
from store.sweeps.warnings import SweepWarning as StoredWarning

Coordinates = dict[str, Any]


class Extension(ClientModel):
    """New axes of a sweep, wider or more of them; its base stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: Axes


class SweepLinks(Answer):
    """URLs of a sweep's parts and actions."""

    self_: str = Field(alias="self")
    table: str
    grid: str
    figures: dict[str, str]
    extend: str
    cancel: str
    retry: str
    refine: str

    @classmethod
    def for_sweep(cls, sweep_id: str) -> Self:
        """The links of the sweep with this id."""
        path = at(f"/v1/sweeps/{sweep_id}")
        return cls(
            self=path,
            table=f"{path}/table",
            grid=f"{path}/grid",
            figures={name: f"{path}/figures/{name}.svg" for name in ("lines", "heatmap")},
            extend=f"{path}:extend",
            cancel=f"{path}:cancel",
            retry=f"{path}:retry",
            refine=f"{path}:refine",
        )


class SweepState(StrEnum):
    """State of a sweep's experiments as a whole."""

    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"

    @classmethod
    def from_counts(cls, counts: Mapping[State, int]) -> Self:
        """The state of a sweep, given its number of experiments in each state."""
        if any(counts[state] for state in PENDING):
            has_begun = counts[State.QUEUED] < sum(counts.values())
            return cls.RUNNING if has_begun else cls.QUEUED
        return cls.INCOMPLETE if counts[State.FAILED] or counts[State.CANCELLED] else cls.COMPLETED


STATE = Field(
    description="`queued`: none has started. `running`: some have started, some are pending. "
    "`incomplete`: nothing is pending, but some failed or were cancelled; retry them, or submit "
    "the sweep again."
)


class SweepWarning(Answer):
    """A warning about experiments of a sweep."""

    message: str
    first: Coordinates = Field(description="Coordinates of the first of them.")
    experiments: int = Field(description="Number of experiments with this warning.")


class SweepSubmission(Answer):
    """A submitted sweep."""

    id: str
    name: str
    count: int = Field(description="Number of its experiments.")
    created: int = Field(description="Number of experiments that this request queued.")
    reused: int = Field(
        description="Number of this request's experiments that already existed: queued, running or "
        "completed."
    )
    state: SweepState = STATE
    warnings: list[SweepWarning]
    links: SweepLinks


class SweepPoint(Answer):
    """An experiment of a sweep that is not stored."""

    coordinates: Coordinates
    spec_hash: str


class SweepDryRun(Answer):
    """The outcome of a sweep's submission that stored nothing."""

    name: str
    count: int
    created: int
    reused: int
    cost: CostEstimate = Field(
        description="Operations, time and storage of all experiments, memory of the largest."
    )
    warnings: list[SweepWarning]
    points: list[SweepPoint] = Field(description="The first few points.")


class SweepProgress(Answer):
    """The number of experiments that have ended."""

    done: int
    of: int


class SweepSummary(Answer):
    """A sweep, without its base, axes and members."""

    id: str
    name: str
    owner: str
    created_at: Time
    state: SweepState = STATE
    counts: dict[State, int] = Field(description="Number of experiments by state.")
    progress: SweepProgress
    links: SweepLinks

    @classmethod
    def from_record(cls, sweep: sweeps.Sweep) -> Self:
        """The answer for a stored sweep."""
        done = sum(count for state, count in sweep.counts.items() if state.is_final)
        return cls(
            id=sweep.id,
            name=sweep.name,
            owner=sweep.owner,
            created_at=sweep.created_at,
            state=SweepState.from_counts(sweep.counts),
            counts=sweep.counts,
            progress=SweepProgress(done=done, of=sum(sweep.counts.values())),
            links=SweepLinks.for_sweep(sweep.id),
        )


class SweepMember(Answer):
    """An experiment of a sweep."""

    coordinates: Coordinates = Field(description="Its value on each axis, by path.")
    experiment: str = Field(description="Id of the experiment.")
    state: State

    @classmethod
    def from_record(cls, member: sweeps.Member) -> Self:
        """The answer for a stored member."""
        return cls(
            coordinates=member.coordinates,
            experiment=member.experiment_id,
            state=member.state,
        )


class Sweep(SweepSummary):
    """A sweep, with one page of its experiments."""

    base: dict[str, Any]
    axes: list[dict[str, Any]]
    eta_seconds: float | None = Field(
        description="Estimated seconds until its queued and running experiments have ended, after "
        "those ahead of them; null if there are none, no slot is up, or nothing has completed here."
    )
    warnings: list[SweepWarning] = Field(description="Warnings about specs of its experiments.")
    members: Page[SweepMember] = Field(
        description="One page of experiments; `next` is the `cursor` of the next page."
    )

    @classmethod
    def with_members(
        cls,
        sweep: sweeps.Sweep,
        members: Page[SweepMember],
        eta_seconds: float | None,
        warnings: Sequence[StoredWarning] = (),
    ) -> Self:
        """The answer for a stored sweep and a page of its members."""
        summary = SweepSummary.from_record(sweep)
        return cls(
            **dict(summary),
            base=sweep.base,
            axes=sweep.axes,
            eta_seconds=eta_seconds,
            warnings=[SweepWarning.model_validate(warning) for warning in warnings],
            members=members,
        )


class SweepMoved(Answer):
    """A sweep's state after an action on its experiments."""

    id: str
    state: SweepState = STATE
    changed: int = Field(description="Number of experiments whose state changed or will change.")
    links: SweepLinks


class SweepRow(Answer):
    """An experiment of a sweep, with statistics over its seeds."""

    coordinates: Coordinates
    experiment: str
    state: State
    seeds: int
    fitted: int | None = Field(
        description="Number of seeds that fit; null until the experiment is completed."
    )
    diverged: int | None = Field(
        description="Number of seeds that diverged; null until the experiment is completed."
    )
    metrics: dict[str, dict[str, Number]] | None = Field(
        description="By metric and statistic over seeds; null until the experiment is completed. A "
        "diverged seed counts as infinite, except in metrics of the teacher. Quartiles are of the "
        "nearest rank."
    )


class SweepAxis(Answer):
    """An axis of a grid."""

    path: str
    values: list[Any]


class SweepCell(Answer):
    """The experiments at one place of a grid."""

    experiments: list[str] = Field(description="Their ids, in the sweep's order.")
    states: dict[State, int] = Field(description="Number of experiments by state.")
    seeds: int = Field(description="Number of seeds of completed experiments.")
    fitted: int = Field(description="Number of these that fit.")
    diverged: int = Field(description="Number of these that diverged.")
    missing: int = Field(description="Number of seeds of experiments that are not completed.")


class SweepGrid(Answer):
    """Two crossed axes of a sweep, with states and statistics by row and column."""

    rows: SweepAxis
    columns: SweepAxis
    states: list[list[str]] = Field(
        description="`completed`, `diverged` (so many runs diverged that its number is infinite), "
        "or the state of an experiment that is not completed; empty if there is no experiment."
    )
    fitted: list[list[int]] = Field(description="Number of seeds that fit.")
    seeds: list[list[int]] = Field(description="Number of seeds of completed experiments.")
    metrics: dict[str, dict[str, list[list[Number]]]] = Field(
        description="By metric and statistic over seeds; NaN if nothing is completed."
    )
    cells: list[list[SweepCell]] = Field(description="By row and column: what the cell holds.")


class SweepTable(Answer):
    """All experiments of a sweep side by side."""

    rows: list[SweepRow]
