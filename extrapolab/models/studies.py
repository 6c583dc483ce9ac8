"""A lab's answers about studies."""

from typing import Any, Literal

from pydantic import Field

from extrapolab.models.base import Record
from extrapolab.models.sweeps import SweepWarning


class Claim(Record):
    """A claim of a study as an inequality on stored numbers, with its verdict.

    ``fitted`` of its ``seeds`` fit. ``swapped`` is the verdict of a contrast with its arms swapped.
    """

    claim: str
    inequality: str
    value: float | None = None
    bound: float | None = None
    verdict: Literal["holds", "fails", "not_run"]
    experiments: tuple[str, ...] = ()
    kind: str = ""
    fitted: int = 0
    seeds: int = 0
    swapped: Literal["holds", "fails", "not_run"] | None = None


class Report(Record):
    """The claims of a study, judged by the experiments that the lab has.

    ``state`` is ``not_started``, ``queued``, ``running``, ``completed``, or ``incomplete``: nothing
    is pending, but some experiments failed, were cancelled or were never submitted.
    ``eta_seconds`` are left until what is queued and running has ended; None if nothing is, or it
    is unknown. ``missing_seconds`` is the time that the rest would take on the lab's slots.
    """

    name: str
    size: str
    state: str
    eta_seconds: float | None = None
    missing_seconds: float | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether a claim fails; a claim that was not run does not."""
        return any(claim.verdict == "fails" for claim in self.claims)


class ReportSummary(Record):
    """The state of a study, and how many of its claims hold, fail or were not run."""

    name: str
    title: str
    size: str
    state: str
    holds: int
    fails: int
    not_run: int


class StudyMember(Record):
    """An experiment of a study; ``reused`` if the lab already had it."""

    id: str
    state: str
    reused: bool = False


class StudySweep(Record):
    """The sweep of one arm of a study, with the numbers of experiments queued and reused."""

    arm: str
    id: str
    count: int
    created: int
    reused: int
    warnings: tuple[SweepWarning, ...] = ()


class StudySubmission(Record):
    """The answer to a submitted study."""

    name: str
    size: str
    sweeps: tuple[StudySweep, ...] = ()
    experiments: tuple[StudyMember, ...]


class StudyArm(Record):
    """A sweep of a study, as ``lab.sweep(arm.base, arm.axes)`` takes it."""

    study: str
    question: str
    arm: str
    name: str
    base: dict[str, Any]
    axes: tuple[dict[str, Any], ...] = ()


class StudyRecord(Record):
    """A study that the lab offers; ``experiments`` counts its experiments by size."""

    name: str
    title: str
    question: str
    experiments: dict[str, int] = Field(default_factory=dict)
