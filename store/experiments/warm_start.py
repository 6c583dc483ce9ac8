"""Warm starts: experiments that start from the final parameters of another's runs.

The start is ``from_experiment``. An experiment with pending dependents can't be removed. If
its parameters are missing all the same, a dependent fails when it is claimed.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection, select

from core import students
from core.errors import Problem, SpecError
from core.spec import ExperimentSpec, FromExperimentStart, LinearStudent, channels
from core.spec.explain import shorten
from store.arrays import runs
from store.db.indexed_fields import column_name
from store.db.tables import experiments
from store.errors import NotFound
from store.experiments import rows
from store.records import ELSEWHERE
from store.states import PENDING, State

POINTER = "/student/start/id"
MAX_SEEDS_SHOWN = 20

InitialParameters = Mapping[int, Mapping[str, np.ndarray]]
"""Parameters by seed and name."""


def check(tx: Connection, spec: ExperimentSpec, *, lock: bool = False) -> None:
    """Checks that an experiment can start from the source that its spec names, if any.

    Args:
        tx: An open transaction.
        spec: The spec of the experiment.
        lock: Keep the source from being removed until the transaction, a write, ends.

    Raises:
        SpecError: The source doesn't exist, isn't completed, or its parameters don't fit.
    """
    initial_parameters(tx, spec, lock=lock)


def initial_parameters(
    tx: Connection, spec: ExperimentSpec, *, lock: bool = False
) -> InitialParameters | None:
    """The initial parameters of each seed; None if the start isn't ``from_experiment``.

    Args:
        tx: An open transaction.
        spec: The spec of the experiment.
        lock: See :func:`check`.

    Raises:
        SpecError: See :func:`check`.
    """
    start = spec.student.start
    if not isinstance(start, FromExperimentStart):
        return None
    source_seeds = {seed: seed if start.seed is None else start.seed for seed in spec.seeds}
    source = _source(tx, start.id, lock=lock)
    problems = [*_mismatches(spec, source, source_seeds)]
    if problems:
        raise SpecError(problems)
    final = runs.read_parameters(tx, start.id, set(source_seeds.values()))
    for seed, parameters in final.items():
        if not all(np.isfinite(array).all() for array in parameters.values()):
            message = f"seed {seed} of that experiment diverged: its parameters are not finite"
            raise SpecError([Problem(POINTER, "not_finite", message, start.id)])
        if isinstance(spec.student, LinearStudent):  # checks the structure
            students.start(
                spec.student, seed, *channels(spec.teacher), initial_parameters=parameters
            )
    return {seed: final[source_seed] for seed, source_seed in source_seeds.items()}


def dependents(tx: Connection, ids: Sequence[str]) -> dict[str, str]:
    """A pending experiment that starts from each of these, if there is one; staged ones count."""
    source = experiments.c.spec["student", "start", "id"].as_string()
    pending = select(experiments.c.id, source).where(
        experiments.c.state.in_(PENDING),
        experiments.c[column_name("student.start.kind")] == "from_experiment",
        source.in_(list(ids)),
    )
    return {source_id: dependent for dependent, source_id in tx.execute(pending)}


def _source(tx: Connection, experiment_id: str, *, lock: bool) -> ExperimentSpec:
    columns = experiments.c.state, experiments.c.device, experiments.c.spec
    try:
        row = rows.get(tx, experiment_id, *columns, lock=lock)
    except NotFound:
        message = "there is no such experiment: give the id of a completed one"
        problem = Problem(POINTER, "no_such_experiment", message, shorten(experiment_id))
        raise SpecError([problem]) from None
    if row.state != State.COMPLETED:
        message = f"that experiment is {row.state}; only a completed one has final parameters"
        raise SpecError([Problem(POINTER, "not_completed", message, experiment_id)])
    if row.device == ELSEWHERE:
        message = "that experiment was imported, so it has no parameters"
        raise SpecError([Problem(POINTER, "imported", message, experiment_id)])
    try:
        return ExperimentSpec.model_validate(row.spec)
    except ValidationError:
        message = "that experiment's spec was written for another version and can't be read"
        raise SpecError([Problem(POINTER, "other_version", message, experiment_id)]) from None


def _mismatches(
    spec: ExperimentSpec, source: ExperimentSpec, source_seeds: Mapping[int, int]
) -> Iterator[Problem]:
    """Every reason why the parameters of ``source`` don't fit the student of ``spec``."""
    for name, value, source_value in _shape_traits(spec, source):
        if source_value != value:
            message = f"that experiment's {name} is {source_value}, this one's is {value}: "
            yield Problem(POINTER, "does_not_fit", message + "they must be the same")
    missing = [seed for seed in dict.fromkeys(source_seeds.values()) if seed not in source.seeds]
    if missing:
        noun = "seed" if len(missing) == 1 else "seeds"
        message = (
            f"that experiment lacks {noun} {_listed(missing)}; "
            "give /student/start/seed to start every seed from one of its own"
        )
        yield Problem(POINTER, "no_such_seed", message, allowed=_listed(source.seeds))


def _listed(seeds: Sequence[int]) -> str:
    ellipsis = ["..."] if len(seeds) > MAX_SEEDS_SHOWN else []
    return ", ".join([*map(str, seeds[:MAX_SEEDS_SHOWN]), *ellipsis])


def _shape_traits(
    spec: ExperimentSpec, source: ExperimentSpec
) -> Iterator[tuple[str, object, object]]:
    """Traits that decide the parameters' names and shapes, with their values in spec and source."""
    student, source_student = spec.student, source.student
    yield "student", student.kind, source_student.kind
    yield "student.dim", student.dim, source_student.dim
    yield "number of inputs and outputs", channels(spec.teacher), channels(source.teacher)
    if isinstance(student, LinearStudent) and isinstance(source_student, LinearStudent):
        yield "readout", _readout(student), _readout(source_student)


def _readout(student: LinearStudent) -> str:
    readout = student.readout
    return "none" if readout is None else f"{readout.layers} layers of {readout.width}"
