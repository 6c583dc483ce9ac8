"""Sharpness: the largest curvature of the loss's Gauss-Newton Hessian, the Hessian at zero loss.

    sharpness = 2 λ_max(M^½ J Jᵀ M^½),   J = ∂h/∂θ over the trained parameters

GD with step lr can settle at a solution only if lr < 2 / sharpness. J Jᵀ needs only inner products
of the rows G_r = C A^r and the columns H_s = A^s B, so that its cost depends on the dimension d
only through those products. The part of A is a convolution in (r, r'),

    (∂h_j/∂A, ∂h_l/∂A) = Σ_{r+s=j-1, r'+s'=l-1} <G_r, G_r'> <H_s, H_s'>,

and for symmetric A half of that plus half of the same sum over <G_r, H_s'> <H_s, G_r'>.

With factors R on the learning rate (``optimizer.rates``) GD is plain GD in the parameters R^-½ θ,
and J R Jᵀ replaces J Jᵀ.
"""

import numpy as np

from core.losses import Target
from core.shapes import Float64
from core.spec import LinearStudent, Rates
from core.systems import LinearSystem, controllability_columns, observability_rows, where_finite

_AS_GIVEN = Rates()


def sharpness(
    system: LinearSystem, student: LinearStudent, target: Target, rates: Rates = _AS_GIVEN
) -> Float64[np.ndarray, "..."]:
    """Returns 2 λ_max(M^½ J R Jᵀ M^½) for each system of the batch, shape (...)."""
    kernel = tangent_kernel(system, student, target.length, rates)
    root = _square_root(target.M)
    weighted = root @ np.moveaxis(kernel, (-4, -3), (-2, -1)) @ root
    weighted = np.moveaxis(weighted, (-2, -1), (-4, -2))
    size = weighted.shape[-1] * target.length
    weighted = weighted.reshape(*weighted.shape[:-4], size, size)
    return np.asarray(2 * where_finite(np.linalg.eigvalsh, weighted)[..., -1])


def tangent_kernel(
    system: LinearSystem, student: LinearStudent, length: int, rates: Rates = _AS_GIVEN
) -> Float64[np.ndarray, "... {length} {length} pm pm"]:
    """Returns J R Jᵀ, the inner products of ∂h_j/∂θ and ∂h_l/∂θ over the trained parameters.

    A tied student's shared vector has B's rate.

    Returns:
        Shape (..., k, k, p m, p m): lags j and l, then the entry of h_j and the entry of h_l.
    """
    G = observability_rows(system, length)
    H = controllability_columns(system, length)
    p, m = system.C.shape[-2], system.B.shape[-1]
    GG = np.einsum("...jon,...lqn->...jloq", G, G)
    HH = np.einsum("...jni,...lnu->...jliu", H, H)
    kernel = np.zeros((*GG.shape[:-2], p, m, p, m))
    GH = np.einsum("...jon,...lnu->...jlou", G, H)
    if "A" in student.trained:
        if student.structure == "diagonal":
            kernel += _kernel_of_diagonal(system, length)
        elif student.structure == "symmetric":
            HG = GH.swapaxes(-4, -3).swapaxes(-2, -1)
            kernel += _convolved((_spectra(GG, HH) + _spectra(GH, HG).swapaxes(-2, -1)) / 2, length)
        else:
            kernel += _convolved(_spectra(GG, HH), length)
    kernel *= rates.A
    if "B" in student.trained:
        kernel += rates.B * np.einsum("...jloq,iu->...jloiqu", GG, np.eye(m))
    if "C" in student.trained:
        kernel += (rates.B if student.tied else rates.C) * np.einsum(
            "...jliu,oq->...jloiqu", HH, np.eye(p)
        )
    if student.tied and "B" in student.trained:
        kernel += rates.B * np.einsum("...jlou,iq->...jloiqu", GH, np.eye(m))
        kernel += rates.B * np.einsum("...ljqi,ou->...jloiqu", GH, np.eye(m))
    return kernel.reshape(*kernel.shape[:-4], p * m, p * m)


def _kernel_of_diagonal(system: LinearSystem, length: int) -> np.ndarray:
    """The part of a diagonal A = diag(a): ∂h_j[o, i]/∂a_n = j a_n^{j-1} C[o, n] B[n, i]."""
    a = np.diagonal(system.A, axis1=-2, axis2=-1)
    lag = np.arange(length)
    slope = lag[:, None] * a[..., None, :] ** np.maximum(lag - 1, 0)[:, None]
    J = np.einsum("...jn,...on,...ni->...join", slope, system.C, system.B)
    return np.einsum("...join,...lqun->...jloiqu", J, J)


def _spectra(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Fourier transform over the lags of Σ_{r+s=j, r'+s'=l} X_rr'[a, b] Y_ss'[c, d].

    The last axes are [a, c, b, d].
    """
    k = X.shape[-4]
    X, Y = (np.fft.rfft2(array, (2 * k, 2 * k), axes=(-4, -3)) for array in (X, Y))
    return np.einsum("...jlab,...jlcd->...jlacbd", X, Y)


def _convolved(spectra: np.ndarray, k: int) -> np.ndarray:
    """Transforms back to lags j, l < k, shifted by one: r + s = j - 1."""
    Z = np.fft.irfft2(spectra, (2 * k, 2 * k), axes=(-6, -5))
    delayed = np.zeros((*Z.shape[:-6], k, k, *Z.shape[-4:]))
    delayed[..., 1:, 1:, :, :, :, :] = Z[..., : k - 1, : k - 1, :, :, :, :]
    return delayed


def _square_root(M: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(M)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
