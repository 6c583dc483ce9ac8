"""What became of a submitted spec, and where to go from there."""

from dataclasses import asdict
from typing import Self

from pydantic import Field

from core.cost import Cost
from core.figures import FIGURES
from core.spec import ExperimentSpec
from service.schemas.base import Answer
from service.schemas.theorem import Theorem
from store import records
from store.states import State


class Links(Answer):
    """Where the parts of an experiment are, and what can be done with it."""

    here: str = Field(alias="self")
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
    def of(cls, experiment_id: str) -> Self:
        """The links of an experiment."""
        here = f"/v1/experiments/{experiment_id}"
        return cls(
            self=here,
            result=f"{here}/result",
            series=f"{here}/series",
            figures={name: f"{here}/figures/{name}.svg" for name in FIGURES},
            theorem=f"{here}/theorem",
            events=f"{here}/events",
            log=f"{here}/log",
            cancel=f"{here}:cancel",
            pause=f"{here}:pause",
            resume=f"{here}:resume",
            retry=f"{here}:retry",
        )


class Submission(Answer):
    """What became of a submitted spec."""

    id: str
    state: State
    spec_hash: str = Field(description="Equal for specs that differ at most in metadata.")
    setup_hash: str = Field(
        description="Equal for specs that differ at most in seeds and metadata."
    )
    reused: bool = Field(
        description="An equal experiment was there already; nothing new is computed."
    )
    warnings: list[str] = Field(description="What is legal but questionable.")
    links: Links

    @classmethod
    def of(cls, submission: records.Submission) -> Self:
        """``submission`` as it travels."""
        return cls(**asdict(submission), links=Links.of(submission.id))


class CostEstimate(Answer):
    """What an experiment would take."""

    flop: float = Field(description="Floating-point operations of the training.")
    memory_mb: float = Field(description="Memory of the trainer beyond its libraries.")
    storage_mb: float = Field(description="Results and recorded points before compression.")

    @classmethod
    def of(cls, cost: Cost) -> Self:
        """``cost`` as it travels."""
        return cls(**asdict(cost))


class DryRun(Answer):
    """What a submission would be; nothing was stored."""

    spec: ExperimentSpec
    spec_hash: str
    setup_hash: str
    warnings: list[str]
    cost: CostEstimate
    theorem: Theorem


class Moved(Answer):
    """The state after a verb."""

    id: str
    state: State
    cancel_requested: bool
    pause_requested: bool
    links: Links

    @classmethod
    def of(cls, experiment: records.Experiment) -> Self:
        """What became of ``experiment``. A wish that is fulfilled is one still."""
        return cls(
            id=experiment.id,
            state=experiment.state,
            cancel_requested=experiment.cancel_requested or experiment.state is State.CANCELLED,
            pause_requested=experiment.pause_requested or experiment.state is State.PAUSED,
            links=Links.of(experiment.id),
        )
