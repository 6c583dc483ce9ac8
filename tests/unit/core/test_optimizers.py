"""Optimizers agree with torch's and with their definitions; training times are sums of steps."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from core.spec import ExperimentSpec, Optimizer
from core.training import advance, begin
from core.training.layout import Layout
from core.training.optimizers import StepSize, rule_of
from core.training.schedule import schedule_factor, summed_factors, training_time

STEPS = 50
SCHEDULES = (
    {"kind": "constant"},
    {"kind": "cosine"},
    {"kind": "cosine", "floor": 0.3},
    {"kind": "exponential", "decay": 0.5, "every": 7},
    {"kind": "exponential", "decay": 1.0, "every": 3},
    {"kind": "warmup", "steps": 8},
    {"kind": "warmup", "steps": 80},
)
LAYOUT = Layout({"A": (2, 2), "B": (2, 1), "C": (1, 2)})


def optimizer_of(kind="gd", **fields):
    return TypeAdapter(Optimizer).validate_python(
        {"kind": kind, "lr": 0.03, "steps": STEPS, **fields}
    )


def gradient_at(theta):
    """The gradient of a function that is not convex, so its signs change along the path."""
    scale = torch.arange(1, theta.shape[-1] + 1, dtype=theta.dtype)
    return torch.cos(scale * theta) + 0.1 * theta


def path(optimizer, layout=LAYOUT, steps=STEPS):
    """The parameters before and after each step, (steps + 1, 2, n)."""
    rule, step_size = rule_of(optimizer, layout), StepSize(optimizer, layout)
    theta = torch.linspace(-1, 1, 2 * layout.size, dtype=torch.float64).view(2, -1)
    memory, done = (
        torch.zeros(2, rule.width, dtype=torch.float64),
        torch.zeros(2, 1, dtype=torch.int64),
    )
    positions = [theta]
    for _ in range(steps):
        direction, memory = rule.direction(gradient_at(theta), memory, done)
        theta, done = step_size.apply(theta, direction, done), done + 1
        positions.append(theta)
    return torch.stack(positions)


@pytest.mark.parametrize(
    ("optimizer", "torch_optimizer"),
    [
        (optimizer_of(), lambda p: torch.optim.SGD(p, lr=0.03)),
        (
            optimizer_of("momentum", momentum=0.8),
            lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.8),
        ),
        (
            optimizer_of("adam", betas=[0.8, 0.99], eps=1e-6),
            lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.99), eps=1e-6),
        ),
    ],
    ids=["gd", "momentum", "adam"],
)
def test_the_steps_agree_with_torch_optim(optimizer, torch_optimizer):
    ours = path(optimizer)
    theta = ours[0].clone().requires_grad_()
    optimizer = torch_optimizer([theta])
    for position in ours[1:]:
        theta.grad = gradient_at(theta.detach())
        optimizer.step()
        torch.testing.assert_close(position, theta.detach(), rtol=1e-12, atol=1e-12)


def test_the_adaptive_step_follows_its_definition():
    optimizer = optimizer_of(
        "adaptive_gd", beta=0.7, soft=0.01, schedule={"kind": "warmup", "steps": 20}
    )
    positions = path(optimizer).numpy()
    g = np.zeros(2)
    for t, theta in enumerate(positions[:-1]):
        gradient = gradient_at(torch.tensor(theta)).numpy()
        norms = sum(np.linalg.norm(part, axis=1) for part in np.split(gradient, [4, 6], axis=1))
        g = 0.7 * g + 0.3 * norms
        lr = 0.03 * min(1, (t + 1) / 20) / (np.sqrt(g / (1 - 0.7 ** (t + 1))) + 0.01)
        np.testing.assert_allclose(
            positions[t + 1], theta - lr[:, None] * gradient, rtol=1e-13, atol=1e-13
        )


@pytest.mark.parametrize("kind", ["gd", "momentum", "adaptive_gd", "adam"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_step_is_the_direction_times_lr_the_factor_and_the_rate(kind, schedule):
    rates = {"A": 0.5, "B": 2.0, "C": 0.0}
    optimizer = optimizer_of(kind, schedule=schedule, rates=rates)
    theta, direction = (
        torch.ones(1, 8, dtype=torch.float64),
        torch.arange(1.0, 9.0, dtype=torch.float64)[None],
    )
    for t in (0, 3, 49):
        stepped = StepSize(optimizer, LAYOUT).apply(theta, direction, torch.tensor([[t]]))
        factor = schedule_factor(optimizer.schedule, STEPS, torch.tensor(t))
        rate = torch.tensor([0.5] * 4 + [2.0] * 2 + [0.0] * 2, dtype=torch.float64)
        torch.testing.assert_close(
            stepped, theta - 0.03 * factor * rate * direction, rtol=1e-15, atol=1e-15
        )


def test_a_tied_parameter_has_the_rate_of_b():
    tied = Layout({"A": (2, 2), "B": (2, 1)})
    with_rate_of_c = path(optimizer_of(rates={"B": 0.5, "C": 3.0}), tied)
    assert torch.equal(with_rate_of_c, path(optimizer_of(rates={"B": 0.5}), tied))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_training_time_is_the_sum_of_the_step_sizes(schedule):
    optimizer = optimizer_of(schedule=schedule)
    factors = schedule_factor(optimizer.schedule, STEPS, torch.arange(STEPS)).numpy()
    sums = np.concatenate([[0], np.cumsum(factors)])
    done = np.arange(STEPS + 1)
    np.testing.assert_allclose(
        summed_factors(optimizer.schedule, STEPS, done), sums, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(training_time(optimizer, done), 0.03 * sums, rtol=1e-12, atol=1e-12)


def test_the_schedules_have_their_documented_values():
    cosine, decay, rise = (
        schedule_factor(
            optimizer_of(schedule=schedule).schedule, STEPS, torch.tensor([0, 7, 14, STEPS])
        ).numpy()
        for schedule in (SCHEDULES[2], SCHEDULES[3], SCHEDULES[5])
    )
    assert (cosine[0], cosine[-1]) == pytest.approx((1, 0.3))
    assert decay[:3] == pytest.approx([1, 0.5, 0.25])
    assert rise == pytest.approx([1 / 8, 1, 1, 1])


def test_other_optimizers_have_no_training_time():
    assert np.isnan(training_time(optimizer_of("adam"), np.arange(3))).all()


def test_full_norms_shorten_the_first_step_of_a_diagonal_student():
    """Every entry of A's gradient counts, so the norm is larger and the step is shorter."""

    def moved(**optimizer):
        spec = ExperimentSpec.model_validate(
            {
                "teacher": {"kind": "rotation"},
                "student": {
                    "kind": "linear",
                    "dim": 9,
                    "structure": "diagonal",
                    "start": {"scale": 0.8},
                },
                "training": {"length": 6},
                "optimizer": {"kind": "adaptive_gd", "lr": 1e-4, "steps": 1, **optimizer},
                "seeds": 2,
            }
        )
        state = begin(spec)
        return (advance(state, 1).batch.parameters - state.batch.parameters).numpy(), spec

    (plain, spec), (full, full_spec) = moved(), moved(norms="full")
    ratio = full / plain
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones_like(ratio), rtol=1e-6)
    assert (ratio < 0.99).all()
    assert spec.optimizer.model_dump().keys() == full_spec.optimizer.model_dump().keys() - {"norms"}
