"""Teachers: builds the matrices that a spec describes.

A symmetric teacher is given in its eigenbasis. No generality is lost: any rotation of the state
leaves the response unchanged, and a Gaussian B or C keeps its law.
"""

from __future__ import annotations  # NumPy loads its generators when they are named

from collections.abc import Sequence
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
    eigenvalues = teacher.eigenvalues
    if isinstance(eigenvalues, ListedEigenvalues) and teacher.weights is not None:
        return _weighted(np.array(eigenvalues.values), teacher.weights)  # nothing is drawn
    generator = np.random.default_rng(teacher.seed)
    if isinstance(eigenvalues, ListedEigenvalues):
        poles = np.array(eigenvalues.values)
    else:
        poles = generator.uniform(eigenvalues.low, eigenvalues.high, teacher.dim)
    if teacher.weights is not None:
        return _weighted(poles, teacher.weights)
    b = _unit_vector(generator, teacher.dim)
    c = b if isinstance(teacher, BalancedTeacher) else _unit_vector(generator, teacher.dim)
    return _one_channel(np.diag(poles), b, c)


def _weighted(poles: np.ndarray, given: Sequence[float]) -> LinearSystem:
    weights = np.array(given)
    root = np.sqrt(np.abs(weights))
    return _one_channel(np.diag(poles), np.sign(weights) * root, root)


def _random(teacher: RandomTeacher) -> LinearSystem:
    generator = np.random.default_rng(teacher.seed)
    A = generator.standard_normal((teacher.dim, teacher.dim))
    A *= teacher.spectral_radius / np.abs(np.linalg.eigvals(A)).max()
    b, c = _unit_vector(generator, teacher.dim), _unit_vector(generator, teacher.dim)
    return _one_channel(A, b, c)


def _unit_vector(generator: np.random.Generator, dim: int) -> np.ndarray:
    vector = generator.standard_normal(dim)
    return vector / np.linalg.norm(vector)
