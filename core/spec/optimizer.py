"""Optimizers: all move every trained tensor at once; no hidden factor 1/2 or 1/k.

:mod:`core.training` runs them.
"""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.spec.part import Part, Real, Whole, default_kind

MAX_STEPS = 1_000_000_000


class Stop(Part):
    """When a seed ends early. Each seed stops on its own."""

    loss_below: Annotated[Real, Field(gt=0)] | None = None
    more_steps: Annotated[Whole, Field(ge=0, le=MAX_STEPS)] = Field(
        0, description="Steps that a seed goes on for once its loss was below for the first time."
    )


def _no_rule_is_none(stop: Stop | None) -> Stop | None:
    return None if stop is None or stop.loss_below is None else stop


class _Stopping(Part):
    stop: Annotated[Stop | None, AfterValidator(_no_rule_is_none)] = Field(
        None, description="Absent, null or {}: every step is run."
    )

    @property
    def stop_below(self) -> float:
        """The loss under which a seed stops; -inf where there is no stop rule."""
        return (
            -math.inf if self.stop is None or self.stop.loss_below is None else self.stop.loss_below
        )

    @property
    def more_steps(self) -> int:
        """Steps that a seed goes on for once its loss was below."""
        return 0 if self.stop is None else self.stop.more_steps


class ConstantSchedule(Part):
    """lr_t = lr."""

    kind: Literal["constant"] = "constant"


class CosineSchedule(Part):
    """lr_t = lr (floor + (1 - floor) (1 + cos(π t / steps)) / 2)."""

    kind: Literal["cosine"]
    floor: Annotated[Real, Field(ge=0, le=1)] = 0.0


class ExponentialSchedule(Part):
    """lr_t = lr decay^(t / every), decaying smoothly."""

    kind: Literal["exponential"]
    decay: Annotated[Real, Field(gt=0, le=1)] = 0.5
    every: Annotated[Whole, Field(ge=1)] = 1000


class WarmupSchedule(Part):
    """lr_t = lr min(1, (t + 1) / steps): a linear rise, then constant."""

    kind: Literal["warmup"]
    steps: Annotated[Whole, Field(ge=1)] = 100


Schedule = Annotated[
    ConstantSchedule | CosineSchedule | ExponentialSchedule | WarmupSchedule,
    Field(discriminator="kind"),
    default_kind("constant"),
]


class Rates(Part):
    """A factor on lr for each parameter, as parametrisations with other scalings have it (science of wide networks)."""

    A: Annotated[Real, Field(ge=0)] = 1.0
    B: Annotated[Real, Field(ge=0)] = 1.0
    C: Annotated[Real, Field(ge=0)] = 1.0


class _Steps(_Stopping):
    lr: Annotated[Real, Field(gt=0)] = 0.01
    steps: Annotated[Whole, Field(ge=1, le=MAX_STEPS)] = 20_000
    schedule: Schedule = ConstantSchedule()
    rates: Rates = Field(
        Rates(), description="Factors on lr, one per parameter; for linear students."
    )
    batch_size: Annotated[Whole, Field(ge=1, le=100_000)] | None = Field(
        None,
        description="Sequences per step, for students that are trained on sequences. Default: 128 fresh ones where "
        "inputs are drawn from the population, the whole sample where it is finite.",
    )


class GradientDescent(_Steps):
    """θ ← θ - lr ∇L(θ)."""

    kind: Literal["gd"] = "gd"


class Momentum(_Steps):
    """v ← momentum v + ∇L(θ); θ ← θ - lr v (Polyak's heavy ball)."""

    kind: Literal["momentum"]
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9


class AdaptiveGradientDescent(_Steps):
    """θ ← θ - lr_t ∇L(θ), lr_t = lr / (√(g_t / (1 - beta^{t+1})) + soft), g_t = beta g_{t-1} + (1 - beta) Σ|∇|.

    The step of Razin et al. (2022) as the public code of Slutzky et al. (2025) has it: the sum of
    the tensors' gradient norms, not of their squares. It walks to the edge of stability as
    gradients vanish.
    """

    kind: Literal["adaptive_gd"]
    beta: Annotated[Real, Field(ge=0, lt=1)] = 0.8
    soft: Annotated[Real, Field(gt=0)] = 1e-6


class Adam(_Steps):
    """m ← β₁ m + (1 - β₁) ∇; v ← β₂ v + (1 - β₂) ∇²; θ ← θ - lr m̂ / (√v̂ + eps), as ``torch.optim.Adam`` has it.

    Source: Kingma and Ba (2015).
    """

    kind: Literal["adam"]
    lr: Annotated[Real, Field(gt=0)] = 0.001
    betas: tuple[Annotated[Real, Field(ge=0, lt=1)], Annotated[Real, Field(ge=0, lt=1)]] = (
        0.9,
        0.999,
    )
    eps: Annotated[Real, Field(gt=0)] = 1e-8


class GradientFlow(_Stopping):
    """dθ/dt = -∇L(θ), integrated with error control to ``time``; for linear students.

    It is looked at, and recorded, at stations t_s = (1 + time)^(s / steps) - 1, s = 0 .. steps:
    even at first, then evenly in the logarithm. A step of such an experiment is the way from one
    station to the next.
    """

    kind: Literal["gradient_flow"]
    time: Annotated[Real, Field(gt=0, le=1e18)] = 100.0
    steps: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        200, description="How many stations there are."
    )
    rtol: Annotated[Real, Field(ge=1e-13, le=0.1)] = 1e-8
    atol: Annotated[Real, Field(gt=0, le=0.1)] = 1e-12


Optimizer = Annotated[
    GradientDescent | Momentum | AdaptiveGradientDescent | Adam | GradientFlow,
    Field(discriminator="kind"),
    default_kind("gd"),
]
