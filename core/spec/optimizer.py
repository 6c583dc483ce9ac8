"""Optimizers: all update every trained tensor at once, without hidden factors 1/2 or 1/k.

:mod:`core.training` runs them.
"""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.spec.part import Part, Real, Whole, default_kind

MAX_STEPS = 1_000_000_000


class Stop(Part):
    """The rule that ends a seed early. It applies to each seed separately."""

    loss_below: Annotated[Real, Field(gt=0)] | None = Field(
        None, description="Stop a seed once its loss is below this."
    )
    more_steps: Annotated[Whole, Field(ge=0, le=MAX_STEPS)] = Field(
        0, description="Steps to run after the loss first falls below `loss_below`."
    )


def _none_if_empty(stop: Stop | None) -> Stop | None:
    return None if stop is None or stop.loss_below is None else stop


class _Stopping(Part):
    stop: Annotated[Stop | None, AfterValidator(_none_if_empty)] = Field(
        None, description="The rule that ends a seed early. Absent, null or {}: every step is run."
    )

    @property
    def stop_below(self) -> float:
        """The loss below which a seed stops; -inf without a stop rule."""
        return (
            -math.inf if self.stop is None or self.stop.loss_below is None else self.stop.loss_below
        )

    @property
    def more_steps(self) -> int:
        """Steps to run after the loss first falls below :attr:`stop_below`."""
        return 0 if self.stop is None else self.stop.more_steps


class ConstantSchedule(Part):
    """lr_t = lr."""

    kind: Literal["constant"] = "constant"


class CosineSchedule(Part):
    """lr_t = lr (floor + (1 - floor) (1 + cos(π t / steps)) / 2)."""

    kind: Literal["cosine"]
    floor: Annotated[Real, Field(ge=0, le=1)] = Field(
        0.0, description="The last lr_t as a fraction of lr."
    )


class ExponentialSchedule(Part):
    """lr_t = lr decay^(t / every): smooth decay."""

    kind: Literal["exponential"]
    decay: Annotated[Real, Field(gt=0, le=1)] = Field(
        0.5, description="Factor on lr over `every` steps."
    )
    every: Annotated[Whole, Field(ge=1)] = Field(
        1000, description="Steps over which lr falls by the factor `decay`."
    )


class WarmupSchedule(Part):
    """lr_t = lr min(1, (t + 1) / steps): a linear rise, then constant."""

    kind: Literal["warmup"]
    steps: Annotated[Whole, Field(ge=1)] = Field(100, description="Steps of the rise.")


Schedule = Annotated[
    ConstantSchedule | CosineSchedule | ExponentialSchedule | WarmupSchedule,
    Field(discriminator="kind"),
    default_kind("constant"),
]


class Rates(Part):
    """A factor on lr for each parameter, equivalent to a parametrisation with other scalings."""

    A: Annotated[Real, Field(ge=0)] = Field(
        1.0, description="Factor on lr for A; 0 keeps it as it starts."
    )
    B: Annotated[Real, Field(ge=0)] = Field(
        1.0, description="Factor on lr for B; 0 keeps it as it starts."
    )
    C: Annotated[Real, Field(ge=0)] = Field(
        1.0, description="Factor on lr for C; 0 keeps it as it starts."
    )


class _Steps(_Stopping):
    lr: Annotated[Real, Field(gt=0)] = Field(0.01, description="Learning rate.")
    steps: Annotated[Whole, Field(ge=1, le=MAX_STEPS)] = Field(
        20_000, description="Number of steps."
    )
    schedule: Schedule = Field(ConstantSchedule(), description="How lr changes with the step t.")
    rates: Rates = Field(
        Rates(), description="Factors on lr, one per parameter; for linear students."
    )
    batch_size: Annotated[Whole, Field(ge=1, le=100_000)] | None = Field(
        None,
        description="Sequences per step, for students trained on sequences. Default: 128 fresh "
        "sequences for a population loss, the whole sample for a finite one.",
    )


class GradientDescent(_Steps):
    """θ ← θ - lr ∇L(θ)."""

    kind: Literal["gd"] = "gd"


class Momentum(_Steps):
    """v ← momentum v + ∇L(θ); θ ← θ - lr v (Polyak's heavy ball)."""

    kind: Literal["momentum"]
    momentum: Annotated[Real, Field(ge=0, lt=1)] = Field(
        0.9, description="The fraction of v that is kept."
    )


class AdaptiveGradientDescent(_Steps):
    """θ ← θ - lr_t ∇L(θ), lr_t = lr / (√(g_t / (1 - beta^{t+1})) + soft).

    g_t = beta g_{t-1} + (1 - beta) Σ|∇|. The step of Razin et al. (2022) as implemented in the
    public code of Slutzky et al. (2025), which sums the tensors' gradient norms, not their squares.
    It approaches the edge of stability as gradients vanish, where rounding grows: between versions
    and machines, such results agree to few digits.
    """

    kind: Literal["adaptive_gd"]
    beta: Annotated[Real, Field(ge=0, lt=1)] = Field(
        0.8, description="The fraction of g that is kept."
    )
    soft: Annotated[Real, Field(gt=0)] = Field(
        1e-6, description="Bounds lr_t where gradients vanish."
    )
    norms: Literal["trained", "full"] = Field(
        "trained",
        exclude_if=lambda norms: norms == "trained",  # as specs hashed before it had no such field
        description="Norms of the gradients of what is trained, or with all d x d entries of A's "
        "gradient, as in the public code. `full` is for linear, diagonal students of linear "
        "teachers.",
    )


class Adam(_Steps):
    """m ← β₁ m + (1 - β₁) ∇; v ← β₂ v + (1 - β₂) ∇²; θ ← θ - lr m̂ / (√v̂ + eps).

    As ``torch.optim.Adam`` does it. Source: Kingma and Ba (2015).
    """

    kind: Literal["adam"]
    lr: Annotated[Real, Field(gt=0)] = Field(0.001, description="Learning rate.")
    betas: tuple[Annotated[Real, Field(ge=0, lt=1)], Annotated[Real, Field(ge=0, lt=1)]] = Field(
        (0.9, 0.999), description="β₁ and β₂: the fractions of m and of v that are kept."
    )
    eps: Annotated[Real, Field(gt=0)] = Field(
        1e-8, description="Bounds the step where gradients vanish."
    )


class GradientFlow(_Stopping):
    """dθ/dt = -∇L(θ), integrated with error control to ``time``; for linear students.

    Observed and recorded at the times t_s = (1 + time)^(s / steps) - 1, s = 0 .. steps, which are
    evenly spaced at first, then evenly in the logarithm. A step of such an experiment leads from
    one of these times to the next.
    """

    kind: Literal["gradient_flow"]
    time: Annotated[Real, Field(gt=0, le=1e18)] = Field(
        100.0, description="The time t at which it ends."
    )
    steps: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        200, description="Number of steps from time 0 to `time`."
    )
    rtol: Annotated[Real, Field(ge=1e-13, le=0.1)] = Field(
        1e-8, description="Relative tolerance of the integration."
    )
    atol: Annotated[Real, Field(gt=0, le=0.1)] = Field(
        1e-12, description="Absolute tolerance of the integration."
    )


Optimizer = Annotated[
    GradientDescent | Momentum | AdaptiveGradientDescent | Adam | GradientFlow,
    Field(discriminator="kind"),
    default_kind("gd"),
]


def has_full_norms(optimizer: Optimizer) -> bool:
    """Whether the step depends on the gradient of A before it is cut to its diagonal."""
    return isinstance(optimizer, AdaptiveGradientDescent) and optimizer.norms == "full"
