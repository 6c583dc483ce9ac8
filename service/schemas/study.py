"""Schemas of studies, their submissions and their reports."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from core import studies
from core.spec import SweepSpec
from core.studies import ClaimKind, Hypothesis, Size, Verdict
from service.address import at
from service.schemas.base import Answer, Number
from service.schemas.sweep import SweepLinks, SweepWarning
from store import records
from store.states import PENDING, State
from store.sweeps.submission import SubmittedSweep
from store.sweeps.warnings import SweepWarning as StoredWarning


class StudyLinks(Answer):
    """URLs that submit a study, report on it, draw it and write it up."""

    submit: str
    report: str
    figures: dict[str, str]
    paper: str

    @classmethod
    def for_study(cls, name: str, size: Size, figures: list[str]) -> Self:
        """The links of a study at one size."""
        path = at(f"/v1/studies/{name}")
        return cls(
            submit=f"{path}?size={size}",
            report=f"{path}/report?size={size}",
            figures={figure: f"{path}/figures/{figure}.svg?size={size}" for figure in figures},
            paper=at(f"/v1/paper?study={name}&size={size}"),
        )


class Study(Answer):
    """A built-in set of experiments that answers one question."""

    name: str
    title: str
    question: str
    experiments: dict[Size, int] = Field(description="Number of experiments by size.")
    links: dict[Size, StudyLinks]


class StudyMember(Answer):
    """An experiment of a study."""

    id: str
    state: State
    reused: bool

    @classmethod
    def from_record(cls, submission: records.Submission) -> Self:
        """The answer for a submitted experiment."""
        return cls.model_validate(submission)


class StudyArm(Answer):
    """An arm of a study as a sweep that can be submitted."""

    study: str = Field(description="Name of the study.")
    question: str = Field(description="The question that the study answers.")
    arm: str
    name: str = Field(description="Name of the arm's sweep.")
    base: dict[str, Any]
    axes: list[dict[str, Any]]

    @classmethod
    def from_record(cls, study: studies.Study, arm: str, sweep: SweepSpec) -> Self:
        """The answer for an arm."""
        content = sweep.model_dump(mode="json", include={"name", "base", "axes"})
        return cls(study=study.name, question=study.question, arm=arm, **content)


class StudySweep(Answer):
    """An arm of a study."""

    arm: str
    id: str = Field(description="Id of the arm's sweep.")
    count: int
    created: int
    reused: int
    warnings: list[SweepWarning] = Field(description="Warnings about specs of the arm.")
    links: SweepLinks

    @classmethod
    def from_record(
        cls, arm: str, submitted: SubmittedSweep, warnings: Sequence[StoredWarning]
    ) -> Self:
        """The answer for a submitted arm."""
        count = len(submitted.members)
        reused = sum(member.reused for member in submitted.members)
        return cls(
            arm=arm,
            id=submitted.id,
            count=count,
            created=count - reused,
            reused=reused,
            warnings=[SweepWarning.model_validate(warning) for warning in warnings],
            links=SweepLinks.for_sweep(submitted.id),
        )


class StudySubmission(Answer):
    """A submitted study."""

    name: str
    size: Size
    sweeps: list[StudySweep] = Field(description="One sweep per arm.")
    experiments: list[StudyMember]
    links: StudyLinks


class StudyState(StrEnum):
    """State of a study's experiments as a whole."""

    NOT_STARTED = "not_started"
    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"

    @classmethod
    def from_states(cls, expected: int, states: Sequence[State]) -> Self:
        """The state of a study of ``expected`` experiments, given the states of the stored ones."""
        if not states:
            return cls.NOT_STARTED
        if states.count(State.COMPLETED) == expected:
            return cls.COMPLETED
        if not any(state in PENDING for state in states):
            return cls.INCOMPLETE
        has_begun = State.RUNNING in states or State.COMPLETED in states
        return cls.RUNNING if has_begun else cls.QUEUED


class JudgedClaim(Answer):
    """A claim, its inequality, the numbers, and whether it holds."""

    claim: str
    inequality: str
    value: Number | None
    bound: Number | None
    verdict: Verdict
    experiments: list[str] = Field(description="Ids of the experiments that it rests on.")
    kind: ClaimKind = Field(
        description="What it says. Claims that `extrapolates`, `does_not_extrapolate` and "
        "`contrast` are about the seeds that fit."
    )
    fitted: int = Field(description="Number of seeds of its experiments that fit.")
    seeds: int = Field(description="Number of seeds of its experiments.")
    swapped: Verdict | None = Field(
        description="The verdict of a `contrast` with its arms swapped: it should fail. Null for "
        "other kinds, and if it was not run."
    )

    @classmethod
    def from_record(cls, hypothesis: Hypothesis) -> Self:
        """The answer for a judged hypothesis."""
        return cls.model_validate(hypothesis)


class Report(Answer):
    """The findings of a study so far."""

    name: str
    size: Size
    state: StudyState = Field(
        description="`queued` and `running`: wait. `incomplete`: nothing is pending, but some "
        "experiments failed, were cancelled or were never submitted; submit the study again."
    )
    eta_seconds: float | None = Field(
        description="Estimated seconds until its queued and running experiments have ended, after "
        "those ahead of them; null if there are none, no slot is up, or nothing has completed here."
    )
    missing_seconds: float | None = Field(
        description="Estimated seconds that its experiments which are neither completed nor "
        "pending would take on this lab's slots; null if it is unknown."
    )
    claims: list[JudgedClaim]


class ReportSummary(Answer):
    """The state of a study, and how many of its claims hold."""

    name: str
    title: str
    size: Size
    state: StudyState
    holds: int
    fails: int
    not_run: int
    links: StudyLinks

    @classmethod
    def from_report(cls, title: str, report: Report, links: StudyLinks) -> Self:
        """The summary of a study's report."""
        verdicts = [claim.verdict for claim in report.claims]
        return cls(
            name=report.name,
            title=title,
            size=report.size,
            state=report.state,
            holds=verdicts.count(Verdict.HOLDS),
            fails=verdicts.count(Verdict.FAILS),
            not_run=verdicts.count(Verdict.NOT_RUN),
            links=links,
        )
