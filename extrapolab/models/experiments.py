"""What a lab answers, as frozen values. What a newer lab says beyond this is kept as it is."""

from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.result import Outcome
from core.spec import METADATA, ExperimentSpec, explain
from extrapolab.errors import ServerProblem
from extrapolab.problems import line

FINAL = frozenset({"completed", "failed", "cancelled"})
"""States that an experiment doesn't leave by itself."""


class Record(BaseModel):
    """A frozen answer."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="strings")

    @classmethod
    def read(cls, answer: Any) -> Self:
        """What the lab answered, as this record.

        Raises:
            ServerProblem: It is something else.
        """
        try:
            return cls.model_validate(answer)
        except ValidationError as error:
            raise _not_understood(error, cls) from error


class Failure(Record):
    """Why an experiment failed: a kind for programs, a sentence for people."""

    kind: str
    sentence: str


class Progress(Record):
    """How far a running experiment is."""

    step: int
    of: int
    steps_per_second: float | None = None
    eta_seconds: float | None = None


class Place(Record):
    """Where a queued experiment stands: the next one is at 1."""

    position: int
    eta_seconds: float | None = None


class Run(Record):
    """One seed of an experiment; all but the seed is there when it is done."""

    seed: int
    outcome: Outcome | None = None
    steps: int | None = None
    summary: dict[str, float] = {}
    warnings: tuple[str, ...] = ()


class _Specified(Record):
    """What bears a spec. It is kept as the lab wrote it, and taken apart by who asks for it."""

    model_config = ConfigDict(serialize_by_alias=True)

    written: dict[str, Any] = Field(alias="spec")

    @property
    def name(self) -> str:
        """What the experiment is called."""
        return str(self.written.get("name", ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; those of all its submissions, so they may be more than one spec can have."""
        return tuple(self.written.get("tags", ()))

    @cached_property
    def spec(self) -> ExperimentSpec:
        """The spec, without the fields that only a newer lab knows.

        Raises:
            ServerProblem: A field that this client knows has a value that it doesn't.
        """
        computed = {name: value for name, value in self.written.items() if name not in METADATA}
        try:
            spec = ExperimentSpec.model_validate(computed, extra="ignore")
        except ValidationError as error:
            raise _not_understood(error, ExperimentSpec) from error
        return spec.model_copy(
            update={"name": self.name, "tags": self.tags, "notes": self.written.get("notes", "")}
        )


class ExperimentRecord(_Specified):
    """An experiment as the lab knows it now."""

    id: str
    spec_hash: str
    setup_hash: str
    state: str
    source: str = "lab"
    error: Failure | None = None
    progress: Progress | None = None
    attempts: int = 0
    device: str | None = None
    owner: str = ""
    priority: int = 0
    not_before: datetime | None = None
    max_seconds: float | None = None
    max_memory_mb: int | None = None
    queue: Place | None = None
    cancel_requested: bool = False
    pause_requested: bool = False
    warnings: tuple[str, ...] = ()
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    runs: tuple[Run, ...] = ()
    provenance: dict[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        """Whether the experiment will not change by itself any more."""
        return self.state in FINAL


class Submission(Record):
    """The lab's answer to a spec. ``reused`` says that an equal experiment was there already."""

    id: str
    state: str
    spec_hash: str
    setup_hash: str
    reused: bool = False
    warnings: tuple[str, ...] = ()


class ImportedExperiment(Record):
    """An experiment of a file of runs; it has no id where nothing was stored."""

    id: str | None = None
    seeds: int
    reused: bool = False


class Imported(Record):
    """What became of a file of runs; all its experiments bear ``tag``."""

    sha256: str
    tag: str
    experiments: tuple[ImportedExperiment, ...]


class Cost(Record):
    """What an experiment is estimated to need."""

    flop: float
    memory_mb: float
    storage_mb: float


class Assumption(Record):
    """One assumption of the main theorem; ``holds`` is None where the spec alone can't say."""

    name: str
    holds: bool | None = None
    margin: float | None = None
    sentence: str


class Measure(Record):
    """The teacher's response as moments: h_j = Σ w_i λ_i^j, ``atoms`` λ_i and ``weights`` w_i >= 0."""

    atoms: tuple[float, ...]
    weights: tuple[float, ...]
    unique: bool
    gap: float
    residual: float


class Theorem(Record):
    """What the main theorem says of a spec; ``applies`` is None where some assumption can't be told."""

    applies: bool | None = None
    assumptions: tuple[Assumption, ...] = ()
    measure: Measure | None = None
    note: str | None = None


class Check(_Specified):
    """What a lab would do with a spec: nothing was stored."""

    spec_hash: str
    setup_hash: str
    warnings: tuple[str, ...] = ()
    cost: Cost
    theorem: Theorem = Theorem()


class Group(Record):
    """Runs that share the fields of ``by``, with statistics over them by metric and name."""

    by: dict[str, Any]
    experiments: int
    newest: str
    name: str = ""
    seeds: int
    diverged: int
    metrics: dict[str, dict[str, float]]

    @property
    def flat(self) -> dict[str, Any]:
        """All of it side by side; a number is called ``metric.statistic``."""
        own = {
            name: getattr(self, name)
            for name in ("experiments", "newest", "name", "seeds", "diverged")
        }
        return {
            **self.by,
            **own,
            **{f"{m}.{name}": v for m, found in self.metrics.items() for name, v in found.items()},
        }


class GroupedRun(Record):
    """One run, and what its experiment has at the fields of ``by``."""

    by: dict[str, Any]
    experiment: str
    seed: int
    outcome: str
    steps: int
    metrics: dict[str, float]

    @property
    def flat(self) -> dict[str, Any]:
        """All of it side by side."""
        own = {name: getattr(self, name) for name in ("experiment", "seed", "outcome", "steps")}
        return {**self.by, **own, **self.metrics}


class ComparedExperiment(Record):
    """One of the experiments of a comparison; ``outcomes`` says how many of its runs ended how."""

    id: str
    name: str
    state: str
    seeds: int
    outcomes: dict[str, int] = {}


class FieldDifference(Record):
    """A field in which experiments differ, and what each has there."""

    path: str
    values: tuple[Any, ...]


ComparisonFigure = Literal["response", "training", "response_ratio", "training_ratio"]
"""Figures of experiments over each other, or over the first of them."""


class Comparison(Record):
    """Experiments side by side: what differs, and statistics of each metric over the runs of each."""

    experiments: tuple[ComparedExperiment, ...]
    differences: tuple[FieldDifference, ...]
    metrics: dict[str, tuple[dict[str, float] | None, ...]]


class QueryField(Record):
    """A name that filters can ask about; ``scope`` says of what an experiment has a value: itself, each run or tag."""

    name: str
    kind: str
    scope: str
    meaning: str = ""
    choices: tuple[str, ...] = ()


class Event(Record):
    """One line of an experiment's history."""

    number: int
    at: datetime
    kind: str
    attempt: int = 0
    detail: dict[str, Any] = {}


class Log(Record):
    """What the trainer printed in one attempt, tracebacks included."""

    attempt: int
    text: str


class Worker(Record):
    """A worker slot of the lab.

    ``state`` is ``idle``, ``busy``, ``draining`` (it hands back what it runs), ``drained`` (it
    claims no more) or ``stale`` (nobody has heard of it for longer than a lease).
    """

    id: str
    state: str = ""
    host: str
    pid: int
    trainer_pid: int | None = None
    device: str
    threads: int
    heartbeat_age_seconds: float
    experiment_id: str | None = None


def _not_understood(error: ValidationError, model: type[BaseModel]) -> ServerProblem:
    message = "The lab's answer is not understood; is it of another version than this client?"
    return ServerProblem(200, "\n".join([message, *map(line, explain(error, model))]))
