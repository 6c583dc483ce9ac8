"""Experiments that begin where another ended: with the start ``from_experiment``, with the parameters of its runs.

An experiment that others still wait to begin from isn't removed; should its parameters be gone all
the same, an heir fails when it is claimed.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection, select

from core import students
from core.errors import Problem, SpecError
from core.spec import ExperimentSpec, FromExperimentStart, LinearStudent, channels
from core.spec.explain import shorten
from store.arrays import runs
from store.db.tables import experiments
from store.errors import NotFound
from store.experiments import rows
from store.records import ELSEWHERE
from store.states import PENDING, State

POINTER = "/student/start/id"
Inherited = Mapping[int, Mapping[str, np.ndarray]]
"""Parameters by seed and name."""


def check(tx: Connection, spec: ExperimentSpec, *, lock: bool = False) -> None:
    """Refuses a spec whose start is ``from_experiment`` where nothing could be inherited.

    Args:
        tx: An open transaction.
        spec: What is to begin.
        lock: Keep the source from being removed until the transaction, which has to be a write,
            ends.

    Raises:
        SpecError: There is no such experiment, it isn't completed, or its parameters don't fit the
            student.
    """
    inherited(tx, spec, lock=lock)


def inherited(tx: Connection, spec: ExperimentSpec, *, lock: bool = False) -> Inherited | None:
    """The parameters that each seed of ``spec`` begins with; None where its start is of another kind.

    Args:
        tx: An open transaction.
        spec: What begins.
        lock: As :func:`check` has it.

    Raises:
        SpecError: As :func:`check` has it.
    """
    start = spec.student.start
    if not isinstance(start, FromExperimentStart):
        return None
    wanted = {seed: seed if start.seed is None else start.seed for seed in spec.seeds}
    source = _source(tx, start.id, lock=lock)
    problems = [*_misfits(spec, source, wanted)]
    if problems:
        raise SpecError(problems)
    ended = runs.read_parameters(tx, start.id, set(wanted.values()))
    for seed, parameters in ended.items():
        if not all(np.isfinite(array).all() for array in parameters.values()):
            message = f"seed {seed} of that experiment diverged: its parameters are no finite numbers to begin with"
            raise SpecError([Problem(POINTER, "not_finite", message, start.id)])
        if isinstance(spec.student, LinearStudent):
            students.start(
                spec.student, seed, *channels(spec.teacher), inherited=parameters
            )  # looks at the structure
    return {seed: ended[of] for seed, of in wanted.items()}


def heirs(tx: Connection, experiment_id: str) -> list[str]:
    """The experiments that begin from this one and have not ended."""
    begins_from = experiments.c.spec["student", "start", "id"].as_string()
    pending = experiments.c.state.in_(PENDING)
    return list(tx.scalars(select(experiments.c.id).where(pending, begins_from == experiment_id)))


def _source(tx: Connection, experiment_id: str, *, lock: bool) -> ExperimentSpec:
    try:
        row = rows.one(
            tx,
            experiment_id,
            experiments.c.state,
            experiments.c.device,
            experiments.c.spec,
            lock=lock,
        )
    except NotFound:
        message = "there is no such experiment: give the id of a completed one"
        raise SpecError(
            [Problem(POINTER, "no_such_experiment", message, shorten(experiment_id))]
        ) from None
    if row.state != State.COMPLETED:
        message = (
            f"that experiment is {row.state}, and only a completed one has parameters to begin with"
        )
        raise SpecError([Problem(POINTER, "not_completed", message, experiment_id)])
    if row.device == ELSEWHERE:
        message = "that experiment was imported, and has no parameters to begin with"
        raise SpecError([Problem(POINTER, "imported", message, experiment_id)])
    try:
        return ExperimentSpec.model_validate(row.spec)
    except ValidationError:
        message = (
            "that experiment is of another version of this software, which this one can't read"
        )
        raise SpecError([Problem(POINTER, "other_version", message, experiment_id)]) from None


def _misfits(
    spec: ExperimentSpec, source: ExperimentSpec, wanted: Mapping[int, int]
) -> Iterator[Problem]:
    """Why nothing of ``source`` fits the student of ``spec``: every reason."""
    for what, theirs, ours in _traits(spec, source):
        if theirs != ours:
            message = f"that experiment's {what} is {theirs}, this one's is {ours}: they have to be the same"
            yield Problem(POINTER, "does_not_fit", message)
    missing = [seed for seed in dict.fromkeys(wanted.values()) if seed not in source.seeds]
    if missing:
        message = f"that experiment has no seed {missing[0]}"
        message += "" if len(missing) == 1 else f", nor {len(missing) - 1} more that are asked for"
        message += "; give /student/start/seed to begin all seeds from one of its own"
        shown = [*map(str, source.seeds[:20]), *(["..."] if len(source.seeds) > 20 else [])]
        yield Problem(POINTER, "no_such_seed", message, allowed=", ".join(shown))


def _traits(spec: ExperimentSpec, source: ExperimentSpec) -> Iterator[tuple[str, object, object]]:
    """(trait, of the source, of the spec): those that decide the names and shapes of parameters."""
    here, there = spec.student, source.student
    yield "student", there.kind, here.kind
    yield "student.dim", there.dim, here.dim
    yield "number of inputs and outputs", channels(source.teacher), channels(spec.teacher)
    if isinstance(here, LinearStudent) and isinstance(there, LinearStudent):
        yield "readout", _readout(there), _readout(here)


def _readout(student: LinearStudent) -> str:
    readout = student.readout
    return "none" if readout is None else f"{readout.layers} layers of {readout.width}"
