"""Studies, how far they are, and what they found."""

from enum import StrEnum
from typing import Self

from pydantic import Field

from core.studies import Claim, Size, Verdict
from service.schemas.base import Answer, Number
from service.schemas.sweep import SweepLinks
from store import records
from store.states import State
from store.sweeps import repository as sweeps


class StudyLinks(Answer):
    """Where a study is submitted, judged and drawn."""

    submit: str
    report: str
    figures: dict[str, str]

    @classmethod
    def of(cls, name: str, size: Size, figures: list[str]) -> Self:
        """The links of a study of that size."""
        here = f"/v1/studies/{name}"
        return cls(
            submit=f"{here}?size={size}",
            report=f"{here}/report?size={size}",
            figures={figure: f"{here}/figures/{figure}.svg?size={size}" for figure in figures},
        )


class Study(Answer):
    """A built-in set of experiments that answers one question."""

    name: str
    title: str
    question: str
    experiments: dict[Size, int] = Field(description="How many experiments each size has.")
    links: dict[Size, StudyLinks]


class StudyMember(Answer):
    """One experiment of a study."""

    id: str
    state: State
    reused: bool

    @classmethod
    def of(cls, submission: records.Submission) -> Self:
        """``submission`` as it travels."""
        return cls(id=submission.id, state=submission.state, reused=submission.reused)


class StudySweep(Answer):
    """One arm of a study."""

    arm: str
    id: str = Field(description="Of the sweep that it is.")
    count: int
    created: int
    reused: int
    links: SweepLinks

    @classmethod
    def of(cls, arm: str, submitted: sweeps.Submitted) -> Self:
        """The arm of that name as it travels."""
        count, reused = len(submitted.members), sum(member.reused for member in submitted.members)
        links = SweepLinks.of(submitted.id)
        return cls(
            arm=arm,
            id=submitted.id,
            count=count,
            created=count - reused,
            reused=reused,
            links=links,
        )


class StudySubmission(Answer):
    """What became of a submitted study."""

    name: str
    size: Size
    sweeps: list[StudySweep] = Field(description="One per arm, each a sweep of its own.")
    experiments: list[StudyMember]
    links: StudyLinks


class StudyState(StrEnum):
    """How far a study's experiments are."""

    NOT_STARTED = "not_started"
    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"


class JudgedClaim(Answer):
    """A claim, the inequality that it stands for, the numbers, and whether it holds."""

    claim: str
    inequality: str
    value: Number | None
    bound: Number | None
    verdict: Verdict
    experiments: list[str] = Field(description="Ids of the experiments that it rests on.")

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """``claim`` as it travels."""
        return cls(**{**vars(claim), "experiments": list(claim.experiments)})


class Report(Answer):
    """What a study found so far."""

    name: str
    size: Size
    state: StudyState = Field(
        description="`queued` and `running`: wait. `incomplete`: nothing is pending, but some experiments failed, were "
        "cancelled or never submitted; submit the study again."
    )
    claims: list[JudgedClaim]


class ReportSummary(Answer):
    """How far a study is, and how many of its claims hold."""

    name: str
    title: str
    size: Size
    state: StudyState
    holds: int
    fails: int
    not_run: int
    links: StudyLinks

    @classmethod
    def of(cls, title: str, report: Report, links: StudyLinks) -> Self:
        """The report of a study of that title in a line."""
        verdicts = [claim.verdict for claim in report.claims]
        counts = {str(verdict): verdicts.count(verdict) for verdict in Verdict}
        return cls(
            name=report.name,
            title=title,
            size=report.size,
            state=report.state,
            links=links,
            **counts,
        )
