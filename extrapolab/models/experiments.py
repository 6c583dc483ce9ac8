"""A lab's answers about experiments. Fields that only a newer lab sends are kept."""

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from core.result import Outcome
from extrapolab.models.base import Record, not_understood

if TYPE_CHECKING:
    from core.spec import ExperimentSpec

FINAL_STATES = frozenset({"completed", "failed", "cancelled"})
"""States that an experiment leaves only on request."""


class Failure(Record):
    """Why an experiment failed: a kind for programs, a sentence for people."""

    kind: str
    sentence: str


class Progress(Record):
    """Progress of a running experiment.

    ``newest``, only in events, is the newest recorded point of each running seed: columns ``seed``,
    ``step`` and metrics.
    """

    step: int
    of: int
    steps_per_second: float | None = None
    eta_seconds: float | None = None
    newest: dict[str, tuple[float, ...]] | None = None


class QueuePosition(Record):
    """1-based position of a queued experiment in the queue."""

    position: int
    eta_seconds: float | None = None


class Run(Record):
    """One seed of an experiment; only the seed is known before the run ends."""

    seed: int
    outcome: Outcome | None = None
    steps: int | None = None
    summary: dict[str, float] = Field(default={})
    warnings: tuple[str, ...] = ()


class _WithSpec(Record):
    """A record with a spec, kept as the lab sent it and validated on first use."""

    model_config = ConfigDict(serialize_by_alias=True)

    spec_json: dict[str, Any] = Field(alias="spec")

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.spec_json.get("name", ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of all its submissions, which can be more than a spec may have."""
        return tuple(self.spec_json.get("tags", ()))

    @cached_property
    def spec(self) -> "ExperimentSpec":
        """The spec, without fields that only a newer lab knows.

        Raises:
            ServerProblem: A known field has an unknown value.
        """
        from core.spec import METADATA, ExperimentSpec  # noqa: PLC0415  # most commands need no spec

        computed = {name: value for name, value in self.spec_json.items() if name not in METADATA}
        try:
            spec = ExperimentSpec.model_validate(computed, extra="ignore")
        except ValidationError as error:
            raise not_understood(error, ExperimentSpec) from error
        notes = self.spec_json.get("notes", "")
        return spec.model_copy(update={"name": self.name, "tags": self.tags, "notes": notes})


class ExperimentRecord(_WithSpec):
    """An experiment as the lab last reported it."""

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
    queue: QueuePosition | None = None
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
        """Whether the experiment has ended."""
        return self.state in FINAL_STATES


class Submission(Record):
    """The answer to a submitted spec; ``reused`` if the lab already had an equal experiment."""

    id: str
    state: str
    spec_hash: str
    setup_hash: str
    reused: bool = False
    warnings: tuple[str, ...] = ()


class ImportedExperiment(Record):
    """An experiment in an imported file; it has no id if nothing was stored."""

    id: str | None = None
    seeds: int
    reused: bool = False


class ImportResult(Record):
    """The experiments of an imported file; all of them have the tag ``tag``."""

    sha256: str
    tag: str
    experiments: tuple[ImportedExperiment, ...]


class Cost(Record):
    """Estimated cost of an experiment or a sweep.

    ``seconds`` is on one worker slot, ``lab_seconds`` on all ``slots`` of the lab together, for
    what is new; None if nothing has run there yet.
    """

    flop: float
    memory_mb: float
    storage_mb: float
    seconds: float | None = None
    lab_seconds: float | None = None
    slots: int = 0


class Assumption(Record):
    """An assumption of the main theorem; ``holds`` is None if the spec alone cannot tell."""

    name: str
    holds: bool | None = None
    margin: float | None = None
    sentence: str


class Measure(Record):
    """The teacher's response as moments: h_j = Σ w_i λ_i^j, ``atoms`` λ_i, ``weights`` w_i >= 0."""

    atoms: tuple[float, ...]
    weights: tuple[float, ...]
    unique: bool
    gap: float
    residual: float


class Theorem(Record):
    """The main theorem on a spec; ``applies`` is None if the spec alone cannot tell."""

    applies: bool | None = None
    assumptions: tuple[Assumption, ...] = ()
    measure: Measure | None = None
    condition: str | None = None
    largest_loss: float | None = None
    note: str | None = None


class SpecCheck(_WithSpec):
    """The lab's answer to a spec that is only checked; nothing was stored."""

    spec_hash: str
    setup_hash: str
    warnings: tuple[str, ...] = ()
    cost: Cost
    theorem: Theorem = Theorem()


class TeacherPreview(Record):
    """A teacher's response, poles as (re, im), and Hankel singular values; ``note`` if any lack."""

    response: tuple[Any, ...] | None = None
    poles: tuple[tuple[float, float], ...] = ()
    hankel_singular_values: tuple[float, ...] = ()
    note: str | None = None


class ComparedExperiment(Record):
    """An experiment in a comparison; ``label`` tells it from the others.

    ``outcomes`` counts its runs by outcome.
    """

    id: str
    name: str
    label: str = ""
    state: str
    seeds: int
    outcomes: dict[str, int] = Field(default={})


class FieldDifference(Record):
    """A field in which experiments differ, with the value of each."""

    path: str
    values: tuple[Any, ...]


ComparisonFigure = Literal["response", "training", "response_ratio", "training_ratio"]
"""Figures that overlay experiments; a ratio is relative to the first one."""


class Comparison(Record):
    """Experiments side by side: the fields that differ, and each metric's statistics over runs."""

    experiments: tuple[ComparedExperiment, ...]
    differences: tuple[FieldDifference, ...]
    metrics: dict[str, tuple[dict[str, float] | None, ...]]


class QueryField(Record):
    """A field of the filter language; ``scope`` is what has a value: experiment, run, tag, ..."""

    name: str
    kind: str
    scope: str
    meaning: str = ""
    symbol: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Event(Record):
    """One event of an experiment's history."""

    number: int
    at: datetime
    kind: str
    attempt: int = 0
    detail: dict[str, Any] = Field(default={})


class Log(Record):
    """The trainer's output in one attempt, tracebacks included."""

    attempt: int
    text: str
