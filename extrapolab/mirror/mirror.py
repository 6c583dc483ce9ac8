"""Copies of runs as other trackers have them, and the copying of all that a filter finds."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.spec.paths import flatten
from extrapolab.client.handles.experiment import Experiment
from extrapolab.models.experiments import ExperimentRecord, Run

_NOT_PARAMETERS = frozenset({"name", "tags", "notes", "seeds"})

PREFIX = "extrapolab."
"""Of the tags that say where a copy is from."""


@dataclass(frozen=True)
class Point:
    """Metrics of a run at a step, and the time of it as far as is known: steps are taken as equal.

    Attributes:
        at: Unix seconds.
    """

    step: int
    at: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RunCopy:
    """A run as another tracker has it.

    Attributes:
        key: Identifies the run: the experiment's id, a slash and the seed.
        name: The experiment's name or id, and the seed.
        parameters: The spec by path.
        tags: Ids, hashes, state, outcome and tags of the lab.
        state: ``completed``, ``failed`` or ``cancelled``.
        started_at: Unix seconds.
        ended_at: Unix seconds.
        digest: Changes with anything of the run.
    """

    key: str
    name: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    state: str
    started_at: float
    ended_at: float
    digest: str


@dataclass(frozen=True)
class Mirrored:
    """How many runs were copied, were up to date, and belong to experiments that have not ended."""

    written: int
    unchanged: int
    pending: int


class Store(Protocol):
    """The store of another tracker."""

    def digest_of(self, key: str) -> str | None:
        """The digest of the copy of a run; None if there is no copy."""

    def write(self, run: RunCopy, points: Iterable[Point]) -> None:
        """Writes a copy, or brings it up to date."""


def mirror(
    experiments: Iterable[Experiment],
    store: Store,
    observe: Callable[[Mirrored], object] | None = None,
) -> Mirrored:
    """Copies the runs of experiments that have ended; copying again changes what has changed.

    Args:
        experiments: Such as ``lab.query("tag:figure-1")``.
        store: Where to copy them.
        observe: Called with the counts so far after each experiment.

    Example:
        >>> mirror(lab.query("tag:figure-1"), MlflowStore("sqlite:///mlflow.db"))  # doctest: +SKIP
        Mirrored(written=12, unchanged=0, pending=0)
    """
    written = unchanged = pending = 0
    for experiment in experiments:
        record = experiment.record
        if not record.is_final:
            pending += len(record.runs)
        else:
            copies = [_copy(record, run, experiment.page) for run in record.runs]
            stale = [copy for copy in copies if store.digest_of(copy.key) != copy.digest]
            unchanged += len(copies) - len(stale)
            if stale:
                points = _points(experiment)
                for run, copy in zip(record.runs, copies, strict=True):
                    if copy in stale:
                        store.write(copy, points[run.seed])
                        written += 1
        if observe is not None:
            observe(Mirrored(written, unchanged, pending))
    return Mirrored(written, unchanged, pending)


def _copy(record: ExperimentRecord, run: Run, page: str) -> RunCopy:
    spec = {name: part for name, part in record.spec_json.items() if name not in _NOT_PARAMETERS}
    tags = {
        "experiment": record.id,
        "seed": str(run.seed),
        "page": page,
        "state": record.state,
        "outcome": run.outcome.value if run.outcome else "",
        "setup_hash": record.setup_hash,
        "spec_hash": record.spec_hash,
        "owner": record.owner,
        "source": record.source,
        "tags": ", ".join(record.tags),
        "error": record.error.sentence if record.error else "",
    }
    started, ended = _span(record)
    content = [tags, run.summary, run.steps, record.name, record.spec_json.get("notes"), ended]
    return RunCopy(
        key=f"{record.id}/{run.seed}",
        name=f"{record.name or record.id}, seed {run.seed}",
        parameters={**dict(flatten(spec)), "seed": run.seed},
        tags={PREFIX + name: value for name, value in tags.items() if value},
        state=record.state,
        started_at=started,
        ended_at=ended,
        digest=hashlib.sha256(json.dumps(content).encode()).hexdigest(),
    )


def _span(record: ExperimentRecord) -> tuple[float, float]:
    started: datetime = record.started_at or record.created_at
    ended: datetime = record.finished_at or started
    return started.timestamp(), max(started, ended).timestamp()


def _points(experiment: Experiment) -> dict[int, list[Point]]:
    """The recorded points of each seed, and its final metrics at its last step."""
    record = experiment.record
    started, ended = _span(record)
    by_step: dict[int, dict[int, dict[str, float]]] = {run.seed: {} for run in record.runs}
    columns = experiment.series()
    names = [name for name, values in columns.items() if name != "seed" and values.ndim == 1]
    for seed, *values in zip(columns["seed"], *(columns[name] for name in names), strict=True):
        point = dict(zip(names, map(float, values), strict=True))
        step = int(point.pop("step"))
        by_step[int(seed)].setdefault(step, {}).update(point)
    for run in record.runs:
        if run.summary:
            last = by_step[run.seed].setdefault(run.steps or 0, {})
            last.update(run.summary)
    last_step = max((step for steps in by_step.values() for step in steps), default=0) or 1
    return {
        seed: [
            Point(step, started + (ended - started) * step / last_step, metrics)
            for step, metrics in sorted(steps.items())
        ]
        for seed, steps in by_step.items()
    }
