"""An experiment as it stands, as it travels."""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import Field

from core.result import Outcome
from core.spec import ExperimentSpec
from core.spec.experiment import Tag
from service.wire.answer import Answer, Number, instant
from service.wire.submission import Links
from store import records
from store.states import State


class Error(Answer):
    """Why an experiment failed: a word for programs, a sentence for people."""

    kind: records.FailureKind
    sentence: str


class Progress(Answer):
    """How far a training is; rate and time left are unknown at first."""

    step: int
    of: int
    steps_per_second: float | None
    eta_seconds: float | None


class Run(Answer):
    """One seed; all but the seed comes with its end."""

    seed: int
    outcome: Outcome | None
    steps: int | None
    summary: dict[str, Number] = Field(description="Metrics at the last step, by name.")
    warnings: list[str] = Field(description="What to bear in mind when reading these numbers.")


class StoredSpec(ExperimentSpec):
    """The spec of an experiment, with the tags of all its submissions: they may be more than one spec can have."""

    tags: tuple[Tag, ...] = ()


class Experiment(Answer):
    """An experiment as it stands."""

    id: str
    state: State
    spec: StoredSpec
    spec_hash: str
    setup_hash: str
    owner: str
    priority: int
    not_before: datetime | None
    max_seconds: float | None
    max_memory_mb: int | None
    device: str | None = Field(description="cpu or cuda, from the first claim on.")
    attempts: int
    error: Error | None
    progress: Progress | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    warnings: list[str]
    provenance: dict[str, str] | None = Field(description="On what and with which versions it was computed.")
    runs: list[Run]
    links: Links

    @classmethod
    def of(cls, experiment: records.Experiment) -> Self:
        """``experiment`` as it travels."""
        failure, progress = experiment.failure, experiment.progress
        return cls(
            id=experiment.id,
            state=experiment.state,
            spec=StoredSpec.model_construct(**dict(experiment.spec)),  # it was checked when it was submitted
            spec_hash=experiment.spec_hash,
            setup_hash=experiment.setup_hash,
            owner=experiment.owner,
            priority=experiment.priority,
            not_before=_time(experiment.not_before),
            max_seconds=experiment.max_seconds,
            max_memory_mb=experiment.max_memory_mb,
            device=experiment.device,
            attempts=experiment.attempts,
            error=Error(kind=failure.kind, sentence=failure.message) if failure else None,
            progress=Progress(**asdict(progress)) if progress else None,
            cancel_requested=experiment.cancel_requested,
            created_at=instant(experiment.created_at),
            started_at=_time(experiment.started_at),
            finished_at=_time(experiment.finished_at),
            warnings=list(experiment.warnings),
            provenance=dict(experiment.provenance) if experiment.provenance is not None else None,
            runs=[Run(**{**asdict(run), "warnings": list(run.warnings)}) for run in experiment.runs],
            links=Links.of(experiment.id),
        )


def _time(at: float | None) -> datetime | None:
    return None if at is None else instant(at)
