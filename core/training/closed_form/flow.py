"""Gradient flow, dθ/dt = -∇L(θ): integrated with error control, in float64 whatever the dtype, seed after seed.

By LSODA (Petzold 1983), which goes from Adams to backward differentiation formulas where it finds
the flow stiff, as it is near a minimum. On long plateaus it doesn't find out and takes tiny steps:
then by Radau IIA (Hairer and Wanner 1996), made for stiffness. LSODA holds Python's lock, and older
builds keep its state in one place: so no threads.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from scipy.integrate import odeint, solve_ivp

from core.errors import IntegrationFailed
from core.losses import Target
from core.spec import ExperimentSpec, GradientFlow
from core.training.closed_form.gradient import gradient_of
from core.training.closed_form.kernel import fits, problem_of
from core.training.layout import LinearLayout
from core.training.loops import linear
from core.training.schedule import rates_of, time_at
from core.training.stepper import DIVERGED_ABOVE, RUNNING, Batch, judged, stop_at

INNER_STEPS = 50_000
"""Steps that LSODA may take between two stations."""

OneGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Flat parameters (n,) of one seed to the loss and its gradient (n,), which the next call may
overwrite."""

Velocity = Callable[[float, np.ndarray], np.ndarray]
"""Of time and the free numbers, as SciPy wants it."""


def _one_gradient(spec: ExperimentSpec, layout: LinearLayout, target: Target) -> OneGradient:
    """The closed form in float64 on the CPU: compiled where it can be, else torch."""
    if not fits(spec):
        batched = gradient_of(layout, target, torch.float64, torch.device("cpu"))

        def in_torch(theta: np.ndarray) -> tuple[float, np.ndarray]:
            loss, of_batch = batched(torch.from_numpy(theta)[None])
            return float(loss), of_batch[0].numpy()

        return in_torch
    problem, gradient = problem_of(layout.student, target, np.float64), np.zeros(layout.size)
    room = linear.room_for(problem)

    def in_loops(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return linear.loss_and_gradient(theta, gradient, room, problem), gradient

    return in_loops


class Flow:
    """The flow of one experiment's students.

    Each parameter's rate, where the optimizer has any, multiplies its speed.

    What is integrated are the numbers that are free: those of trained parameters, of a symmetric A
    the upper triangle.
    """

    def __init__(self, spec: ExperimentSpec, layout: LinearLayout, target: Target) -> None:
        """For gradient flow with its own tolerances, or for what follows gradient descent, with the default ones."""
        optimizer = spec.optimizer
        own = (
            optimizer if isinstance(optimizer, GradientFlow) else GradientFlow(kind="gradient_flow")
        )
        self._rtol, self._atol = own.rtol, own.atol
        self._gradient = _one_gradient(spec, layout, target)
        student, mirror = layout.student, np.arange(layout.size)
        if student.structure == "symmetric":
            mirror[: student.dim**2] = (
                mirror[: student.dim**2].reshape(student.dim, student.dim).T.ravel()
            )
        trained = np.repeat(
            [name in student.trained for name in layout.names], np.diff([0, *layout.ends])
        )
        self._free = np.flatnonzero(trained & (mirror >= np.arange(layout.size)))
        self._mirror = mirror[self._free]
        rates = rates_of(optimizer, layout)
        self._rates = np.ones(len(self._free)) if rates is None else rates[self._free]

    def loss(self, theta: np.ndarray) -> float:
        """L at ``theta`` (n,)."""
        return self._gradient(theta)[0]

    def follow(self, theta: np.ndarray, time: float) -> np.ndarray:
        """Where the flow from ``theta`` (n,) is after so much ``time``.

        Raises:
            IntegrationFailed: The integrator gave up, at parameters whose loss is not even large.
        """
        theta = theta.copy()

        def put(free: np.ndarray) -> np.ndarray:
            theta[self._free] = free
            theta[self._mirror] = free
            return theta

        def velocity(_: float, free: np.ndarray) -> np.ndarray:
            return -self._rates * self._gradient(put(free))[1][self._free]

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what matters is said below
            end, trouble = self._integrated(velocity, theta[self._free], time)
        if trouble and self.loss(put(end)) <= DIVERGED_ABOVE:
            raise IntegrationFailed(
                f"gradient flow could not be followed: {trouble} "
                "A larger optimizer.atol or rtol, a shorter time, or more steps (stations) may help."
            )
        return put(end)

    def _integrated(
        self, velocity: Velocity, begin: np.ndarray, time: float
    ) -> tuple[np.ndarray, str]:
        """Where it ends, and what went wrong on the way."""
        tolerances = {"rtol": self._rtol, "atol": self._atol}
        path, report = odeint(
            velocity,
            begin,
            (0.0, time),
            tfirst=True,
            mxstep=INNER_STEPS,
            full_output=True,
            **tolerances,
        )
        if report["message"] == "Integration successful.":
            return path[-1], ""
        try:
            solved = solve_ivp(velocity, (0.0, time), begin, "Radau", t_eval=(time,), **tolerances)
        except ValueError as error:  # its matrices are not finite
            return np.full_like(begin, np.nan), f"{error}."
        return (solved.y[:, -1], "") if solved.success else (path[-1], solved.message)


class FlowStepper:
    """See :class:`core.training.stepper.Stepper`: a step is the way from one station to the next.

    The integrator starts anew at each station, so it makes no difference where a training is put
    down.
    """

    def __init__(self, optimizer: GradientFlow, flow: Flow) -> None:
        """For the flow of the spec's students."""
        self._flow = flow
        self._stations = time_at(optimizer, np.arange(optimizer.steps + 1))
        self._below, self._more_steps = optimizer.stop_below, optimizer.more_steps

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        for _ in range(steps):
            batch = self.look(batch)
            going = np.flatnonzero((batch.status == RUNNING).cpu().numpy())
            if not len(going):
                return batch
            parameters, done = batch.parameters.clone(), batch.steps.clone()
            for seed in going.tolist():
                begun, ended = self._stations[int(done[seed]) : int(done[seed]) + 2]
                moved = self._flow.follow(_doubles(parameters[seed]), ended - begun)
                parameters[seed] = torch.from_numpy(moved)
                done[seed] += 1
            batch = replace(batch, parameters=parameters, steps=done)
        return batch

    def look(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        loss = torch.tensor(
            [self._flow.loss(_doubles(theta)) for theta in batch.parameters],
            device=batch.steps.device,
        )
        return judged(
            batch, loss, stop_at(loss, batch.steps, batch.until, self._below, self._more_steps)
        )


def _doubles(theta: torch.Tensor) -> np.ndarray:
    return theta.double().cpu().numpy()
