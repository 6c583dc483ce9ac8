"""The quantity that gradient flow conserves, and a student's drift from it (of order lr for GD).

h_j = C A^j B does not change under A -> T A T⁻¹, B -> T B, C -> C T⁻¹. By Noether's argument, every
loss of the h_j therefore conserves one quantity for every T that the structure allows:

    general     A Aᵀ - Aᵀ A + B Bᵀ - Cᵀ C     (T any matrix; d x d numbers)
    diagonal    |B_i|² - |C_i|² of each i      (T diagonal; row i of B, column i of C)
    symmetric   |B|² - |C|²                    (T a multiple of I)

With rates r_A, r_B, r_C on the learning rate the terms are divided by them. If only B and C are
trained, a general student conserves the last quantity. A tied student has no such freedom, and no
drift.
"""

import numpy as np

from core.shapes import Float64
from core.spec import LinearStudent, Rates
from core.systems import LinearSystem

_AS_GIVEN = Rates()


def invariant_drift(
    system: LinearSystem, start: LinearSystem, student: LinearStudent, rates: Rates = _AS_GIVEN
) -> Float64[np.ndarray, "..."]:
    """Distance (Frobenius) of the conserved quantity from its value at the start, shape (...).

    0 for a tied student; NaN if B or C is not trained, since then nothing is conserved.
    """
    if student.tied:
        return np.zeros(system.A.shape[:-2])
    trained = {name for name in student.trained if getattr(rates, name) > 0}
    if not {"B", "C"} <= trained:
        return np.full(system.A.shape[:-2], np.nan)
    now, then = (
        _conserved(state, student, rates, trains_A="A" in trained) for state in (system, start)
    )
    return np.asarray(np.linalg.norm(now - then, axis=(-2, -1)))


def _conserved(
    system: LinearSystem, student: LinearStudent, rates: Rates, *, trains_A: bool
) -> np.ndarray:
    """The conserved quantity, of shape (..., d, d), (..., d, 1) or (..., 1, 1)."""
    A, B, C = system.A, system.B / np.sqrt(rates.B), system.C.swapaxes(-1, -2) / np.sqrt(rates.C)
    if student.structure == "general" and trains_A:
        AT = A.swapaxes(-1, -2)
        return (A @ AT - AT @ A) / rates.A + B @ B.swapaxes(-1, -2) - C @ C.swapaxes(-1, -2)
    axes = -1 if student.structure == "diagonal" else (-2, -1)
    return (B**2).sum(axis=axes, keepdims=True) - (C**2).sum(axis=axes, keepdims=True)
