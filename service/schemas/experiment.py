"""Schema of an experiment."""

from typing import Annotated, Any, Generic, Self

from pydantic import Field, PlainSerializer, PlainValidator

from core.result import Outcome
from core.spec import ExperimentSpec
from core.spec.experiment import Tag
from service.schemas.base import Answer, Item, Number, Page, Time
from service.schemas.submission import Links
from store import records
from store.records import Source
from store.states import State


class Error(Answer):
    """Why an experiment failed: a code for programs, a sentence for people."""

    kind: records.FailureKind
    sentence: str


class Progress(Answer):
    """Progress of a training; rate and remaining time are null at first."""

    step: int
    of: int
    steps_per_second: float | None
    eta_seconds: float | None


class Place(Answer):
    """A queued experiment's place in the queue; later submissions may change it."""

    position: int = Field(description="1-based position in the queue.")
    eta_seconds: float | None = Field(
        description="Estimated seconds until it starts; null if there is nothing to estimate from, "
        "such as no workers or no completed experiments."
    )


class Run(Answer):
    """The run of one seed; outcome, steps and summary are set when it ends."""

    seed: int
    outcome: Outcome | None
    steps: int | None
    summary: dict[str, Number] = Field(description="Metrics at the last step, by name.")
    warnings: list[str] = Field(description="Caveats about these numbers.")


class StoredSpec(ExperimentSpec):
    """An experiment's spec; the tags of all its submissions may exceed the limit of one spec."""

    tags: tuple[Tag, ...] = ()


def _unchanged(value: Any) -> Any:
    return value


SpecContent = Annotated[
    StoredSpec,
    PlainValidator(_unchanged, json_schema_input_type=StoredSpec),
    PlainSerializer(_unchanged, return_type=Any),
]
"""A stored spec as JSON. It was validated on submission, and a list holds hundreds of them."""


class Experiment(Answer):
    """An experiment in its current state."""

    id: str
    state: State
    source: Source = Field(description="`import`: its numbers were computed elsewhere.")
    spec: SpecContent
    spec_hash: str
    setup_hash: str
    owner: str
    priority: int
    not_before: Time | None
    max_seconds: float | None
    max_memory_mb: int | None
    device: str | None = Field(
        description="`cpu` or `cuda`, set by the first claim; `elsewhere` for an import."
    )
    attempts: int
    error: Error | None
    progress: Progress | None
    queue: Place | None = Field(
        default=None,
        description="Place in the queue; only in the answer for one queued experiment.",
    )
    last_event: int | None = Field(
        default=None,
        description="Number of its newest event; only in the answer for one experiment. "
        "`/v1/events` with it as `last` goes on from here.",
    )
    cancel_requested: bool
    pause_requested: bool
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    warnings: list[str]
    provenance: dict[str, str] | None = Field(
        description="Device and software versions that computed it; the source file of an import."
    )
    runs: list[Run]
    links: Links

    @classmethod
    def from_record(
        cls,
        experiment: records.Experiment,
        place: records.QueuePosition | None = None,
        last_event: int | None = None,
    ) -> Self:
        """The answer for a stored experiment, with its place in the queue if that is known."""
        failure = experiment.failure
        return cls(
            id=experiment.id,
            state=experiment.state,
            source=experiment.source,
            spec=experiment.content,
            spec_hash=experiment.spec_hash,
            setup_hash=experiment.setup_hash,
            owner=experiment.owner,
            priority=experiment.priority,
            not_before=experiment.not_before,
            max_seconds=experiment.max_seconds,
            max_memory_mb=experiment.max_memory_mb,
            device=experiment.device,
            attempts=experiment.attempts,
            error=failure and Error(kind=failure.kind, sentence=failure.message),
            progress=experiment.progress,
            queue=place,
            last_event=last_event,
            cancel_requested=experiment.cancel_requested,
            pause_requested=experiment.pause_requested,
            created_at=experiment.created_at,
            started_at=experiment.started_at,
            finished_at=experiment.finished_at,
            warnings=experiment.warnings,
            provenance=experiment.provenance,
            runs=experiment.runs,
            links=Links.for_experiment(experiment.id),
        )


class ExperimentPage(Page[Item], Generic[Item]):
    """One page of experiments."""

    __qualname__ = "Page"  # its name in the OpenAPI document, where it is a page like any other

    last_event: int = Field(
        description="`/v1/events` with this number as `last` goes on from here and misses nothing."
    )
    count: int | None = Field(
        None, description="Number of all matches, with `include=count`; otherwise left out."
    )
