"""Teachers: builds the matrices that a spec describes.

A symmetric teacher is given in its eigenbasis. No generality is lost: any rotation of the state
leaves the response unchanged, and a Gaussian B or C keeps its law.
"""

from typing import assert_never

import numpy as np

from core.spec import (
    BalancedTeacher,
    DelayTeacher,
    ExplicitTeacher,
    LinearTeacher,
    ListedEigenvalues,
    MemorylessTeacher,
    RandomTeacher,
    RotationTeacher,
    UnbalancedTeacher,
)
from core.systems import LinearSystem


def build(teacher: LinearTeacher) -> LinearSystem:
    """The teacher's matrices A d x d, B d x m, C p x d, in float64, without its readout."""
    match teacher:
        case BalancedTeacher() | UnbalancedTeacher():
            return _symmetric(teacher)
        case MemorylessTeacher():
            return _one_channel(np.zeros((1, 1)), np.ones(1), np.array([teacher.gain]))
        case DelayTeacher():
            states = teacher.lag + 1
            return _one_channel(np.eye(states, k=-1), np.eye(states)[0], np.eye(states)[-1])
        case RotationTeacher():
            cos, sin = np.cos(teacher.angle), np.sin(teacher.angle)
            A = teacher.radius * np.array([[cos, -sin], [sin, cos]])
            return _one_channel(A, np.eye(2)[0], np.eye(2)[0])
        case RandomTeacher():
            return _random(teacher)
        case ExplicitTeacher():
            return LinearSystem(np.array(teacher.A), np.array(teacher.B), np.array(teacher.C))
        case _:
            assert_never(teacher)


def _one_channel(A: np.ndarray, b: np.ndarray, c: np.ndarray) -> LinearSystem:
    return LinearSystem(A, b[:, None], c[None, :])


def _symmetric(teacher: BalancedTeacher | UnbalancedTeacher) -> LinearSystem:
    """A = diag(λ).

    With weights w, B_i = sign(w_i) √|w_i| and C_i = √|w_i|; without them, B and C are random unit
    vectors.
    """
    generator = np.random.default_rng(teacher.seed)
    if isinstance(teacher.eigenvalues, ListedEigenvalues):
        poles = np.array(teacher.eigenvalues.values)
    else:
        poles = generator.uniform(teacher.eigenvalues.low, teacher.eigenvalues.high, teacher.dim)
    if teacher.weights is not None:
        weights = np.array(teacher.weights)
        root = np.sqrt(np.abs(weights))
        return _one_channel(np.diag(poles), np.sign(weights) * root, root)
    b = _unit_vector(generator, teacher.dim)
    c = b if isinstance(teacher, BalancedTeacher) else _unit_vector(generator, teacher.dim)
    return _one_channel(np.diag(poles), b, c)


def _random(teacher: RandomTeacher) -> LinearSystem:
    generator = np.random.default_rng(teacher.seed)
    A = generator.standard_normal((teacher.dim, teacher.dim))
    A *= teacher.spectral_radius / np.abs(np.linalg.eigvals(A)).max()
    b, c = _unit_vector(generator, teacher.dim), _unit_vector(generator, teacher.dim)
    return _one_channel(A, b, c)


def _unit_vector(generator: np.random.Generator, dim: int) -> np.ndarray:
    vector = generator.standard_normal(dim)
    return vector / np.linalg.norm(vector)
