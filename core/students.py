"""Students built: where training starts, one start per seed.

A start is drawn from a generator of the seed alone, always A, then B, then C, in float64; a student
of other dtype rounds it. The same seed with another scale is the same draw, scaled. A tied
student's C is Bᵀ, whatever the start says.
"""

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
    inherited: Mapping[str, np.ndarray] | None = None,
    fits: np.ndarray | None = None,
) -> LinearSystem:
    """The parameters that ``seed`` starts from: A d x d, B d x m, C p x d with m ``inputs`` and p ``outputs``.

    Args:
        student: What starts.
        seed: Draws the start.
        inputs: m.
        outputs: p.
        inherited: The parameters that a ``from_experiment`` start begins with, by name.
        fits: The teacher's ĥ_0 .. ĥ_k, (k + 1,), of which a ``counterexample`` start fits all but
            the last.

    Raises:
        SpecError: The experiment that the start goes on from has parameters of other shapes, or
            another structure.
    """
    match student.start:
        case CounterexampleStart(beyond=beyond):
            if fits is None:
                raise ValueError("a counterexample start needs the teacher's response")
            system = _counterexample(student.dim, beyond, fits, np.random.default_rng(seed))
        case FromExperimentStart():
            system = _inherited(student, inputs, outputs, inherited)
        case ExplicitStart(A=A, B=B, C=C):
            system = _explicit(
                student, np.array(A), np.array(B), None if C is None else np.array(C)
            )
        case WarmStart():
            system = _warm(student.dim, student.start, seed)
        case _:
            system = _drawn(student, student.start, inputs, outputs, np.random.default_rng(seed))
    return LinearSystem(system.A, system.B, system.B.T) if student.tied else system


def _drawn(
    student: LinearStudent,
    where: GaussianStart | IdentityStart | WideStart | DefaultStart,
    inputs: int,
    outputs: int,
    generator: np.random.Generator,
) -> LinearSystem:
    """Independent entries: A, then B, then C.

    The default is uniform on [-1/√d, 1/√d], as ``torch.nn.RNN`` starts.
    """
    d, root, balanced = student.dim, np.sqrt(student.dim), False
    draw: Callable[[tuple[int, ...]], np.ndarray] = generator.standard_normal
    match where:
        case GaussianStart(scale=scale):
            A, b, c, balanced = (
                scale * _matrix(student, draw, root),
                scale / root,
                scale / root,
                where.balanced,
            )
        case IdentityStart(scale=scale):
            A, b, c, balanced = scale * np.eye(d), 1 / root, 1 / root, where.balanced
        case WideStart():
            A = np.sqrt(where.variance_a) * _matrix(student, draw, root)
            b, c = np.sqrt(where.variance_b), np.sqrt(where.variance_c / d)
        case DefaultStart():
            draw = lambda shape: generator.uniform(-1 / root, 1 / root, shape)  # noqa: E731  # another law, same use
            A, b, c = _matrix(student, draw, 1.0), 1.0, 1.0
        case _:
            assert_never(where)
    B = b * draw((d, inputs))
    return LinearSystem(A, B, B.T if balanced else c * draw((outputs, d)))


def _matrix(
    student: LinearStudent, draw: Callable[[tuple[int, ...]], np.ndarray], root: float
) -> np.ndarray:
    """A diagonal of draws, or a d x d matrix of draws over ``root``, made symmetric where the student is."""
    if student.structure == "diagonal":
        return np.diag(draw((student.dim,)))
    return _structured(draw((student.dim, student.dim)) / root, student)


def _explicit(
    student: LinearStudent, A: np.ndarray, B: np.ndarray, C: np.ndarray | None
) -> LinearSystem:
    return LinearSystem(_structured(A, student), B, B.T if C is None else C)


def _warm(d: int, where: WarmStart, seed: int) -> LinearSystem:
    """Falling |draws| with a gap after the first; a, then b, then c (Slutzky et al. 2025, public code)."""
    if where.generator == "mt19937":
        generator: np.random.Generator | np.random.RandomState = np.random.RandomState(seed % 2**32)
    else:
        generator = np.random.default_rng(seed)
    draw = generator.standard_normal if where.distribution == "gaussian" else generator.random

    def falling(scale: float, gap: float) -> np.ndarray:
        values = scale * np.sort(np.abs(draw(d)))[::-1]
        values[1:2] = values[:1] - gap if d > 1 else values[1:2]
        return values

    a = falling(where.scale, where.gap) + where.warm
    if where.fixed is not None:
        b = c = np.full(d, where.fixed)
    else:
        b, c = (
            falling(where.scale_bc, where.gap_bc) + where.warm,
            falling(where.scale_bc, where.gap_bc),
        )
    return LinearSystem(np.diag(a), b[:, None], c[None, :])


def _counterexample(
    dim: int, beyond: float, fits: np.ndarray, generator: np.random.Generator
) -> LinearSystem:
    """h_j = ĥ_j for j < k and h_k = ĥ_k + ``beyond``, with k + 1 real poles: no training length is enough by itself.

    The poles are cos((i + 1/2 + u_i) π / (k + 1)), the Chebyshev nodes of [-1, 1] with each angle
    moved by u_i, uniform on [-1/4, 1/4]. Their weights solve Σ_i w_i μ_i^j = h_j, j <= k, a square
    Vandermonde system, and B_i = sign(w_i) √|w_i|, C_i = √|w_i|; the other d - k - 1 states are 0.

    Σ|w_i| grows as ``beyond`` 2^(k-1), by the extremal property of the Chebyshev polynomials, so
    that rounding leaves errors of about 2^(k-53) ``beyond`` within the length. Source: Cohen-Karlik
    et al. (2023), the negative result.

    Args:
        dim: d > k.
        beyond: What h_k is off by.
        fits: ĥ_0 .. ĥ_k.
        generator: Draws u.
    """
    count = len(fits)
    wanted = fits.astype(np.longdouble)
    wanted[-1] += beyond
    poles = np.cos((np.arange(count) + 0.5 + generator.uniform(-0.25, 0.25, count)) * np.pi / count)
    powers = poles.astype(np.longdouble) ** np.arange(count)[:, None]
    coarse = powers.astype(float)
    weights = np.zeros(count, dtype=np.longdouble)
    for _ in range(
        3
    ):  # one solution and two refinements, whose residual is taken in extended precision
        weights += np.linalg.solve(coarse, (wanted - powers @ weights).astype(float))
    root = np.sqrt(np.abs(weights)).astype(float)
    B, C, A = np.zeros((dim, 1)), np.zeros((1, dim)), np.zeros(dim)
    A[:count], B[:count, 0], C[0, :count] = poles, np.sign(weights).astype(float) * root, root
    return LinearSystem(np.diag(A), B, C)


def _inherited(
    student: LinearStudent, inputs: int, outputs: int, inherited: Mapping[str, np.ndarray] | None
) -> LinearSystem:
    if inherited is None:
        raise ValueError("a from_experiment start needs the parameters that it begins with")
    shapes = {
        "A": (student.dim, student.dim),
        "B": (student.dim, inputs),
        "C": (outputs, student.dim),
    }
    found = {name: np.shape(inherited[name]) if name in inherited else () for name in shapes}
    for name, shape in shapes.items():
        if found[name] != shape:
            raise _cannot_go_on(f"its {name} has shape {found[name]}, this student's is {shape}")
    A, B, C = (np.array(inherited[name], dtype=float) for name in shapes)
    if student.structure == "symmetric" and not np.allclose(A, A.T):
        raise _cannot_go_on("its A is not symmetric, this student's is")
    if student.structure == "diagonal" and np.count_nonzero(A - np.diag(np.diagonal(A))):
        raise _cannot_go_on("its A is not diagonal, this student's is")
    if student.tied and not np.allclose(B, C.T):
        raise _cannot_go_on("its B and C are not each other's transposes, this student is tied")
    return LinearSystem(_structured(A, student), B, C)


def _cannot_go_on(why: str) -> SpecError:
    return SpecError(
        [
            Problem(
                "/student/start/id", "cannot_go_on", f"that experiment can't be gone on from: {why}"
            )
        ]
    )


def _structured(A: np.ndarray, student: LinearStudent) -> np.ndarray:
    return (A + A.T) / 2 if student.structure == "symmetric" else A
