"""The state of a training: where every seed stands, and the points recorded since they were last flushed."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from core.baselines import baselines
from core.errors import NumericsUnavailable
from core.result import METRICS, ExperimentResult, Outcome, Response, RunResult
from core.spec import ExperimentSpec, has_closed_form
from core.training.closed_form.engine import LinearEngine
from core.training.engine import Engine, Inherited
from core.training.optimizers import rule_of
from core.training.points import Points, measures_of
from core.training.schedule import recorded_steps
from core.training.sequences.engine import SequenceEngine
from core.training.stepper import CANCELLED, DIVERGED, NEVER, RUNNING, STOPPED, Batch
from core.warnings import warnings_of_run


@dataclass(frozen=True)
class State:
    """A training under way.

    Made by :func:`begin` or :func:`resume`; only :func:`advance` and its like make new ones.

    Attributes:
        spec: What is being trained.
        step: The step up to which every running seed has been advanced.
        done: Whether there is nothing left to advance.
    """

    spec: ExperimentSpec
    step: int
    engine: Engine
    batch: Batch
    schedule: tuple[int, ...]
    recorded: np.ndarray
    points: Points

    @property
    def done(self) -> bool:
        """Whether every seed has ended or run all its steps."""
        return self.step == self.spec.optimizer.steps or not self.batch.running


def begin(spec: ExperimentSpec, device: str = "cpu", inherited: Inherited | None = None) -> State:
    """Every seed at its start, with step 0 recorded.

    Args:
        spec: What to train.
        device: ``cpu`` or ``cuda``.
        inherited: Where the start is ``from_experiment``, the parameters that each seed begins
            with.

    Raises:
        NumericsUnavailable: This machine has no such device.
    """
    engine = _engine(spec, device, inherited)
    seeds = len(spec.seeds)
    nothing_yet = {
        "parameters": engine.starts(),
        "memory": np.zeros((seeds, rule_of(spec.optimizer, engine.layout).width)),
        "steps": np.zeros(seeds, dtype=np.int64),
        "status": np.full(seeds, RUNNING),
        "until": np.full(seeds, NEVER),
        "step": np.array(0),
        "recorded": np.full(seeds, -1),
    }
    return _recorded(_restore(spec, engine, nothing_yet, device))


def resume(
    spec: ExperimentSpec,
    snapshot: Mapping[str, np.ndarray],
    device: str = "cpu",
    inherited: Inherited | None = None,
) -> State:
    """The state that :func:`snapshot` was taken of, to the bit on the same kind of device.

    Raises:
        NumericsUnavailable: This machine has no such device.
    """
    return _restore(spec, _engine(spec, device, inherited), snapshot, device)


def _engine(spec: ExperimentSpec, device: str, inherited: Inherited | None) -> Engine:
    if device == "cuda" and not torch.cuda.is_available():
        raise NumericsUnavailable(
            "this machine has no CUDA device; ask for numerics.device 'cpu' or 'auto'"
        )
    if has_closed_form(spec.teacher, spec.student):
        return LinearEngine(spec, _dtype(spec), torch.device(device), inherited)
    return SequenceEngine(spec, _dtype(spec), torch.device(device), inherited)


def _restore(
    spec: ExperimentSpec, engine: Engine, snapshot: Mapping[str, np.ndarray], device: str
) -> State:
    dtype = _dtype(spec)
    return State(
        spec=spec,
        step=int(snapshot["step"]),
        engine=engine,
        batch=Batch(
            parameters=torch.tensor(snapshot["parameters"], dtype=dtype, device=device),
            memory=torch.tensor(snapshot["memory"], dtype=dtype, device=device),
            steps=torch.tensor(snapshot["steps"], device=device),
            status=torch.tensor(snapshot["status"], device=device),
            until=torch.tensor(snapshot["until"], device=device),
        ),
        schedule=recorded_steps(spec),
        recorded=snapshot["recorded"],
        points=Points(spec, engine),
    )


def _dtype(spec: ExperimentSpec) -> torch.dtype:
    return torch.float64 if spec.numerics.dtype == "float64" else torch.float32


def snapshot(state: State) -> dict[str, np.ndarray]:
    """A checkpoint: everything that :func:`resume` needs.

    Points are not in it; flush and keep them first.
    """
    batch = {field.name: getattr(state.batch, field.name).cpu().numpy() for field in fields(Batch)}
    return {**batch, "step": np.array(state.step), "recorded": state.recorded}


def advance(state: State, steps: int) -> State:
    """The state up to ``steps`` steps on, never past its end, with the recorded points that lie on the way."""
    last = state.spec.optimizer.steps
    end = min(state.step + steps, last)
    ahead = iter(state.schedule[bisect_right(state.schedule, state.step) :])
    while state.step < end and state.batch.running:
        point = next(ahead)
        to = min(point, end)
        state = replace(
            state, batch=state.engine.stepper.advance(state.batch, to - state.step), step=to
        )
        if to == last:
            state = replace(state, batch=state.engine.stepper.look(state.batch))
        if to == point or not state.batch.running:
            state = _recorded(state)
    return state


def cancel(state: State) -> State:
    """The state with every running seed ended where it stands; it is done."""
    status = torch.where(state.batch.status == RUNNING, CANCELLED, state.batch.status)
    return _recorded(replace(state, batch=replace(state.batch, status=status)))


def flush(state: State) -> tuple[State, dict[str, np.ndarray]]:
    """The points recorded since the last flush, and the state without them.

    Returns:
        Long form: equally long columns ``seed``, ``step`` and every name of
            :data:`core.result.SERIES`.
    """
    points = state.points.settled()
    return replace(state, points=replace(points, measured=())), points.columns()


def finish(state: State) -> ExperimentResult:
    """The result of a state that is done. Its series holds the points that were not flushed.

    Raises:
        ValueError: The state is not done.
    """
    if not state.done:
        raise ValueError(
            f"the training is at step {state.step} of {state.spec.optimizer.steps}; advance or cancel it"
        )
    engine, steps = state.engine, state.batch.steps.cpu().numpy()
    points = state.points.settled()
    measures = {
        **(points.newest or _measures(state)),
        **engine.at_the_end(state.batch.parameters, steps),
    }
    outcomes = _outcomes(state, measures["fit_error"])
    summaries = [{name: float(measures[name][i]) for name in METRICS} for i in range(len(steps))]
    runs = [
        RunResult(
            seed=seed,
            outcome=outcomes[i],
            steps=int(steps[i]),
            response=_response(end.response),
            eigenvalues=[(value.real, value.imag) for value in end.eigenvalues.tolist()],
            hankel_singular_values=end.hankel_singular_values.tolist(),
            parameters={name: array.tolist() for name, array in end.parameters.items()},
            summary=summaries[i],
            warnings=warnings_of_run(state.spec, summaries[i]),
        )
        for i, (seed, end) in enumerate(
            zip(state.spec.seeds, engine.ends(state.batch.parameters), strict=True)
        )
    ]
    series = {name: column.tolist() for name, column in points.columns().items()}
    return ExperimentResult(
        teacher_response=_response(engine.response),
        runs=runs,
        baselines=baselines(state.spec),
        series=series,
    )


def _measures(state: State) -> dict[str, np.ndarray]:
    """Of a training that was put down at its end, and taken up."""
    measured = measures_of(
        state.spec,
        state.engine,
        state.batch.parameters[None],
        state.batch.steps.cpu().numpy()[None],
    )
    return {name: values[0] for name, values in measured.items()}


def _outcomes(state: State, fit_error: np.ndarray) -> list[Outcome]:
    """What each seed's status means; a seed that ran to its end is fitted if it met the stop rule.

    Without a rule its fit error decides.
    """
    response = np.abs(state.engine.response)
    within = response[: state.spec.training.length].max()
    scale = within or response.max()  # a delay past k is judged by what lies past it
    fits = fit_error <= state.spec.evaluation.fit_tolerance * scale
    fitted = fits if state.spec.optimizer.stop is None else state.batch.until.cpu().numpy() != NEVER
    meaning = {STOPPED: Outcome.FITTED, DIVERGED: Outcome.DIVERGED, CANCELLED: Outcome.CANCELLED}
    at_end = [Outcome.FITTED if fit else Outcome.STEP_BUDGET_SPENT for fit in fitted]
    return [
        meaning.get(status, ran)
        for status, ran in zip(state.batch.status.tolist(), at_end, strict=True)
    ]


def _recorded(state: State) -> State:
    """With a point where the seeds stand."""
    points = state.points.record(state.batch, state.recorded)
    return replace(state, points=points, recorded=state.batch.steps.cpu().numpy())


def _response(response: np.ndarray) -> Response:
    """Flat where there is one input and one output, else q x p x m."""
    return response.ravel().tolist() if response.shape[1:] == (1, 1) else response.tolist()
