"""Gradient flow, dθ/dt = -∇L(θ): integrated with error control, in float64, seed after seed.

The integrator is LSODA (Petzold 1983), which switches from Adams to backward differentiation
formulas when the flow becomes stiff, as it does near a minimum. On long plateaus LSODA misses the
stiffness and its steps become tiny; then Radau IIA (Hairer and Wanner 1996), a stiff method, takes
over. LSODA holds Python's lock, and older builds keep its state in a global; hence no threads.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from scipy.integrate import odeint, solve_ivp

from core.errors import IntegrationFailed
from core.losses import Target
from core.pulse import beat
from core.result import DIVERGED_ABOVE
from core.spec import ExperimentSpec, GradientFlow
from core.training.closed_form.gradient import gradient_of
from core.training.closed_form.kernel import is_supported, problem_of
from core.training.layout import LinearLayout
from core.training.loops import linear
from core.training.schedule import parameter_rates, training_time
from core.training.stepper import RUNNING, Batch, stop_step, with_status

MAX_INNER_STEPS = 50_000
"""The number of steps that LSODA may take between two waypoints."""

MAX_STIFF_CALLS = 200_000
"""The number of gradients that Radau may take between two waypoints, besides 100 for each free
parameter, as a Jacobian takes one for each."""

SeedGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""A function of one seed's flat parameters (n,) that returns the loss and its gradient (n,).

The next call may overwrite the gradient.
"""

Velocity = Callable[[float, np.ndarray], np.ndarray]
"""A function of time and free parameters, in the order that SciPy expects."""


def _seed_gradient(spec: ExperimentSpec, layout: LinearLayout, target: Target) -> SeedGradient:
    """The closed form in float64 on the CPU, compiled if the loops support it, else in torch."""
    if not is_supported(spec):
        batch_gradient = gradient_of(layout, target, torch.float64, torch.device("cpu"))

        def in_torch(theta: np.ndarray) -> tuple[float, np.ndarray]:
            losses, gradients = batch_gradient(torch.from_numpy(theta)[None])
            return float(losses), gradients[0].numpy()

        return in_torch
    problem, gradient = problem_of(layout.student, target, np.float64), np.zeros(layout.size)
    workspace = linear.workspace_for(problem)

    def compiled(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return linear.loss_and_gradient(theta, gradient, workspace, problem), gradient

    return compiled


class _TooManyCalls(Exception):
    """The flow is too stiff for its tolerances."""


class Flow:
    """The gradient flow of one experiment's students.

    The optimizer's rates multiply the speed of each parameter. Only the free parameters are
    integrated: those that are trained and, of a symmetric A, the upper triangle.
    """

    def __init__(self, spec: ExperimentSpec, layout: LinearLayout, target: Target) -> None:
        """With the spec's tolerances, or the default ones if its optimizer is gradient descent."""
        optimizer = spec.optimizer
        default = GradientFlow(kind="gradient_flow")
        tolerances = optimizer if isinstance(optimizer, GradientFlow) else default
        self._rtol, self._atol = tolerances.rtol, tolerances.atol
        self._gradient = _seed_gradient(spec, layout, target)
        student, mirror = layout.student, np.arange(layout.size)
        if student.structure == "symmetric":
            entries = student.dim**2
            mirror[:entries] = mirror[:entries].reshape(student.dim, student.dim).T.ravel()
        trained = np.repeat(
            [name in student.trained for name in layout.names], np.diff([0, *layout.ends])
        )
        self._free = np.flatnonzero(trained & (mirror >= np.arange(layout.size)))
        self._mirror = mirror[self._free]
        rates = parameter_rates(optimizer, layout)
        self._rates = np.ones(len(self._free)) if rates is None else rates[self._free]

    def loss(self, theta: np.ndarray) -> float:
        """L at ``theta`` (n,)."""
        return self._gradient(theta)[0]

    def integrate(self, theta: np.ndarray, time: float) -> np.ndarray:
        """The parameters (n,) that the flow reaches from ``theta`` (n,) after ``time``.

        Raises:
            IntegrationFailed: The integrator gave up although the loss is not large.
        """
        theta = theta.copy()
        if time == 0:  # the integrators refuse an interval without length
            return theta

        def with_free(free: np.ndarray) -> np.ndarray:
            theta[self._free] = free
            theta[self._mirror] = free
            return theta

        def velocity(_: float, free: np.ndarray) -> np.ndarray:
            beat("the gradient flow")
            return -self._rates * self._gradient(with_free(free))[1][self._free]

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a failure is raised below
            free, failure = self._integrate(velocity, theta[self._free], time)
        if failure and self.loss(with_free(free)) <= DIVERGED_ABOVE:
            raise IntegrationFailed(
                f"gradient flow could not be integrated: {failure} "
                "Try a larger optimizer.atol or rtol, a shorter time, or more steps (waypoints)."
            )
        return with_free(free)

    def _integrate(
        self, velocity: Velocity, start: np.ndarray, time: float
    ) -> tuple[np.ndarray, str]:
        """The free parameters after ``time``, and a message if the integration failed, else ''."""
        tolerances = {"rtol": self._rtol, "atol": self._atol}
        path, report = odeint(
            velocity,
            start,
            (0.0, time),
            tfirst=True,
            mxstep=MAX_INNER_STEPS,
            full_output=True,
            **tolerances,
        )
        if report["message"] == "Integration successful.":
            return path[-1], ""
        calls, most = 0, MAX_STIFF_CALLS + 100 * len(start)

        def counted(at: float, free: np.ndarray) -> np.ndarray:
            nonlocal calls
            calls += 1
            if calls > most:
                raise _TooManyCalls(f"it took more than {most} gradients to a waypoint.")
            return velocity(at, free)

        try:
            solution = solve_ivp(counted, (0.0, time), start, "Radau", t_eval=(time,), **tolerances)
        except _TooManyCalls as error:
            return path[-1], str(error)
        except ValueError as error:  # Radau's matrices are not finite
            return np.full_like(start, np.nan), f"{error}."
        return (solution.y[:, -1], "") if solution.success else (path[-1], solution.message)


class FlowStepper:
    """See :class:`core.training.stepper.Stepper`. A step goes from one waypoint to the next.

    The integrator restarts at each waypoint, so slices and checkpoints make no difference.
    """

    def __init__(self, optimizer: GradientFlow, flow: Flow) -> None:
        """For the flow of the spec's students."""
        self._flow = flow
        self._waypoints = training_time(optimizer, np.arange(optimizer.steps + 1))
        self._below, self._more_steps = optimizer.stop_below, optimizer.more_steps

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        for _ in range(steps):
            batch = self.check(batch)
            running = np.flatnonzero((batch.status == RUNNING).cpu().numpy())
            if not len(running):
                return batch
            parameters, done = batch.parameters.clone(), batch.steps.clone()
            for seed in running.tolist():
                start, end = self._waypoints[int(done[seed]) : int(done[seed]) + 2]
                theta = self._flow.integrate(_float64(parameters[seed]), end - start)
                parameters[seed] = torch.from_numpy(theta)
                done[seed] += 1
            batch = replace(batch, parameters=parameters, steps=done)
        return batch

    def check(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        loss = torch.tensor(
            [self._flow.loss(_float64(theta)) for theta in batch.parameters],
            device=batch.steps.device,
        )
        until = stop_step(loss, batch.steps, batch.until, self._below, self._more_steps)
        return with_status(batch, loss, until)


def _float64(theta: torch.Tensor) -> np.ndarray:
    return theta.double().cpu().numpy()
