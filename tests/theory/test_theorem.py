"""The theorem's assumptions: each fails on the specs that violate it, and on no others."""

import numpy as np
import pytest

from core.losses import target_of
from core.metrics import gauss_newton_sharpness, sharpness
from core.run import run
from core.spec import ExperimentSpec
from core.theory.step import step_bound
from core.theory.theorem import Theorem, check
from core.training import begin

BASE = {
    "teacher": {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
        "weights": [0.7, 0.5],
    },
    "student": {"kind": "linear", "dim": 9, "start": {"scale": 0.5, "balanced": True}},
    "training": {"length": 5},
    "optimizer": {"lr": 0.01},
}
MIMO = {
    "kind": "explicit",
    "A": [[0.9, 0], [0, -0.5]], "B": [[1, 0.5], [0.2, 1]], "C": [[1, 0.2], [0.5, 1]],
}  # fmt: skip


SMALL_MOMENTS = {"kind": "second_moment", "matrix": (1e-10 * np.eye(5)).tolist()}
UNEQUAL = {"C": 0.1}
SCALED_START = {
    "kind": "explicit",
    "A": [[0] * 9] * 9,
    "B": [[0.1 + 0.01 * i] for i in range(9)],
    "C": [[0.1**0.5 * (0.1 + 0.01 * i) for i in range(9)]],
}


def spec_of(**changes):
    return ExperimentSpec.model_validate({**BASE, **changes})


def student(**changes):
    return {**BASE["student"], **changes}


def failing(spec):
    return [assumption.name for assumption in check(spec).assumptions if assumption.holds is False]


def assumption_of(spec, name):
    (assumption,) = (candidate for candidate in check(spec).assumptions if candidate.name == name)
    return assumption


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"student": student(tied=True, start={})},
        {"optimizer": {"kind": "gradient_flow"}},
        {"teacher": MIMO},
        {"teacher": {"kind": "memoryless"}, "training": {"length": 3}},
        # The same response in other coordinates, with an unobservable state: balanced, d̂ = 2.
        {"teacher": {"kind": "explicit", "A": [[0.9, 0, 0], [0, -0.5, 0], [0, 0, 0.3]],
                     "B": [[7], [0.5], [0]], "C": [[0.1, 1, 1]]}},
        {"student": student(start={"kind": "explicit", "A": [[0] * 9] * 9,
                                   "B": [[0.1]] * 9, "C": [[0.1] * 9]})},
        {"student": student(start={"kind": "warm", "fixed": 0.3})},
        {"training": {"length": 5, "loss": {"covariance": {"kind": "ar1", "rho": 0.5}}}},
        {"training": {"length": 5, "loss": SMALL_MOMENTS}, "optimizer": {"lr": 1e8}},
        {"optimizer": {"lr": 0.01, "rates": {"A": 0.2, "B": 0.3, "C": 0.3}}},
        {"student": student(tied=True, start={}), "optimizer": {"lr": 0.01, "rates": {"C": 0}}},
        {"student": student(start=SCALED_START), "optimizer": {"lr": 0.01, "rates": UNEQUAL}},
    ],
)  # fmt: skip
def test_the_theorem_applies(changes):
    assert check(spec_of(**changes)).applies is True


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"student": student(dim=5)}, ["overparameterised"]),
        ({"training": {"length": 4}}, ["long enough"]),
        (
            {"teacher": {**BASE["teacher"], "kind": "unbalanced", "weights": [0.7, -0.5]}},
            ["balanced teacher"],
        ),
        ({"teacher": {"kind": "rotation"}}, ["balanced teacher"]),
        ({"teacher": {**MIMO, "C": [[1, 0.2], [0.4, 1]]}}, ["balanced teacher"]),
        (
            {
                "teacher": {
                    **BASE["teacher"],
                    "eigenvalues": {"kind": "list", "values": [1.1, -0.5]},
                }
            },
            ["stable"],
        ),
        ({"student": student(structure="general")}, ["symmetric student"]),
        ({"student": student(structure="diagonal")}, ["symmetric student"]),
        ({"student": student(trained=["B", "C"])}, ["all trained"]),
        ({"student": student(start={"scale": 1e-3})}, ["balanced start"]),
        ({"student": student(start={"kind": "counterexample"})}, ["balanced start"]),
        (
            {"training": {"length": 5, "loss": {"kind": "finite_sample", "sequences": 3}}},
            ["loss determines"],
        ),
        (
            {
                "training": {
                    "length": 5,
                    "loss": {"kind": "finite_sample", "sequences": 30, "noise": 0.1},
                }
            },
            ["loss determines"],
        ),
        ({"optimizer": {"lr": 1.0}}, ["gradient flow"]),
        ({"optimizer": {"lr": 1e-9, "steps": 10}}, ["long enough training"]),
        ({"optimizer": {"kind": "gradient_flow", "time": 1e-8}}, ["long enough training"]),
        ({"optimizer": {"lr": 0.01, "rates": UNEQUAL}}, ["balanced start"]),
        ({"optimizer": {"lr": 0.01, "rates": {"A": 0}}}, ["all trained"]),
        ({"optimizer": {"kind": "adam"}}, ["gradient flow"]),
        ({"student": {"kind": "gru", "dim": 9}}, ["linear"]),
        ({"student": student(readout={})}, ["linear"]),
    ],
)
def test_each_assumption_fails_alone(changes, names):
    spec = spec_of(**changes)
    assert failing(spec) == names
    assert check(spec).applies is False


def test_a_silent_teacher_is_degenerate():
    assert failing(spec_of(teacher={"kind": "memoryless", "gain": 0.0})) == [
        "balanced teacher",
        "not degenerate",
    ]


def test_a_silent_teacher_is_said_to_be_silent():
    spec = spec_of(teacher={"kind": "memoryless", "gain": 0.0})
    assert "response is zero" in assumption_of(spec, "balanced teacher").sentence


@pytest.mark.parametrize("share", [0.4, 0.999, 1.001])
def test_a_step_near_the_bound_leaves_gradient_flow_undetermined(share):
    spec = spec_of(optimizer={"lr": share * step_bound(spec_of())})
    flow = assumption_of(spec, "gradient flow")
    assert flow.holds is {0.4: True, 0.999: None, 1.001: False}[share]
    assert check(spec).applies is flow.holds
    assert (flow.margin is None) == (flow.holds is None)


def test_the_theorem_says_how_small_the_loss_became_and_how_far_the_flow_was():
    spec = spec_of()
    assert "conditional" in check(spec).condition
    assert "evaluation.flow" in assumption_of(spec, "gradient flow").sentence
    runs = [{"train_loss": 2e-9, "flow_distance": 3e-4}, {"train_loss": 1e-11}]
    theorem = check(spec, runs)
    assert theorem.condition.endswith("the training loss ended at 1e-11 to 2e-09.")
    assert theorem.largest_loss == 2e-9
    (flow,) = (each for each in theorem.assumptions if each.name == "gradient flow")
    assert flow.sentence.endswith("at most 0.0003 from the flow's response.")


@pytest.mark.parametrize("scaled", [True, False])
def test_rates_preserve_the_balance_that_they_define(scaled):
    """B/√r_B = Cᵀ/√r_C stays, B = Cᵀ does not."""
    start = SCALED_START if scaled else {"scale": 0.5, "balanced": True}
    (r,) = run(
        spec_of(
            student=student(start=start),
            optimizer={"lr": 0.02, "steps": 3000, "rates": UNEQUAL},
            seeds=[0],
        )
    ).runs
    B, C = (np.array(r.parameters[name]) for name in "BC")
    assert (np.linalg.norm(0.1**0.5 * B - C.T) < 1e-12) == scaled
    assert np.linalg.norm(B - C.T) > 0.1
    assert r.summary["train_loss"] < 0.1


def test_the_balance_of_another_experiments_result_is_undetermined():
    spec = spec_of(student=student(start={"kind": "from_experiment", "id": "x"}))
    assert failing(spec) == []
    assert assumption_of(spec, "balanced start").holds is None
    assert check(spec).applies is None


@pytest.mark.parametrize(
    ("name", "changes", "margin"),
    [
        ("overparameterised", {}, 4),
        ("long enough", {"training": {"length": 3}}, -1),
        ("balanced teacher", {}, 0.5),
        ("stable", {}, 0.1),
        ("not degenerate", {}, 1.2),
        ("loss determines", {"training": {"length": 5, "outputs": "all"}}, 0.2),
        ("balanced start", {"student": student(start={"scale": 0.5})}, -0.5 * 2**0.5),
    ],
)
def test_margins_measure_how_far_an_assumption_holds_or_fails(name, changes, margin):
    assert assumption_of(spec_of(**changes), name).margin == pytest.approx(margin)


def test_the_teachers_measure_is_unique_if_the_length_determines_it():
    long, short = check(spec_of()).measure, check(spec_of(training={"length": 4})).measure
    assert long.atoms == pytest.approx((0.9, -0.5))
    assert long.weights == pytest.approx((0.7, 0.5))
    assert long.unique
    assert not short.unique
    assert check(spec_of(teacher={"kind": "delay"})).measure is None


def test_the_step_bound_is_the_sharpness_of_a_trained_student():
    """A student trained from near zero ends where the bound is computed."""
    spec = spec_of(
        student=student(start={"scale": 1e-3}),
        optimizer={"lr": 0.02, "steps": 8000},
        seeds=[0],
        evaluation={"points": 2},
    )
    assert step_bound(spec) == pytest.approx(2 / run(spec).runs[0].summary["sharpness"], rel=1e-4)
    state = begin(spec)
    systems = state.engine.layout.systems(state.batch.parameters)
    at_start = systems, spec.student, target_of(spec)
    assert sharpness(*at_start) == pytest.approx([2 * 1.2], rel=1e-3)  # 2 ĥ_0
    assert gauss_newton_sharpness(*at_start)[0] < 1e-3


def test_a_theorem_survives_json():
    theorem = check(spec_of(student=student(start={"kind": "from_experiment", "id": "x"})))
    assert Theorem.model_validate_json(theorem.model_dump_json()) == theorem
    assert all(
        np.isfinite(assumption.margin)
        for assumption in theorem.assumptions
        if assumption.margin is not None
    )
