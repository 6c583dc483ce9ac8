"""Students built: where training starts, one start per seed.

A start is drawn from a generator of the seed alone, always A, then B, then C, in float64; a student of other dtype
rounds it. The same seed with another scale is the same draw, scaled.
"""

from collections.abc import Mapping
from typing import assert_never

import numpy as np

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
    student: LinearStudent, seed: int, inputs: int, outputs: int, inherited: Mapping[str, np.ndarray] | None = None
) -> LinearSystem:
    """The parameters that ``seed`` starts from: A d x d, B d x m, C p x d with m ``inputs`` and p ``outputs``.

    Args:
        student: What starts.
        seed: Draws the start.
        inputs: m.
        outputs: p.
        inherited: The parameters that a ``from_experiment`` start begins with.
    """
    d, where = student.dim, student.start
    if isinstance(where, ExplicitStart):
        B = np.array(where.B)
        return LinearSystem(_structured(np.array(where.A), student), B, B.T if where.C is None else np.array(where.C))
    if inherited is not None:
        return LinearSystem(*(np.asarray(inherited[name]) for name in ("A", "B", "C")))
    generator = np.random.default_rng(seed)
    if isinstance(where, WarmStart):
        return _warm(student, where, generator)
    if isinstance(where, DefaultStart):
        return _uniform(student, generator, inputs, outputs)
    match where:
        case GaussianStart():
            A, scale = _gaussian(student, generator) * where.scale, where.scale / np.sqrt(d)
        case IdentityStart():
            A, scale = where.scale * np.eye(d), 1 / np.sqrt(d)
        case WideStart():
            A = _gaussian(student, generator) * np.sqrt(where.variance_a)
            B = np.sqrt(where.variance_b) * generator.standard_normal((d, inputs))
            return LinearSystem(A, B, np.sqrt(where.variance_c / d) * generator.standard_normal((outputs, d)))
        case CounterexampleStart():
            raise NotImplementedError
        case FromExperimentStart():
            raise ValueError("a from_experiment start needs the parameters that it begins with")
        case _:
            assert_never(where)
    B = scale * generator.standard_normal((d, inputs))
    C = B.T if where.balanced or student.tied else scale * generator.standard_normal((outputs, d))
    return LinearSystem(A, B, C)


def _gaussian(student: LinearStudent, generator: np.random.Generator) -> np.ndarray:
    d = student.dim
    if student.structure == "diagonal":
        return np.diag(generator.standard_normal(d))
    return _structured(generator.standard_normal((d, d)) / np.sqrt(d), student)


def _uniform(student: LinearStudent, generator: np.random.Generator, inputs: int, outputs: int) -> LinearSystem:
    """Every entry uniform on [-1/√d, 1/√d], as ``torch.nn.RNN`` starts."""
    d, bound = student.dim, 1 / np.sqrt(student.dim)
    if student.structure == "diagonal":
        A = np.diag(generator.uniform(-bound, bound, d))
    else:
        A = _structured(generator.uniform(-bound, bound, (d, d)), student)
    B = generator.uniform(-bound, bound, (d, inputs))
    return LinearSystem(A, B, B.T if student.tied else generator.uniform(-bound, bound, (outputs, d)))


def _warm(student: LinearStudent, where: WarmStart, generator: np.random.Generator) -> LinearSystem:
    """Falling |draws| with a gap after the first; a, then b, then c."""

    def falling(scale: float, gap: float) -> np.ndarray:
        drawn = (
            generator.standard_normal(student.dim)
            if where.distribution == "gaussian"
            else generator.random(student.dim)
        )
        values = scale * np.sort(np.abs(drawn))[::-1]
        values[1:2] = values[:1] - gap if len(values) > 1 else values[1:2]
        return values

    a = falling(where.scale, where.gap) + where.warm
    if where.fixed is not None:
        b = c = np.full(student.dim, where.fixed)
    else:
        b, c = falling(where.scale_bc, where.gap_bc) + where.warm, falling(where.scale_bc, where.gap_bc)
    return LinearSystem(np.diag(a), b[:, None], b[None, :] if student.tied else c[None, :])


def _structured(A: np.ndarray, student: LinearStudent) -> np.ndarray:
    return (A + A.T) / 2 if student.structure == "symmetric" else A
