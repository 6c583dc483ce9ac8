"""Products of the loss's Hessian with a direction (V_A, V_B, V_C), in closed form.

With H_s = A^s B, e_j = C H_j - ĥ_j and v = 2 M e, the gradient is

    Λ_s = Cᵀ v_s + Aᵀ Λ_{s+1},   dB = Λ_0,   dC = Σ_s v_s H_sᵀ,   dA = Σ_s Λ_{s+1} H_sᵀ

and its derivative along the direction, which is the product, is

    H'_0 = V_B,   H'_{s+1} = A H'_s + V_A H_s,   e'_s = C H'_s + V_C H_s,   v' = 2 M e'
    Λ'_s = Cᵀ v'_s + V_Cᵀ v_s + Aᵀ Λ'_{s+1} + V_Aᵀ Λ_{s+1}
    dB' = Λ'_0,   dC' = Σ_s v'_s H_sᵀ + v_s H'_sᵀ,   dA' = Σ_s Λ'_{s+1} H_sᵀ + Λ_{s+1} H'_sᵀ.

This takes 2k products with A and four matrix products, O(k d²). With v = 0 it is the Gauss-Newton
Hessian 2 Jᵀ M J, which is what remains where the student fits. Directions are those of training:
V_A symmetric or diagonal as A is, V_C = V_Bᵀ for a tied student, and scaled by R^½ with factors R
on the learning rate, since GD is plain GD in R^-½ θ.
"""

import copy
import math

import numpy as np

from core.losses import Target
from core.shapes import Bool, Float64
from core.spec import LinearStudent, Rates
from core.systems import LinearSystem, controllability_columns


class Hessians:
    """R^½ ∇²L R^½ of N students over their trained parameters, or its Gauss-Newton part."""

    def __init__(
        self,
        systems: LinearSystem,
        student: LinearStudent,
        target: Target,
        rates: Rates,
        *,
        gauss_newton: bool,
    ) -> None:
        """For students with one batch axis.

        Args:
            systems: The parameters, (N, ...).
            student: Their structure and trained parameters.
            target: The teacher's response and the loss matrix.
            rates: Factors on the learning rate. A tied student's shared vector has B's.
            gauss_newton: Whether to leave out the curvature of the response itself.
        """
        self._target, self._student, self._rates = target, student, rates
        self._A, self._C = systems.A, systems.C
        self._m = systems.B.shape[-1]
        # Rows of lag, then of input, so that products over all lags are one.
        self._H = _rows(controllability_columns(systems, target.length).swapaxes(-1, -2))
        self._v = self._adjoint = None
        if not gauss_newton:
            response = _rows(target.taught.swapaxes(-1, -2))
            self._v = 2 * self._over_lags(self._H @ self._C.mT - response)
            self._adjoint = self._v @ self._C
            self._accumulate(self._adjoint)

    def keep(self, kept: Bool[np.ndarray, " N"]) -> "Hessians":
        """The Hessians that ``kept`` marks."""
        if kept.all():
            return self
        result = copy.copy(self)
        for name in ("_A", "_C", "_H", "_v", "_adjoint"):
            array = getattr(self, name)
            setattr(result, name, None if array is None else array[kept])
        return result

    def start(self) -> Float64[np.ndarray, "N n"]:
        """Directions with a part along every one that is trained, the same at every call."""
        count, d, p = self._C.shape[0], self._C.shape[-1], self._C.shape[-2]
        sizes = np.cumsum([d * d, d * self._m, p * d])
        V_A, V_B, V_C = np.split(np.cos(np.arange(1.0, sizes[-1] + 1) ** 2), sizes[:-1])
        parts = V_A.reshape(1, d, d), V_B.reshape(1, d, -1), V_C.reshape(1, p, d)
        return np.repeat(self._flat(*parts), count, axis=0)

    def __matmul__(self, directions: Float64[np.ndarray, "N n"]) -> Float64[np.ndarray, "N n"]:
        """The products with ``directions``: the trained ones of A, B and C, each by rows."""
        A, C, H, m = self._A, self._C, self._H, self._m
        V_A, V_B, V_C = self._parts(directions)
        H1 = np.empty_like(H)
        H1[:, :m] = V_B.mT
        H1[:, m:] = H[:, :-m] @ V_A.mT
        for row in range(m, H.shape[1], m):
            H1[:, row : row + m] += H1[:, row - m : row] @ A.mT
        v1 = 2 * self._over_lags(H1 @ C.mT + H @ V_C.mT)
        adjoint1 = v1 @ C
        if self._v is not None and self._adjoint is not None:
            adjoint1 += self._v @ V_C
            adjoint1[:, :-m] += self._adjoint[:, m:] @ V_A
        self._accumulate(adjoint1)
        dC = v1.mT @ H
        dA = adjoint1[:, m:].mT @ H[:, :-m]
        if self._v is not None and self._adjoint is not None:
            dC += self._v.mT @ H1
            dA += self._adjoint[:, m:].mT @ H1[:, :-m]
        return self._flat(dA, adjoint1[:, :m].mT, dC)

    def _accumulate(self, rows: np.ndarray) -> None:
        """Adds Aᵀ Λ_{s+1} to each Λ_s, in place, from the last lag to the first."""
        m = self._m
        for row in range(rows.shape[1] - 2 * m, -1, -m):
            rows[:, row : row + m] += rows[:, row + m : row + 2 * m] @ self._A

    def _over_lags(self, rows: np.ndarray) -> np.ndarray:
        """Σ_l M_jl x_l for the rows x of each lag."""
        by_lag = rows.reshape(len(rows), self._target.length, -1)
        return (self._target.M @ by_lag).reshape(rows.shape)

    def _flat(
        self, V_A: np.ndarray, V_B: np.ndarray, V_C: np.ndarray
    ) -> Float64[np.ndarray, "N n"]:
        """Projects onto the directions of training, scales by R^½, and joins the trained parts."""
        student = self._student
        if student.structure == "diagonal":
            V_A = np.diagonal(V_A, axis1=-2, axis2=-1)
        elif student.structure == "symmetric":
            V_A = (V_A + V_A.mT) / 2
        parts = {"A": V_A, "B": V_B + V_C.mT} if student.tied else {"A": V_A, "B": V_B, "C": V_C}
        trained = [
            np.sqrt(getattr(self._rates, name)) * part.reshape(len(part), -1)
            for name, part in parts.items()
            if name in student.trained
        ]
        return np.concatenate(trained, axis=1)

    def _parts(
        self, directions: Float64[np.ndarray, "N n"]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """V_A, V_B and V_C, scaled by R^½, of directions that :meth:`_flat` made."""
        student, count, d, p = self._student, len(directions), self._C.shape[-1], self._C.shape[-2]
        diagonal = student.structure == "diagonal"
        shapes = {"A": (d,) if diagonal else (d, d), "B": (d, self._m), "C": (p, d)}
        parts = {name: np.zeros((count, *shape)) for name, shape in shapes.items()}
        done = 0
        for name, shape in shapes.items():
            if name in student.trained and not (student.tied and name == "C"):
                size = math.prod(shape)
                part = np.sqrt(getattr(self._rates, name)) * directions[:, done : done + size]
                parts[name] = part.reshape(count, *shape)
                done += size
        if diagonal:
            parts["A"] = parts["A"][:, :, None] * np.eye(d)
        if student.tied:
            parts["C"] = parts["B"].mT
        return parts["A"], parts["B"], parts["C"]


def _rows(lags: np.ndarray) -> np.ndarray:
    """(..., k, m, n) as (..., k m, n)."""
    return lags.reshape(*lags.shape[:-3], -1, lags.shape[-1])
