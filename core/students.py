"""Students built: where training starts, one start per seed.

A start is drawn from a generator of the seed alone, always A, then B, then C, in float64; a student of other dtype
rounds it. The same seed with another scale is the same draw, scaled.
"""

from typing import assert_never

import numpy as np

from core.spec import ExplicitStart, GaussianStart, IdentityStart, LinearStudent
from core.systems import LinearSystem


def start(student: LinearStudent, seed: int, inputs: int, outputs: int) -> LinearSystem:
    """The parameters that ``seed`` starts from: A d x d, B d x m, C p x d with m ``inputs`` and p ``outputs``."""
    d, where = student.dim, student.start
    if isinstance(where, ExplicitStart):
        B = np.array(where.B)
        return LinearSystem(_structured(np.array(where.A), student), B, B.T if where.C is None else np.array(where.C))
    generator = np.random.default_rng(seed)
    match where:
        case GaussianStart():
            A, scale = _gaussian(student, generator) * where.scale, where.scale / np.sqrt(d)
        case IdentityStart():
            A, scale = where.scale * np.eye(d), 1 / np.sqrt(d)
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


def _structured(A: np.ndarray, student: LinearStudent) -> np.ndarray:
    return (A + A.T) / 2 if student.structure == "symmetric" else A
