"""Optimizers: all move every trained tensor at once; no hidden factor 1/2 or 1/k. :mod:`core.training` runs them."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.spec.part import Part, Real, Whole, default_kind

MAX_STEPS = 1_000_000_000


class Stop(Part):
    """When a seed ends early. Each seed stops on its own."""

    loss_below: Annotated[Real, Field(gt=0)] | None = None


def _no_rule_is_none(stop: Stop | None) -> Stop | None:
    return None if stop is None or stop.loss_below is None else stop


class _Steps(Part):
    lr: Annotated[Real, Field(gt=0)] = 0.01
    steps: Annotated[Whole, Field(ge=1, le=MAX_STEPS)] = 20_000
    stop: Annotated[Stop | None, AfterValidator(_no_rule_is_none)] = Field(
        None, description="Absent, null or {}: every step is run."
    )

    @property
    def stop_below(self) -> float:
        """The loss under which a seed stops; -inf where there is no stop rule."""
        return -math.inf if self.stop is None or self.stop.loss_below is None else self.stop.loss_below


class GradientDescent(_Steps):
    """θ ← θ - lr ∇L(θ)."""

    kind: Literal["gd"] = "gd"


class Momentum(_Steps):
    """v ← momentum v + ∇L(θ); θ ← θ - lr v (Polyak's heavy ball)."""

    kind: Literal["momentum"]
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9


class AdaptiveGradientDescent(_Steps):
    """θ ← θ - lr_t ∇L(θ), lr_t = lr / (√(g_t / (1 - beta^{t+1})) + soft), g_t = beta g_{t-1} + (1 - beta) Σ|∇|.

    The step of Razin et al. (2022) as the public code of Slutzky et al. (2025) has it: the sum of the tensors' gradient
    norms, not of their squares. It walks to the edge of stability as gradients vanish.
    """

    kind: Literal["adaptive_gd"]
    beta: Annotated[Real, Field(ge=0, lt=1)] = 0.8
    soft: Annotated[Real, Field(gt=0)] = 1e-6


Optimizer = Annotated[
    GradientDescent | Momentum | AdaptiveGradientDescent, Field(discriminator="kind"), default_kind("gd")
]
