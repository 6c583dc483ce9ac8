"""Starts of linear students: the initial parameters, one set per seed.

A generator of the seed alone draws them, always A, then B, then C, in float64; a student of another
dtype rounds them. The same seed with another scale is the same draw, scaled. A tied student's C is
Bᵀ for every start.
"""

from __future__ import annotations  # NumPy loads its generators when they are named

from collections.abc import Callable, Mapping
from typing import assert_never

import numpy as np

from core.errors import Problem, SpecError
from core.spec import (
    CounterexampleStart,
    DefaultStart,
    ExplicitStart,
    FromExperimentStart,
    GaussianStart,
    IdentityStart,
    LinearStudent,
    WarmStart,
    WideStart,
)
from core.systems import LinearSystem


def start(
    student: LinearStudent,
    seed: int,
    inputs: int,
    outputs: int,
    *,
    initial_parameters: Mapping[str, np.ndarray] | None = None,
    teacher_response: np.ndarray | None = None,
) -> LinearSystem:
    """The start of a seed: A d x d, B d x m, C p x d.

    Args:
        student: The student.
        seed: Draws the start.
        inputs: m.
        outputs: p.
        initial_parameters: For a ``from_experiment`` start, the parameters by name.
        teacher_response: For a ``counterexample`` start, the teacher's ĥ_0 .. ĥ_k, (k + 1,).

    Raises:
        ValueError: The start needs initial parameters, or a response, that are not given.
        SpecError: The initial parameters have other shapes or another structure.
    """
    match student.start:
        case CounterexampleStart(beyond=beyond):
            if teacher_response is None:
                raise ValueError("a counterexample start needs the teacher's response")
            generator = np.random.default_rng(seed)
            system = _counterexample(student.dim, beyond, teacher_response, generator)
        case FromExperimentStart():
            system = _from_experiment(student, inputs, outputs, initial_parameters)
        case ExplicitStart(A=A, B=B, C=C):
            system = _explicit(
                student, np.array(A), np.array(B), None if C is None else np.array(C)
            )
        case WarmStart():
            system = _warm(student.dim, student.start, seed)
        case _:
            system = _drawn(student, student.start, inputs, outputs, np.random.default_rng(seed))
    return LinearSystem(system.A, system.B, system.B.T) if student.tied else system


def matching_parameters(
    initial_parameters: Mapping[str, np.ndarray] | None, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The initial parameters of a ``from_experiment`` start, in float64.

    Raises:
        ValueError: No initial parameters are given.
        SpecError: A parameter is missing or has another shape.
    """
    if initial_parameters is None:
        raise ValueError("a from_experiment start needs initial parameters")
    for name, shape in shapes.items():
        if name not in initial_parameters:
            raise _incompatible(f"it has no {name}, this student's has shape {shape}")
        initial_shape = np.shape(initial_parameters[name])
        if initial_shape != shape:
            raise _incompatible(
                f"its {name} has shape {initial_shape}, this student's has shape {shape}"
            )
    return {name: np.array(initial_parameters[name], dtype=float) for name in shapes}


def _from_experiment(
    student: LinearStudent,
    inputs: int,
    outputs: int,
    initial_parameters: Mapping[str, np.ndarray] | None,
) -> LinearSystem:
    d = student.dim
    shapes = {"A": (d, d), "B": (d, inputs), "C": (outputs, d)}
    A, B, C = matching_parameters(initial_parameters, shapes).values()
    if student.structure == "symmetric" and not np.allclose(A, A.T):
        raise _incompatible("its A is not symmetric, this student's is")
    if student.structure == "diagonal" and np.count_nonzero(A - np.diag(np.diagonal(A))):
        raise _incompatible("its A is not diagonal, this student's is")
    if student.tied and not np.allclose(B, C.T):
        raise _incompatible("its B and C are not each other's transposes, this student is tied")
    return LinearSystem(_structured(A, student), B, C)


def _incompatible(reason: str) -> SpecError:
    message = f"training can't continue from that experiment: {reason}"
    return SpecError([Problem("/student/start/id", "cannot_go_on", message)])


def _drawn(
    student: LinearStudent,
    law: GaussianStart | IdentityStart | WideStart | DefaultStart,
    inputs: int,
    outputs: int,
    generator: np.random.Generator,
) -> LinearSystem:
    """Independent entries: A, then B, then C.

    The default is uniform on [-1/√d, 1/√d], as ``torch.nn.RNN`` starts.
    """
    d, root, balanced = student.dim, np.sqrt(student.dim), False
    draw: Callable[[tuple[int, ...]], np.ndarray] = generator.standard_normal
    match law:
        case GaussianStart(scale=scale):
            A, balanced = scale * _matrix(student, draw, root), law.balanced
            b, c = scale / root, scale / root
        case IdentityStart(scale=scale):
            A, balanced = scale * np.eye(d), law.balanced
            b, c = 1 / root, 1 / root
        case WideStart():
            A = np.sqrt(law.variance_a) * _matrix(student, draw, root)
            b, c = np.sqrt(law.variance_b), np.sqrt(law.variance_c / d)
        case DefaultStart():
            draw = lambda shape: generator.uniform(-1 / root, 1 / root, shape)  # noqa: E731  # another law, same use
            A, b, c = _matrix(student, draw, 1.0), 1.0, 1.0
        case _:
            assert_never(law)
    B = b * draw((d, inputs))
    return LinearSystem(A, B, B.T if balanced else c * draw((outputs, d)))


def _matrix(
    student: LinearStudent, draw: Callable[[tuple[int, ...]], np.ndarray], root: float
) -> np.ndarray:
    """A diagonal of draws, or d x d draws over ``root``, symmetrised for a symmetric student."""
    if student.structure == "diagonal":
        return np.diag(draw((student.dim,)))
    return _structured(draw((student.dim, student.dim)) / root, student)


def _explicit(
    student: LinearStudent, A: np.ndarray, B: np.ndarray, C: np.ndarray | None
) -> LinearSystem:
    return LinearSystem(_structured(A, student), B, B.T if C is None else C)


def _warm(d: int, law: WarmStart, seed: int) -> LinearSystem:
    """Falling |draws| with a gap after the first: a, then b, then c, which can be as drawn.

    Source: the public code of Slutzky et al. (2025).
    """
    if law.generator == "mt19937":
        generator: np.random.Generator | np.random.RandomState = np.random.RandomState(seed % 2**32)
    else:
        generator = np.random.default_rng(seed)
    draw = generator.standard_normal if law.distribution == "gaussian" else generator.random

    def falling(scale: float, gap: float) -> np.ndarray:
        values = scale * np.sort(np.abs(draw(d)))[::-1]
        values[1:2] = values[:1] - gap if d > 1 else values[1:2]
        return values

    a = falling(law.scale, law.gap) + law.warm
    if law.fixed is not None:
        b = c = np.full(d, law.fixed)
    else:
        b = falling(law.scale_bc, law.gap_bc) + law.warm
        c = falling(law.scale_bc, law.gap_bc) if law.sort_c else law.scale_bc * np.abs(draw(d))
    return LinearSystem(np.diag(a), b[:, None], c[None, :])


def _counterexample(
    dim: int, beyond: float, teacher_response: np.ndarray, generator: np.random.Generator
) -> LinearSystem:
    """A system with h_j = ĥ_j for j < k and h_k = ĥ_k + ``beyond``, by k + 1 real poles.

    It shows that no training length is enough by itself.

    The poles are cos((i + 1/2 + u_i) π / (k + 1)), the Chebyshev nodes of [-1, 1] with each angle
    moved by u_i, uniform on [-1/4, 1/4]. Their weights solve Σ_i w_i μ_i^j = h_j, j <= k, a square
    Vandermonde system, and B_i = sign(w_i) √|w_i|, C_i = √|w_i|; the other d - k - 1 states are 0.

    Σ|w_i| grows as ``beyond`` 2^(k-1), by the extremal property of the Chebyshev polynomials, so
    rounding leaves errors of about 2^(k-53) ``beyond`` within the length. Source: Cohen-Karlik et
    al. (2023), the negative result.

    Args:
        dim: d > k.
        beyond: The error of h_k.
        teacher_response: ĥ_0 .. ĥ_k.
        generator: Draws u.
    """
    count = len(teacher_response)
    response = teacher_response.astype(np.longdouble)
    response[-1] += beyond
    poles = np.cos((np.arange(count) + 0.5 + generator.uniform(-0.25, 0.25, count)) * np.pi / count)
    powers = poles.astype(np.longdouble) ** np.arange(count)[:, None]
    powers_in_double = powers.astype(float)
    weights = np.zeros(count, dtype=np.longdouble)
    for _ in range(3):  # a solution and two refinements by residuals in extended precision
        weights += np.linalg.solve(powers_in_double, (response - powers @ weights).astype(float))
    root = np.sqrt(np.abs(weights)).astype(float)
    B, C, A = np.zeros((dim, 1)), np.zeros((1, dim)), np.zeros(dim)
    A[:count], B[:count, 0], C[0, :count] = poles, np.sign(weights).astype(float) * root, root
    return LinearSystem(np.diag(A), B, C)


def _structured(A: np.ndarray, student: LinearStudent) -> np.ndarray:
    return (A + A.T) / 2 if student.structure == "symmetric" else A
