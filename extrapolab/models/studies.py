"""What a lab answers about studies, as frozen values."""

from typing import Literal

from pydantic import Field

from extrapolab.models.experiments import Record


class Claim(Record):
    """One claim of a study as an inequality on stored numbers, and whether it holds."""

    claim: str
    inequality: str
    value: float | None = None
    bound: float | None = None
    verdict: Literal["holds", "fails", "not_run"]
    experiments: tuple[str, ...] = ()


class Report(Record):
    """What a study found so far.

    ``state`` is ``not_started``, ``queued``, ``running``, ``completed``, or ``incomplete``: nothing
    is pending, but some experiments failed, were cancelled or never submitted.
    """

    name: str
    size: str
    state: str
    claims: tuple[Claim, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether a claim fails; one that was not run doesn't."""
        return any(claim.verdict == "fails" for claim in self.claims)


class ReportSummary(Record):
    """How far a study is, and how many of its claims hold, fail or were not run."""

    name: str
    title: str
    size: str
    state: str
    holds: int
    fails: int
    not_run: int


class StudyMember(Record):
    """An experiment of a study; ``reused`` says that the lab had it already."""

    id: str
    state: str
    reused: bool = False


class StudySweep(Record):
    """An arm of a study: the sweep that it is, and how many of its experiments were queued or there already."""

    arm: str
    id: str
    count: int
    created: int
    reused: int


class StudySubmission(Record):
    """What became of a study's experiments."""

    name: str
    size: str
    sweeps: tuple[StudySweep, ...] = ()
    experiments: tuple[StudyMember, ...]


class StudyRecord(Record):
    """A study that the lab offers; ``experiments`` says how many there are in each size."""

    name: str
    title: str
    question: str
    experiments: dict[str, int] = Field(default_factory=dict)
