"""The state of a training: the batch of seeds, and the points recorded since the last flush."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from core.baselines import baselines
from core.caveats import caveats
from core.errors import NumericsUnavailable
from core.result import METRICS, ExperimentResult, Outcome, Response, RunResult
from core.spec import ExperimentSpec, has_closed_form
from core.training.closed_form.engine import LinearEngine
from core.training.engine import Engine, InitialParameters
from core.training.history import History
from core.training.optimizers import rule_of
from core.training.points import Points, measure_points
from core.training.schedule import recorded_steps
from core.training.sequences.engine import SequenceEngine
from core.training.stepper import CANCELLED, DIVERGED, NEVER, RUNNING, STOPPED, Batch


@dataclass(frozen=True)
class State:
    """A training in progress, made by :func:`begin` or :func:`resume`.

    Attributes:
        spec: The spec being trained.
        step: The step that every running seed has reached.
        engine: Computes for the spec's family of students.
        batch: All seeds.
        schedule: The steps to record, in ascending order.
        recorded: The last recorded step of each seed, (S,), or -1.
        points: The points recorded since the last flush.
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


def begin(
    spec: ExperimentSpec, device: str = "cpu", initial_parameters: InitialParameters | None = None
) -> State:
    """The state with every seed at its start and step 0 recorded.

    Args:
        spec: The experiment.
        device: ``cpu`` or ``cuda``.
        initial_parameters: For a ``from_experiment`` start, the parameters of each seed.

    Raises:
        NumericsUnavailable: This machine has no such device.
    """
    engine = _engine(spec, device, initial_parameters)
    seeds = len(spec.seeds)
    step_zero = {
        "parameters": engine.starts(),
        "memory": np.zeros((seeds, rule_of(spec.optimizer, engine.layout).width)),
        "steps": np.zeros(seeds, dtype=np.int64),
        "status": np.full(seeds, RUNNING),
        "until": np.full(seeds, NEVER),
        "step": np.array(0),
        "recorded": np.full(seeds, -1),
        "history": History.empty().rows,
    }
    return _with_point(_restore(spec, engine, step_zero, device))


def resume(
    spec: ExperimentSpec,
    snapshot: Mapping[str, np.ndarray],
    device: str = "cpu",
    initial_parameters: InitialParameters | None = None,
) -> State:
    """The state of a :func:`snapshot`, bit for bit on the same kind of device.

    Raises:
        NumericsUnavailable: This machine has no such device.
    """
    return _restore(spec, _engine(spec, device, initial_parameters), snapshot, device)


def _engine(
    spec: ExperimentSpec, device: str, initial_parameters: InitialParameters | None
) -> Engine:
    if device == "cuda" and not torch.cuda.is_available():
        raise NumericsUnavailable(
            "this machine has no CUDA device; ask for numerics.device 'cpu' or 'auto'"
        )
    if has_closed_form(spec.teacher, spec.student):
        return LinearEngine(spec, _dtype(spec), torch.device(device), initial_parameters)
    return SequenceEngine(spec, _dtype(spec), torch.device(device), initial_parameters)


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
        points=Points(
            spec, engine, history=History(snapshot["history"]) if "history" in snapshot else None
        ),
    )


def _dtype(spec: ExperimentSpec) -> torch.dtype:
    return torch.float64 if spec.numerics.dtype == "float64" else torch.float32


def snapshot(state: State) -> dict[str, np.ndarray]:
    """A checkpoint: the arrays that :func:`resume` needs.

    It doesn't hold the recorded points; flush and store them first.
    """
    batch = {field.name: getattr(state.batch, field.name).cpu().numpy() for field in fields(Batch)}
    history = state.points.history
    kept = {} if history is None else {"history": history.rows}
    return {**batch, "step": np.array(state.step), "recorded": state.recorded, **kept}


def advance(state: State, steps: int) -> State:
    """The state up to ``steps`` steps later, with the scheduled points recorded on the way.

    It never passes the last step.
    """
    last = state.spec.optimizer.steps
    end = min(state.step + steps, last)
    upcoming = iter(state.schedule[bisect_right(state.schedule, state.step) :])
    stepper = state.engine.stepper
    while state.step < end and state.batch.running:
        point = next(upcoming)
        target = min(point, end)
        batch = stepper.advance(state.batch, target - state.step)
        if target == last:
            batch = stepper.check(batch)
        state = replace(state, batch=batch, step=target)
        if target == point or not state.batch.running:
            state = _with_point(state)
    return state


def cancel(state: State) -> State:
    """The state with every running seed cancelled at its current step; it is done."""
    status = torch.where(state.batch.status == RUNNING, CANCELLED, state.batch.status)
    return _with_point(replace(state, batch=replace(state.batch, status=status)))


def flush(state: State) -> tuple[State, dict[str, np.ndarray]]:
    """The state without its recorded points, and those points.

    Returns:
        The points in long form: columns of equal length ``seed``, ``step`` and every name of
            :data:`core.result.SERIES`.
    """
    points = state.points.measure_pending()
    return replace(state, points=replace(points, measured=())), points.columns()


def finish(state: State) -> ExperimentResult:
    """The result of a state that is done. Its series holds the points that were not flushed.

    Raises:
        ValueError: The state is not done.
    """
    if not state.done:
        raise ValueError(
            f"the training is at step {state.step} of {state.spec.optimizer.steps}; "
            "advance or cancel it"
        )
    engine, steps = state.engine, state.batch.steps.cpu().numpy()
    points = state.points.measure_pending()
    metrics = {
        **(points.latest or _metrics(state)),
        **engine.final_metrics(state.batch.parameters, steps),
    }
    if points.history is not None:
        metrics |= points.history.metrics(state.spec, _fit_bound(state))
    outcomes = _outcomes(state, metrics["fit_error"])
    summaries = [{name: float(metrics[name][i]) for name in METRICS} for i in range(len(steps))]
    final_states = engine.final_states(state.batch.parameters)
    runs = [
        RunResult(
            seed=seed,
            outcome=outcomes[i],
            steps=int(steps[i]),
            response=_response(final.response),
            eigenvalues=[(value.real, value.imag) for value in final.eigenvalues.tolist()],
            hankel_singular_values=final.hankel_singular_values.tolist(),
            parameters={name: array.tolist() for name, array in final.parameters.items()},
            summary=summaries[i],
            warnings=caveats(state.spec, summaries[i], outcomes[i]),
        )
        for i, (seed, final) in enumerate(zip(state.spec.seeds, final_states, strict=True))
    ]
    series = {name: column.tolist() for name, column in points.columns().items()}
    return ExperimentResult(
        teacher_response=_response(engine.response),
        runs=runs,
        baselines=baselines(state.spec),
        series=series,
    )


def _metrics(state: State) -> dict[str, np.ndarray]:
    """The metrics of a state that was resumed at its end, without a measured point."""
    metrics = measure_points(
        state.spec,
        state.engine,
        state.batch.parameters[None],
        state.batch.steps.cpu().numpy()[None],
    )
    return {name: values[0] for name, values in metrics.items()}


def _outcomes(state: State, fit_error: np.ndarray) -> list[Outcome]:
    """The outcome of each seed.

    A seed that ran all its steps is fitted if it met the stop rule; without a rule, its fit error
    decides.
    """
    fits = fit_error <= _fit_bound(state)
    fitted = fits if state.spec.optimizer.stop is None else state.batch.until.cpu().numpy() != NEVER
    meaning = {STOPPED: Outcome.FITTED, DIVERGED: Outcome.DIVERGED, CANCELLED: Outcome.CANCELLED}
    at_last_step = [Outcome.FITTED if fit else Outcome.STEP_BUDGET_SPENT for fit in fitted]
    return [
        meaning.get(status, outcome)
        for status, outcome in zip(state.batch.status.tolist(), at_last_step, strict=True)
    ]


def _fit_bound(state: State) -> float:
    """The largest fit error of a student that fits."""
    response = np.abs(state.engine.response)
    within = response[: state.spec.training.length].max()
    scale = within or response.max()  # a delay past k is zero within it
    return float(state.spec.evaluation.fit_tolerance * scale)


def _with_point(state: State) -> State:
    """The state with a point recorded at its current step."""
    points = state.points.record(state.batch, state.recorded)
    return replace(state, points=points, recorded=state.batch.steps.cpu().numpy())


def _response(response: np.ndarray) -> Response:
    """The response as nested lists: flat for one input and one output, else q x p x m."""
    return response.ravel().tolist() if response.shape[1:] == (1, 1) else response.tolist()
