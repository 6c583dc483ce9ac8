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

import numpy as np

from core.losses import LossMatrix, Target
from core.shapes import Float64
from core.spec import LinearStudent, Rates
from core.systems import LinearSystem, controllability_columns


class Hessian:
    """R^½ ∇²L R^½ of one student over its trained parameters, or its Gauss-Newton part."""

    def __init__(
        self,
        system: LinearSystem,
        student: LinearStudent,
        target: Target,
        rates: Rates,
        *,
        gauss_newton: bool,
    ) -> None:
        """For one student, without batch axes.

        Args:
            system: The parameters.
            student: Its structure and trained parameters.
            target: The teacher's response and the loss matrix.
            rates: Factors on the learning rate. A tied student's shared vector has B's.
            gauss_newton: Whether to leave out the curvature of the response itself.
        """
        self._A, self._C, self._M = system.A, system.C, target.M
        self._student, self._rates = student, rates
        k = target.length
        self._d, self._m, self._p = len(system.A), system.B.shape[1], len(system.C)
        # Rows of time, then of input: (k, m, d), so that products over all times are one.
        self._H = np.ascontiguousarray(controllability_columns(system, k).swapaxes(1, 2))
        self._v: np.ndarray | None = None
        if not gauss_newton:
            error = self._H @ system.C.T - target.response[:k].swapaxes(1, 2)
            self._v = 2 * _over_lags(target.M, error)
            self._adjoint = self._v @ system.C
            for s in range(k - 2, -1, -1):
                self._adjoint[s] += self._adjoint[s + 1] @ system.A

    def start(self) -> Float64[np.ndarray, " n"]:
        """A direction with a part along every one that is trained, the same at every call."""
        d, m, p = self._d, self._m, self._p
        pseudorandom = np.cos(np.arange(1.0, d * d + d * m + p * d + 1) ** 2)
        V_A, V_B, V_C = np.split(pseudorandom, [d * d, d * d + d * m])
        return self._flat(V_A.reshape(d, d), V_B.reshape(d, m), V_C.reshape(p, d))

    def __matmul__(self, direction: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """The product with ``direction``: the trained ones of A, B and C, each by rows."""
        A, C, H, v = self._A, self._C, self._H, self._v
        k, m, d = H.shape
        V_A, V_B, V_C = self._parts(direction)
        pushed = H @ V_A.T
        H1 = np.empty_like(H)
        H1[0] = V_B.T
        for s in range(k - 1):
            np.matmul(H1[s], A.T, out=H1[s + 1])
            H1[s + 1] += pushed[s]
        v1 = 2 * _over_lags(self._M, H1 @ C.T + H @ V_C.T)
        adjoint1 = v1 @ C
        if v is not None:
            adjoint1 += v @ V_C
            adjoint1[:-1] += self._adjoint[1:] @ V_A
        for s in range(k - 2, -1, -1):
            adjoint1[s] += adjoint1[s + 1] @ A
        dC = v1.reshape(k * m, -1).T @ H.reshape(k * m, d)
        dA = adjoint1[1:].reshape(-1, d).T @ H[:-1].reshape(-1, d)
        if v is not None:
            dC += v.reshape(k * m, -1).T @ H1.reshape(k * m, d)
            dA += self._adjoint[1:].reshape(-1, d).T @ H1[:-1].reshape(-1, d)
        return self._flat(dA, adjoint1[0].T, dC)

    def _flat(self, V_A: np.ndarray, V_B: np.ndarray, V_C: np.ndarray) -> Float64[np.ndarray, " n"]:
        """Projects onto the directions of training, scales by R^½, and joins the trained parts."""
        student, parts = self._student, dict[str, np.ndarray]()
        if student.structure == "diagonal":
            V_A = np.diagonal(V_A)
        elif student.structure == "symmetric":
            V_A = (V_A + V_A.T) / 2
        parts = {"A": V_A, "B": V_B + V_C.T} if student.tied else {"A": V_A, "B": V_B, "C": V_C}
        trained = [
            np.sqrt(getattr(self._rates, name)) * part.ravel()
            for name, part in parts.items()
            if name in student.trained
        ]
        return np.concatenate(trained)

    def _parts(
        self, direction: Float64[np.ndarray, " n"]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """V_A, V_B and V_C, scaled by R^½, of a direction that :meth:`_flat` made."""
        student, d, m, p = self._student, self._d, self._m, self._p
        diagonal = student.structure == "diagonal"
        shapes = {"A": (d,) if diagonal else (d, d), "B": (d, m), "C": (p, d)}
        if student.tied:
            del shapes["C"]
        parts, done = {"A": np.zeros((d, d)), "B": np.zeros((d, m)), "C": np.zeros((p, d))}, 0
        for name, shape in shapes.items():
            if name in student.trained:
                size = int(np.prod(shape))
                part = np.sqrt(getattr(self._rates, name)) * direction[done : done + size]
                parts[name] = np.diag(part) if len(shape) == 1 else part.reshape(shape)
                done += size
        if student.tied:
            parts["C"] = parts["B"].T
        return parts["A"], parts["B"], parts["C"]


def _over_lags(M: LossMatrix, values: np.ndarray) -> np.ndarray:
    """Σ_l M_jl x_l for x of shape (k, m, p)."""
    return (M @ values.reshape(len(M), -1)).reshape(values.shape)
