"""The state of a training: where every seed stands, and the points recorded since they were last flushed."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from core import students
from core.errors import NumericsUnavailable
from core.losses import Target, target_of
from core.metrics import measure
from core.result import SERIES, ExperimentResult, Outcome, Parameters, Response, RunResult
from core.spec import ExperimentSpec, channels
from core.systems import eigenvalues, hankel_singular_values, impulse_response
from core.training.kernel import KernelStepper
from core.training.layout import Layout
from core.training.optimizers import rule_of
from core.training.schedule import recorded_steps
from core.training.stepper import CANCELLED, DIVERGED, RUNNING, STOPPED, Batch, Stepper, TorchStepper


@dataclass(frozen=True)
class State:
    """A training under way. Made by :func:`begin` or :func:`resume`; only :func:`advance` and its like make new ones.

    Attributes:
        spec: What is being trained.
        step: The step up to which every running seed has been advanced.
        done: Whether there is nothing left to advance.
    """

    spec: ExperimentSpec
    step: int
    target: Target
    layout: Layout
    stepper: Stepper
    batch: Batch
    schedule: tuple[int, ...]
    recorded: np.ndarray
    points: tuple[Mapping[str, np.ndarray], ...]

    @property
    def done(self) -> bool:
        """Whether every seed has ended or run all its steps."""
        return self.step == self.spec.optimizer.steps or not self.batch.running


def begin(spec: ExperimentSpec, device: str = "cpu") -> State:
    """Every seed at its start, with step 0 recorded.

    Raises:
        NumericsUnavailable: This machine has no such device.
    """
    inputs, outputs = channels(spec.teacher)
    layout = Layout(spec.student, inputs, outputs)
    starts = [students.start(spec.student, seed, inputs, outputs) for seed in spec.seeds]
    seeds = len(starts)
    nothing_yet = {
        "parameters": layout.flatten(starts),
        "memory": np.zeros((seeds, rule_of(spec.optimizer, layout).width)),
        "steps": np.zeros(seeds, dtype=np.int64),
        "status": np.full(seeds, RUNNING),
        "step": np.array(0),
        "recorded": np.full(seeds, -1),
    }
    state = resume(spec, nothing_yet, device)
    return replace(state, recorded=nothing_yet["steps"], points=_points(state))


def resume(spec: ExperimentSpec, snapshot: Mapping[str, np.ndarray], device: str = "cpu") -> State:
    """The state that :func:`snapshot` was taken of, to the bit on the same kind of device.

    Raises:
        NumericsUnavailable: This machine has no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise NumericsUnavailable("this machine has no CUDA device; ask for numerics.device 'cpu' or 'auto'")
    place = torch.device(device)
    dtype = torch.float64 if spec.numerics.dtype == "float64" else torch.float32
    layout, target = Layout(spec.student, *channels(spec.teacher)), target_of(spec)
    return State(
        spec=spec,
        step=int(snapshot["step"]),
        target=target,
        layout=layout,
        stepper=_stepper(spec, layout, target, dtype, place),
        batch=Batch(
            parameters=torch.tensor(snapshot["parameters"], dtype=dtype, device=place),
            memory=torch.tensor(snapshot["memory"], dtype=dtype, device=place),
            steps=torch.tensor(snapshot["steps"], device=place),
            status=torch.tensor(snapshot["status"], device=place),
        ),
        schedule=recorded_steps(spec),
        recorded=snapshot["recorded"],
        points=(),
    )


def _stepper(spec: ExperimentSpec, layout: Layout, target: Target, dtype: torch.dtype, device: torch.device) -> Stepper:
    """The fastest stepper that knows the spec: compiled loops on a CPU, else torch."""
    if device.type == "cpu" and KernelStepper.fits(spec):
        return KernelStepper(spec, layout, target, dtype)
    return TorchStepper(spec, layout, target, dtype, device)


def snapshot(state: State) -> dict[str, np.ndarray]:
    """A checkpoint: everything that :func:`resume` needs. Points are not in it; flush and keep them first."""
    batch = {field.name: getattr(state.batch, field.name).cpu().numpy() for field in fields(Batch)}
    return {**batch, "step": np.array(state.step), "recorded": state.recorded}


def advance(state: State, steps: int) -> State:
    """The state up to ``steps`` steps on, never past its end, with the recorded points that lie on the way."""
    last = state.spec.optimizer.steps
    end = min(state.step + steps, last)
    ahead = iter(state.schedule[bisect_right(state.schedule, state.step) :])
    points = list(state.points)
    while state.step < end and state.batch.running:
        point = next(ahead)
        to = min(point, end)
        state = replace(state, batch=state.stepper.advance(state.batch, to - state.step), step=to)
        if to == last:
            state = replace(state, batch=state.stepper.look(state.batch))
        if to == point or not state.batch.running:
            points += _points(state)
            state = replace(state, recorded=state.batch.steps.cpu().numpy())
    return replace(state, points=tuple(points))


def cancel(state: State) -> State:
    """The state with every running seed ended where it stands; it is done."""
    status = torch.where(state.batch.status == RUNNING, CANCELLED, state.batch.status)
    state = replace(state, batch=replace(state.batch, status=status))
    return replace(state, recorded=state.batch.steps.cpu().numpy(), points=(*state.points, *_points(state)))


def flush(state: State) -> tuple[State, dict[str, np.ndarray]]:
    """The points recorded since the last flush, and the state without them.

    Returns:
        Long form: equally long columns ``seed``, ``step`` and every name of :data:`core.result.SERIES`.
    """
    return replace(state, points=()), _columns(state.points)


def finish(state: State) -> ExperimentResult:
    """The result of a state that is done. Its series holds the points that were not flushed.

    Raises:
        ValueError: The state is not done.
    """
    if not state.done:
        raise ValueError(f"the training is at step {state.step} of {state.spec.optimizer.steps}; advance or cancel it")
    systems, target = state.layout.systems(state.batch.parameters), state.target
    measures = measure(systems, state.spec.student, target)
    with np.errstate(all="ignore"):
        response = impulse_response(systems, target.horizon)
        poles, hankel = eigenvalues(systems.A), hankel_singular_values(systems, target.horizon)
    outcomes = _outcomes(state, measures["fit_error"])
    runs = [
        RunResult(
            seed=seed,
            outcome=outcomes[i],
            steps=int(state.batch.steps[i]),
            response=_response(response[i]),
            eigenvalues=[(value.real, value.imag) for value in poles[i].tolist()],
            hankel_singular_values=hankel[i].tolist(),
            parameters=Parameters(A=systems.A[i].tolist(), B=systems.B[i].tolist(), C=systems.C[i].tolist()),
            summary={name: float(values[i]) for name, values in measures.items()},
        )
        for i, seed in enumerate(state.spec.seeds)
    ]
    series = {name: column.tolist() for name, column in _columns(state.points).items()}
    return ExperimentResult(teacher_response=_response(target.response), runs=runs, series=series)


def _outcomes(state: State, fit_error: np.ndarray) -> list[Outcome]:
    """What each seed's status means; a seed that ran to its end without a stop rule is judged by its fit error."""
    response = np.abs(state.target.response)
    scale = response[: state.target.length].max() or response.max()  # a delay past k is judged by what lies past it
    fits = fit_error <= state.spec.evaluation.fit_tolerance * scale
    fitted = fits if state.spec.optimizer.stop is None else np.zeros_like(fits)
    meaning = {STOPPED: Outcome.FITTED, DIVERGED: Outcome.DIVERGED, CANCELLED: Outcome.CANCELLED}
    at_end = [Outcome.FITTED if fit else Outcome.STEP_BUDGET_SPENT for fit in fitted]
    return [meaning.get(status, ran) for status, ran in zip(state.batch.status.tolist(), at_end, strict=True)]


def _points(state: State) -> tuple[Mapping[str, np.ndarray], ...]:
    """The measures of every seed that has moved since it was last recorded: one that has ended, once more, there."""
    steps = state.batch.steps.cpu().numpy()
    moved = np.flatnonzero(steps > state.recorded)
    if not len(moved):
        return ()
    measures = measure(state.layout.systems(state.batch.parameters), state.spec.student, state.target)
    point = {
        "seed": np.array(state.spec.seeds, dtype=np.int64)[moved],
        "step": steps[moved],
        **{name: measures[name][moved] for name in SERIES},
    }
    return (point,)


def _columns(points: tuple[Mapping[str, np.ndarray], ...]) -> dict[str, np.ndarray]:
    return {
        name: np.concatenate([np.empty(0, np.int64 if name in {"seed", "step"} else float), *(p[name] for p in points)])
        for name in ("seed", "step", *SERIES)
    }


def _response(response: np.ndarray) -> Response:
    """Flat where there is one input and one output, else q x p x m."""
    return response.ravel().tolist() if response.shape[1:] == (1, 1) else response.tolist()
