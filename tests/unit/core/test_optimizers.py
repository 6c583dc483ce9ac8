"""Optimizers against torch's own and against their definitions; schedules against the sums of their factors."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from core.spec import Optimizer
from core.training.layout import Layout
from core.training.optimizers import StepSize, rule_of
from core.training.schedule import factor, factors_until, time_at

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


def optimizer_of(kind="gd", **given):
    return TypeAdapter(Optimizer).validate_python(
        {"kind": kind, "lr": 0.03, "steps": STEPS, **given}
    )


def gradient_at(theta):
    """Of a function that is not convex, so that signs change on the way."""
    scale = torch.arange(1, theta.shape[-1] + 1, dtype=theta.dtype)
    return torch.cos(scale * theta) + 0.1 * theta


def path(optimizer, layout=LAYOUT, steps=STEPS):
    rule, size = rule_of(optimizer, layout), StepSize(optimizer, layout)
    theta = torch.linspace(-1, 1, 2 * layout.size, dtype=torch.float64).view(2, -1)
    memory, done = (
        torch.zeros(2, rule.width, dtype=torch.float64),
        torch.zeros(2, 1, dtype=torch.int64),
    )
    walked = [theta]
    for _ in range(steps):
        direction, memory = rule.direction(gradient_at(theta), memory, done)
        theta, done = size.move(theta, direction, done), done + 1
        walked.append(theta)
    return torch.stack(walked)


@pytest.mark.parametrize(
    ("optimizer", "theirs"),
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
def test_the_steps_are_those_of_torch(optimizer, theirs):
    ours = path(optimizer)
    theta = ours[0].clone().requires_grad_()
    stepper = theirs([theta])
    for wanted in ours[1:]:
        theta.grad = gradient_at(theta.detach())
        stepper.step()
        torch.testing.assert_close(wanted, theta.detach(), rtol=1e-12, atol=1e-12)


def test_the_adaptive_step_is_its_definition():
    optimizer = optimizer_of(
        "adaptive_gd", beta=0.7, soft=0.01, schedule={"kind": "warmup", "steps": 20}
    )
    walked = path(optimizer).numpy()
    g = np.zeros(2)
    for t, theta in enumerate(walked[:-1]):
        gradient = gradient_at(torch.tensor(theta)).numpy()
        norms = sum(np.linalg.norm(part, axis=1) for part in np.split(gradient, [4, 6], axis=1))
        g = 0.7 * g + 0.3 * norms
        lr = 0.03 * min(1, (t + 1) / 20) / (np.sqrt(g / (1 - 0.7 ** (t + 1))) + 0.01)
        np.testing.assert_allclose(
            walked[t + 1], theta - lr[:, None] * gradient, rtol=1e-13, atol=1e-13
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
        moved = StepSize(optimizer, LAYOUT).move(theta, direction, torch.tensor([[t]]))
        times = factor(optimizer.schedule, STEPS, torch.tensor(t))
        rate = torch.tensor([0.5] * 4 + [2.0] * 2 + [0.0] * 2, dtype=torch.float64)
        torch.testing.assert_close(
            moved, theta - 0.03 * times * rate * direction, rtol=1e-15, atol=1e-15
        )


def test_a_tied_parameter_goes_at_the_rate_of_b():
    tied = Layout({"A": (2, 2), "B": (2, 1)})
    ways = (
        path(optimizer_of(rates={"B": 0.5, "C": 3.0}), tied),
        path(optimizer_of(rates={"B": 0.5}), tied),
    )
    assert torch.equal(*ways)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_training_time_is_the_sum_of_the_steps(schedule):
    optimizer = optimizer_of(schedule=schedule)
    factors = factor(optimizer.schedule, STEPS, torch.arange(STEPS)).numpy()
    sums = np.concatenate([[0], np.cumsum(factors)])
    done = np.arange(STEPS + 1)
    np.testing.assert_allclose(
        factors_until(optimizer.schedule, STEPS, done), sums, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(time_at(optimizer, done), 0.03 * sums, rtol=1e-12, atol=1e-12)


def test_the_schedules_go_where_they_say():
    cosine, decay, rise = (
        factor(
            optimizer_of(schedule=schedule).schedule, STEPS, torch.tensor([0, 7, 14, STEPS])
        ).numpy()
        for schedule in (SCHEDULES[2], SCHEDULES[3], SCHEDULES[5])
    )
    assert (cosine[0], cosine[-1]) == pytest.approx((1, 0.3))
    assert decay[:3] == pytest.approx([1, 0.5, 0.25])
    assert rise == pytest.approx([1 / 8, 1, 1, 1])


def test_other_optimizers_have_no_training_time():
    assert np.isnan(time_at(optimizer_of("adam"), np.arange(3))).all()
