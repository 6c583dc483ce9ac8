"""The cost of integrating a gradient flow, as orders of magnitude.

How many gradients an integrator takes depends on the flow. These are typical numbers: easy flows
take a fifth of them, very stiff ones many times as many.
"""

from core.spec import ExperimentSpec, GradientFlow, channels

_GRADIENTS, _GRADIENTS_PER_PARAMETER = 150, 1.5
"""Gradients from one waypoint to the next: steps, and a Jacobian by differences now and then."""

_CALL = 1.6e5
"""Operations that would take as long as a call of a gradient from SciPy."""

_DECOMPOSITIONS = 1.3
"""Operations of the LU decompositions to a waypoint, in units of n³."""

_JACOBIANS = 2
"""Copies of the Jacobian in memory."""

WAYPOINTS_OF_GD = 2
"""Waypoints whose cost is about that of a flow in one piece, as ``evaluation.flow`` takes it."""


def free_parameters(spec: ExperimentSpec) -> int:
    """The number n of parameters of a linear student that a flow integrates."""
    student, (m, p) = spec.linear_student, channels(spec.teacher)
    d = student.dim
    of_A = {"general": d * d, "symmetric": d * (d + 1) // 2, "diagonal": d}[student.structure]
    sizes = {"A": of_A, "B": d * m, "C": 0 if student.tied else p * d}
    return sum(size for name, size in sizes.items() if name in student.trained)


def waypoint_flop(spec: ExperimentSpec, gradient_flop: float) -> float:
    """Operations from one waypoint to the next, where a gradient takes ``gradient_flop``."""
    n = float(free_parameters(spec))
    gradients = _GRADIENTS + _GRADIENTS_PER_PARAMETER * n
    return gradients * (gradient_flop + _CALL) + _DECOMPOSITIONS * n**3


def flow_numbers(spec: ExperimentSpec) -> float:
    """Numbers in memory while a flow is integrated; 0 if none is."""
    is_flow = isinstance(spec.optimizer, GradientFlow) or spec.evaluation.flow
    return _JACOBIANS * float(free_parameters(spec)) ** 2 if is_flow else 0.0
