"""A lab's answers about sweeps."""

from datetime import datetime
from typing import Any

from pydantic import Field

from extrapolab.models.base import Record
from extrapolab.models.experiments import Cost
from extrapolab.models.tables import flatten_statistics


class SweepWarning(Record):
    """A warning about experiments of a sweep: the coordinates of the first, and their number."""

    message: str
    first: dict[str, Any]
    experiments: int


class SweepSubmission(Record):
    """The answer to a submitted sweep of ``count`` experiments, ``created`` or ``reused``."""

    id: str
    name: str
    count: int
    created: int
    reused: int
    state: str
    warnings: tuple[SweepWarning, ...] = ()


class SweepPoint(Record):
    """An experiment of a sweep that is only checked."""

    coordinates: dict[str, Any]
    spec_hash: str


class SweepCheck(Record):
    """The lab's answer to a sweep that is only checked; ``points`` are its first few."""

    name: str
    count: int
    created: int
    reused: int
    cost: Cost
    warnings: tuple[SweepWarning, ...] = ()
    points: tuple[SweepPoint, ...] = ()


class SweepProgress(Record):
    """The number of experiments of a sweep that have ended."""

    done: int
    of: int


class SweepRecord(Record):
    """A sweep as the lab last reported it.

    ``state`` is ``queued``, ``running``, ``completed``, or ``incomplete``: nothing is pending, but
    some experiments failed or were cancelled. ``eta_seconds`` are left until what is queued and
    running has ended; None if nothing is, or it is unknown. A list of sweeps leaves out base, axes
    and this time.
    """

    id: str
    name: str
    owner: str = ""
    created_at: datetime
    state: str
    counts: dict[str, int]
    progress: SweepProgress
    base: dict[str, Any] = Field(default_factory=dict)
    axes: tuple[dict[str, Any], ...] = ()
    warnings: tuple[SweepWarning, ...] = ()
    eta_seconds: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing in it is pending."""
        return self.state not in {"queued", "running"}


class SweepMember(Record):
    """An experiment of a sweep, by id, with its value on each axis."""

    coordinates: dict[str, Any]
    experiment: str
    state: str


class SweepAxis(Record):
    """An axis of a grid: its path and its values."""

    path: str
    values: tuple[Any, ...]


class SweepCell(Record):
    """The experiments at one place of a grid, and how many are in each state.

    ``seeds`` of them are completed, and ``missing`` are not.
    """

    experiments: tuple[str, ...]
    states: dict[str, int]
    seeds: int
    fitted: int
    diverged: int
    missing: int


class SweepGrid(Record):
    """Two axes crossed.

    ``metrics`` has numbers by metric, statistic, row and column; ``states`` the state of each cell,
    ``fitted`` how many of its ``seeds`` fit, ``cells`` the experiments in it.
    """

    rows: SweepAxis
    columns: SweepAxis
    states: list[list[str]]
    fitted: list[list[int]] = Field(default_factory=list)
    seeds: list[list[int]] = Field(default_factory=list)
    metrics: dict[str, dict[str, list[list[float]]]]
    cells: list[list[SweepCell]] = Field(default_factory=list)


class SweepRow(SweepMember):
    """A member with statistics over its seeds, by metric and name; None until it is completed."""

    seeds: int
    fitted: int | None = None
    diverged: int | None = None
    metrics: dict[str, dict[str, float]] | None = None

    @property
    def flat(self) -> dict[str, Any]:
        """One row: coordinates, id, state, counts, and numbers called ``metric.statistic``."""
        names = ("experiment", "state", "seeds", "fitted", "diverged")
        facts = {name: getattr(self, name) for name in names}
        return {**self.coordinates, **facts, **flatten_statistics(self.metrics or {})}


class SweepSide(Record):
    """One end of a bracket: a value on the axis, its verdict and how many of its seeds fit."""

    value: int | float
    holds: bool
    experiment: str
    fitted: int
    seeds: int


class SweepBracket(Record):
    """Two neighbours on an axis with different verdicts, at these values on the other axes.

    ``middle`` is the value that a round adds between them; ``blocked_by`` an experiment there that
    failed or was cancelled.
    """

    coordinates: dict[str, Any]
    low: SweepSide
    high: SweepSide
    located: bool
    middle: int | float | None = None
    blocked_by: str | None = None


class SweepRefinement(Record):
    """A round of bisection along an axis: where the verdict flips, and what was queued.

    ``judged`` experiments are completed, the verdict holds for ``holding`` of them, and
    ``left_out`` failed or were cancelled.
    """

    id: str
    axis: str
    where: str
    scale: str
    tolerance: float
    judged: int
    holding: int
    left_out: int
    located: int
    brackets: tuple[SweepBracket, ...]
    created: int
    reused: int
    state: str
    warnings: tuple[SweepWarning, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether another round would add nothing."""
        return all(bracket.middle is None for bracket in self.brackets)

    @property
    def blocked_by(self) -> list[str]:
        """The experiments in middles that failed or were cancelled."""
        return [bracket.blocked_by for bracket in self.brackets if bracket.blocked_by]
