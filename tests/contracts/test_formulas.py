"""Formulas in plain text are found, and words are left alone."""

import importlib.util

import pytest

from tests.kit.pages import ROOT

_SPEC = importlib.util.spec_from_file_location("formulas", ROOT / "docs" / "formulas.py")
formulas = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(formulas)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("student and d > k > 2 d̂, gradient", r"student and $d > k > 2\,\hat{d}$, gradient"),
        ("with A a matrix, A large start", "with A a matrix, A large start"),
        ("since |A B|² = h_2 = 0", r"since $\vert A\,B\vert ^{2} = h_{2} = 0$"),
        ("max over k in {2, 3} of 0.5 < 1", "max over $k$ in {2, 3} of 0.5 < 1"),
        ("L = eᵀ M e and M = Xᵀ X / N", r"$L = e^{\top}\,M\,e$ and $M = X^{\top}\,X / N$"),
        ("θ ← θ - lr ∇L(θ)", r"$\theta \leftarrow \theta - \mathrm{lr} \nabla L(\theta)$"),
        ("|e_j| / d < 5e-06", r"$\vert e_{j}\vert / d < 5 \cdot 10^{-6}$"),
        ("max of |h_k - beyond| / 2", "max of |$h_{k}$ - beyond| / 2"),
        ("|mean of |e_j| / d - 0.5| < 1", r"|mean of $\vert e_{j}\vert / d - 0.5$| < 1"),
        ("`h_j`, train_loss, --k, 3 k/s, don't", "`h_j`, train_loss, --k, 3 k/s, don't"),
        ("(rows, q) as k steps", "(rows, $q$) as $k$ steps"),
        ("at every k > 2 d̂, for every ε", r"at every $k > 2\,\hat{d}$, for every $\varepsilon$"),
        ("At k = 2 d̂ a large start", r"At $k = 2\,\hat{d}$ a large start"),
        ("the number of steps t", "the number of steps $t$"),
        (
            "θ_t = lr decay^(t / every)",
            r"$\theta_{t} = \mathrm{lr}\,\mathrm{decay}^{t / \mathrm{every}}$",
        ),
        ("flow is da_i/dt = γ_j", r"flow is $da_{i}/dt = \gamma_{j}$"),
        ("near zero d(B - Cᵀ)/dτ = S", r"near zero $d(B - C^{\top})/d\tau = S$"),
        ("h_j = S^-½ (λ ρ)^{j-k}", r"$h_{j} = S^{-1/2} (\lambda\,\rho)^{j-k}$"),
        ("s < n = ⌊q/2⌋ states", r"$s < n = \lfloor q/2\rfloor$ states"),
        ("slope in log d", r"slope in $\log d$"),
        ("3 d/s and/or none", "3 d/s and/or none"),
    ],
)
def test_formulas_are_marked(text, marked):
    assert formulas.mark(text) == marked
