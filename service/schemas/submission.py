"""Schemas of submissions, dry runs and changes of state."""

from typing import Self

from pydantic import Field

from core.cost import Cost
from core.figures import FIGURES
from core.spec import ExperimentSpec
from service.address import at
from service.schemas.base import Answer
from service.schemas.theorem import Theorem
from store import records
from store.queue.eta import LabTime
from store.states import State


class Links(Answer):
    """URLs of an experiment's parts and actions."""

    self_: str = Field(alias="self")
    result: str
    series: str
    figures: dict[str, str]
    theorem: str
    events: str
    log: str
    cancel: str
    pause: str
    resume: str
    retry: str

    @classmethod
    def for_experiment(cls, experiment_id: str) -> Self:
        """The links of the experiment with this id."""
        path = at(f"/v1/experiments/{experiment_id}")
        return cls(
            self=path,
            result=f"{path}/result",
            series=f"{path}/series",
            figures={name: f"{path}/figures/{name}.svg" for name in FIGURES},
            theorem=f"{path}/theorem",
            events=f"{path}/events",
            log=f"{path}/log",
            cancel=f"{path}:cancel",
            pause=f"{path}:pause",
            resume=f"{path}:resume",
            retry=f"{path}:retry",
        )


class Submission(Answer):
    """A submitted experiment."""

    id: str
    state: State
    spec_hash: str = Field(description="Equal for specs that differ only in metadata.")
    setup_hash: str = Field(description="Equal for specs that differ only in seeds and metadata.")
    reused: bool = Field(
        description="True if an equal experiment already existed; nothing new is computed."
    )
    warnings: list[str] = Field(description="Choices in the spec that are valid but questionable.")
    links: Links

    @classmethod
    def from_record(cls, submission: records.Submission) -> Self:
        """The answer for a submitted experiment."""
        return cls(
            id=submission.id,
            state=submission.state,
            spec_hash=submission.spec_hash,
            setup_hash=submission.setup_hash,
            reused=submission.reused,
            warnings=submission.warnings,
            links=Links.for_experiment(submission.id),
        )


class CostEstimate(Answer):
    """The estimated cost of an experiment."""

    flop: float = Field(description="Floating-point operations of the training.")
    memory_mb: float = Field(description="Memory of the trainer beyond its libraries, in MB.")
    storage_mb: float = Field(description="Results and recorded points before compression, in MB.")
    seconds: float | None = Field(
        description="Seconds on one worker slot of this lab, from how long recent experiments "
        "took; null if none has completed here yet."
    )
    lab_seconds: float | None = Field(
        description="Seconds on all worker slots of this lab together, if nothing else ran; of a "
        "sweep's experiments, only those that are new. Null if no slot is up, or it is unknown."
    )
    slots: int = Field(description="Worker slots that are up and not drained.")

    @classmethod
    def from_record(cls, cost: Cost, time: LabTime) -> Self:
        """The answer for an estimated cost and time."""
        return cls(
            flop=cost.flop,
            memory_mb=cost.memory_mb,
            storage_mb=cost.storage_mb,
            seconds=time.seconds,
            lab_seconds=time.lab_seconds,
            slots=time.slots,
        )


class DryRun(Answer):
    """The outcome of a submission that stored nothing."""

    spec: ExperimentSpec
    spec_hash: str
    setup_hash: str
    warnings: list[str]
    cost: CostEstimate
    theorem: Theorem


class Moved(Answer):
    """An experiment's state after an action."""

    id: str
    state: State
    cancel_requested: bool
    pause_requested: bool
    links: Links

    @classmethod
    def from_record(cls, experiment: records.Experiment) -> Self:
        """The answer for a stored experiment. A fulfilled request still counts as requested."""
        return cls(
            id=experiment.id,
            state=experiment.state,
            cancel_requested=experiment.cancel_requested or experiment.state is State.CANCELLED,
            pause_requested=experiment.pause_requested or experiment.state is State.PAUSED,
            links=Links.for_experiment(experiment.id),
        )
