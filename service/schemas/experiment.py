"""An experiment as it stands, as it travels."""

from datetime import datetime
from typing import Any

from pydantic import Field

from core.result import Outcome
from core.spec import ExperimentSpec
from core.spec.experiment import Tag
from service.schemas.base import Answer, Number, instant
from service.schemas.submission import Links
from store import records
from store.records import Source
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


class Place(Answer):
    """Where a queued experiment stands; later submissions may change it."""

    position: int = Field(
        description="The how many-th it would be to be claimed; the next one is at 1."
    )
    eta_seconds: float | None = Field(
        description="About so long until it starts; null where nothing tells, as without workers or completed ones."
    )


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
    source: Source = Field(description="`import`: its numbers were computed elsewhere.")
    spec: StoredSpec
    spec_hash: str
    setup_hash: str
    owner: str
    priority: int
    not_before: datetime | None
    max_seconds: float | None
    max_memory_mb: int | None
    device: str | None = Field(
        description="cpu or cuda, from the first claim on; elsewhere for an import."
    )
    attempts: int
    error: Error | None
    progress: Progress | None
    queue: Place | None = Field(
        default=None, description="Of one that is queued, where it is asked for by its id."
    )
    cancel_requested: bool
    pause_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    warnings: list[str]
    provenance: dict[str, str] | None = Field(
        description="On what and with which versions it was computed; of an import, which file it is from."
    )
    runs: list[Run]
    links: Links

    @classmethod
    def written(
        cls, experiment: records.Experiment, place: records.Place | None = None
    ) -> dict[str, Any]:
        """``experiment`` as it travels, with its place in the queue where that is known.

        Unchecked: all of it comes from the store, and lists hold hundreds.
        """
        failure, progress = experiment.failure, experiment.progress
        return {
            "id": experiment.id,
            "state": experiment.state,
            "source": experiment.source,
            "spec": experiment.content,
            "spec_hash": experiment.spec_hash,
            "setup_hash": experiment.setup_hash,
            "owner": experiment.owner,
            "priority": experiment.priority,
            "not_before": _time(experiment.not_before),
            "max_seconds": experiment.max_seconds,
            "max_memory_mb": experiment.max_memory_mb,
            "device": experiment.device,
            "attempts": experiment.attempts,
            "error": {"kind": failure.kind, "sentence": failure.message} if failure else None,
            "progress": vars(progress) if progress else None,
            "queue": vars(place) if place else None,
            "cancel_requested": experiment.cancel_requested,
            "pause_requested": experiment.pause_requested,
            "created_at": instant(experiment.created_at),
            "started_at": _time(experiment.started_at),
            "finished_at": _time(experiment.finished_at),
            "warnings": experiment.warnings,
            "provenance": experiment.provenance,
            "runs": [vars(run) for run in experiment.runs],
            "links": Links.of(experiment.id),
        }


def _time(at: float | None) -> datetime | None:
    return None if at is None else instant(at)
