r"""Loss and gradient of linear students in closed form, a batch of seeds at once.

With G_r = C A^r, H_s = A^s B, e_j = C A^j B - ĥ_j and v = 2 M e:

    dB = Σ_j G_jᵀ v_j,   dC = Σ_j v_j H_jᵀ,   dA = Σ_{r+s+1<k} G_rᵀ v_{r+s+1} H_sᵀ

dA is Gᵀ E H with the block Hankel matrix E_rs = v_{r+s+1}. It takes 2k matrix-vector products and
two matrix products, O(k d² + k² d). Automatic differentiation of the recurrence would store and
revisit every step. At long lengths, dA is summed in O(k d²) by the adjoint states L_s:

    dA = Σ_{s<k-1} L_{s+1} H_sᵀ,   L_s = Cᵀ v_s + Aᵀ L_{s+1}

GD projects: (dA + dAᵀ)/2 for a symmetric A, the diagonal for a diagonal one, dB + dCᵀ for a tied
student.
"""

import torch

from core.cost import LONG_LENGTH
from core.losses import Target, as_rows
from core.training.layout import LinearLayout
from core.training.optimizers import sum_of_norms


def gradient_of(
    layout: LinearLayout, target: Target, dtype: torch.dtype, device: torch.device
) -> "DenseGradient | DiagonalGradient":
    """The gradient for the student's structure."""
    M = torch.tensor(as_rows(target.M).T, dtype=dtype, device=device)
    response = torch.tensor(target.taught, dtype=dtype, device=device)
    if layout.student.structure == "diagonal":
        return DiagonalGradient(layout, M, response)
    return DenseGradient(layout, M, response)


def _loss_and_v(M: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss (S,) and v = 2 M e (S, k, p, m) of errors e (S, k, p, m).

    A single column of M is its diagonal.
    """
    flat = error.flatten(2)
    weighted = M @ flat if len(M) == M.shape[1] else M * flat
    return (flat * weighted).sum((1, 2)), (2 * weighted).view_as(error)


class DenseGradient:
    """The gradient for a symmetric or general A."""

    def __init__(self, layout: LinearLayout, M: torch.Tensor, response: torch.Tensor) -> None:
        """For the training length k = ``len(M)`` and the teacher's ``response`` (k, p, m)."""
        self._layout, self._M, self._response = layout, M, response

    def __call__(
        self, flat: torch.Tensor, done: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss (S,) and its gradient (S, n) at ``flat`` (S, n), independent of ``done``."""
        del done
        student, views = self._layout.student, self._layout.views(flat)
        B = views["B"]
        G, H = self._rows(views["A"], B, views.get("C"))
        response = (G.flatten(1, 2) @ B).unflatten(1, self._response.shape[:2])
        loss, v = _loss_and_v(self._M, response - self._response)
        gradient = torch.zeros_like(flat)
        out = self._layout.views(gradient)
        if "A" in student.trained and len(self._M) > 1:
            dA = self._gradient_of_A(views["A"], G, H, v)
            out["A"].copy_((dA + dA.mT) / 2 if student.structure == "symmetric" else dA)
        if "B" in student.trained:
            torch.matmul(G.flatten(1, 2).mT, v.flatten(1, 2), out=out["B"])
        if "C" in student.trained:
            dC = v.transpose(1, 2).flatten(2) @ H.flatten(1, 2)
            if student.tied:
                out["B"].add_(dC.mT)
            else:
                out["C"].copy_(dC)
        return loss, gradient

    def _rows(
        self, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """G (S, k, p, d) and Hᵀ (S, k, m, d); for a symmetric A, one sequence of products."""
        symmetric = self._layout.student.structure == "symmetric"
        if symmetric and C is None:
            H = self._powers(B.mT, A)
            return H, H
        if symmetric and C is not None:
            both = self._powers(torch.cat([C, B.mT], 1), A)
            return both[:, :, : C.shape[1]], both[:, :, C.shape[1] :]
        return self._powers(B.mT if C is None else C, A), self._powers(B.mT, A.mT)

    def _powers(self, rows: torch.Tensor, A: torch.Tensor) -> torch.Tensor:
        """The rows times A^r for r < k, (S, k, rows, d)."""
        powers = [rows]
        for _ in range(len(self._M) - 1):
            powers.append(torch.bmm(powers[-1], A))
        return torch.stack(powers, 1)

    def _gradient_of_A(
        self, A: torch.Tensor, G: torch.Tensor, H: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        """Gᵀ E H, or by the adjoint states L_s."""
        size = len(self._M) - 1
        H_until_last = H[:, :size].flatten(1, 2)
        if len(self._M) < LONG_LENGTH:
            padded = torch.nn.functional.pad(v[:, 1:], (0, 0, 0, 0, 0, size - 1))
            E = padded.unfold(1, size, 1).permute(0, 1, 2, 4, 3).flatten(3).flatten(1, 2)
            return G[:, :size].flatten(1, 2).mT @ (E @ H_until_last)
        states = v.mT @ G[:, :1]
        for s in range(size - 1, 0, -1):
            states[:, s] += states[:, s + 1] @ A
        return states[:, 1:].flatten(1, 2).mT @ H_until_last


class DiagonalGradient:
    """The gradient for A = diag(a): h_j = C diag(a^j) B, da_n = Σ_j j a_n^{j-1} C_nᵀ v_j B_nᵀ.

    It takes O(k d).
    """

    def __init__(self, layout: LinearLayout, M: torch.Tensor, response: torch.Tensor) -> None:
        """For the training length k = ``len(M)`` and the teacher's ``response`` (k, p, m)."""
        self._layout, self._M, self._response = layout, M, response
        self._lag = torch.arange(len(M), dtype=M.dtype, device=M.device)[:, None]

    def __call__(
        self, flat: torch.Tensor, done: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss (S,) and its gradient (S, n) at ``flat`` (S, n), independent of ``done``."""
        del done
        student, views = self._layout.student, self._layout.views(flat)
        a, B = views["A"], views["B"]
        C = views.get("C", B.mT)
        powers = a[:, None] ** self._lag
        response = torch.einsum("spn,skn,snm->skpm", C, powers, B)
        loss, v = _loss_and_v(self._M, response - self._response)
        gradient = torch.zeros_like(flat)
        out = self._layout.views(gradient)
        if "A" in student.trained:
            derivative = self._lag[1:] * powers[:, :-1]
            out["A"].copy_(torch.einsum("skn,skpm,spn,snm->sn", derivative, v[:, 1:], C, B))
        if "B" in student.trained:
            out["B"].copy_(torch.einsum("skn,skpm,spn->snm", powers, v, C))
        if "C" in student.trained:
            dC = torch.einsum("skn,skpm,snm->spn", powers, v, B)
            if student.tied:
                out["B"].add_(dC.mT)
            else:
                out["C"].copy_(dC)
        return loss, gradient

    def sum_of_full_norms(self, flat: torch.Tensor) -> torch.Tensor:
        """The sum of the parameters' gradient norms, (S, 1), with all d x d entries of A's.

        dA = Gᵀ E H before it is cut to its diagonal; see :mod:`core.training.closed_form.gradient`.
        """
        trained, views = self._layout.student.trained, self._layout.views(flat)
        a, B, k = views["A"], views["B"], len(self._M)
        C = views.get("C", B.mT)
        powers = a[:, None] ** self._lag
        response = torch.einsum("spn,skn,snm->skpm", C, powers, B)
        _, v = _loss_and_v(self._M, response - self._response)
        blocks = list(self._layout.blocks(self(flat)[1]))
        if "A" in trained and k > 1:
            lag = torch.arange(k - 1, device=v.device)
            index = lag[:, None] + lag + 1
            E = v[:, index.clamp(max=k - 1)] * (index < k)[:, :, None, None]
            early = powers[:, :-1]
            dA = torch.einsum("spn,srn,srtpm,stl,slm->snl", C, early, E, early, B)
            blocks[0] = dA.flatten(1)
        return sum_of_norms(blocks)
