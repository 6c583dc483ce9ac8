"""Cost estimates grow with the work, and match counts by hand where those are easy."""

import tracemalloc
from typing import get_args

import pytest

from core.baselines import METHODS
from core.cost import estimate, measured_metrics
from core.cost.baselines import LONGEST, baseline_cost
from core.cost.measuring import ALL_METRICS, SHARED_WORK, work_per_point
from core.losses import target_of
from core.spec import ExperimentSpec
from core.spec.experiment import ChosenMetric
from core.studies import STUDIES
from core.warnings import warnings

BASE = {
    "teacher": {"kind": "gru", "dim": 2},
    "student": {"kind": "gru", "dim": 64},
    "training": {"length": 10},
    "optimizer": {"kind": "adam", "steps": 100_000, "batch_size": 128},
    "evaluation": {"points": 2, "sequences": 2},
    "seeds": 1,
}


def cost(**changes):
    return estimate(ExperimentSpec.model_validate({**BASE, **changes}))


@pytest.mark.parametrize(("kind", "gates"), [("gru", 3), ("lstm", 4), ("tanh_rnn", 1)])
def test_a_step_of_a_wide_network_costs_mostly_three_products_with_its_weights(kind, gates):
    products = 3 * 2 * 128 * 10 * gates * 1024**2
    assert cost(student={"kind": kind, "dim": 1024}).flop / 100_000 == pytest.approx(
        products, rel=0.1
    )


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({"seeds": 4}, 4),
        ({"optimizer": {**BASE["optimizer"], "batch_size": 1280}}, 10),
        ({"training": {"length": 30}}, 3),
        ({"optimizer": {**BASE["optimizer"], "steps": 300_000}}, 3),
    ],
)
def test_operations_grow_in_proportion_to_the_work(changes, factor):
    assert cost(**changes).flop / cost().flop == pytest.approx(factor, rel=0.05)


def test_the_matrix_of_a_linear_student_costs_once_not_per_sequence():
    student = {"kind": "linear", "dim": 4096, "readout": {"width": 15}}
    small, large = (
        cost(student=student, optimizer={**BASE["optimizer"], "batch_size": size}).flop
        for size in (16, 128)
    )
    assert large < 1.5 * small
    assert cost(student={**student, "structure": "diagonal"}).flop < small / 10


def test_memory_holds_the_states_of_a_sample_on_a_gpu_and_of_a_block_on_a_cpu():
    sample = {"length": 10, "loss": {"kind": "finite_sample", "sequences": 1_000_000}}
    large = {"training": sample, "optimizer": {"kind": "adam", "steps": 10}}
    states, sequences = 8 * 1e6 * 10 * 64 / 1e6, 2 * 8 * 1e6 * 10 / 1e6
    assert cost(**large, numerics={"device": "cuda"}).memory_mb > 6 * states
    assert 2 * sequences < cost(**large).memory_mb < 3 * sequences
    readout = {"kind": "linear", "dim": 64, "readout": {"width": 64}}
    assert cost(**large, student=readout).memory_mb > states / 10  # torch keeps the hidden values
    assert cost().memory_mb < 100


def test_recorded_trajectories_count_as_storage():
    linear = {
        "teacher": {"kind": "delay"},
        "student": {"kind": "linear", "dim": 8},
        "optimizer": {"steps": 1000},
    }
    with_trajectories, without = (
        cost(**linear, evaluation={"points": 100, "horizon": 40, "record": record}).storage_mb
        for record in (["response", "eigenvalues"], [])
    )
    assert with_trajectories - without == pytest.approx(8 * 100 * (40 + 2 * 8) / 1e6)


LONG = ExperimentSpec.model_validate(
    {
        "teacher": {"kind": "balanced"},
        "student": {"kind": "linear", "dim": 50},
        "training": {"length": 10_000},
        "optimizer": {"steps": 1000},
        "evaluation": {"points": 50},
    }
)


def test_memory_and_operations_grow_in_proportion_to_a_long_length():
    def at(length):
        training = LONG.training.model_copy(update={"length": length})
        evaluation = LONG.evaluation.model_copy(update={"horizon": 2 * length})
        return estimate(LONG.model_copy(update={"training": training, "evaluation": evaluation}))

    shorter, longer = at(1000), at(10_000)
    assert longer.memory_mb < 500
    assert longer.memory_mb / shorter.memory_mb < 11
    assert longer.flop / shorter.flop < 11


@pytest.mark.parametrize("size", ["quick", "full"])
def test_no_experiment_of_a_study_leaves_metrics_out_by_default(size):
    specs = [spec for study in STUDIES.values() for spec in study.experiments(size)]
    by_default = [spec for spec in specs if spec.evaluation.metrics is None]
    assert {measured_metrics(spec) for spec in by_default} == {ALL_METRICS}


def test_only_metrics_that_take_longer_than_the_training_are_left_out():
    assert ALL_METRICS - measured_metrics(LONG) == {"gauss_newton_sharpness", "sharpness"}
    longer = LONG.model_copy(
        update={"optimizer": LONG.optimizer.model_copy(update={"steps": 100_000_000})}
    )
    assert measured_metrics(longer) == ALL_METRICS
    (sentence,) = (warning for warning in warnings(LONG) if warning.startswith("Not measured"))
    assert "longer than the training: gauss_newton_sharpness, sharpness." in sentence
    assert not any(warning.startswith("Not measured") for warning in warnings(longer))


def test_chosen_metrics_are_measured_at_any_cost_and_others_are_not():
    def choosing(*names):
        evaluation = LONG.evaluation.model_copy(update={"metrics": names})
        return LONG.model_copy(update={"evaluation": evaluation})

    dear, cheap = choosing("sharpness"), choosing()
    assert measured_metrics(dear) == {"sharpness"}
    assert measured_metrics(cheap) == frozenset()
    assert estimate(dear).flop > estimate(LONG).flop > estimate(cheap).flop
    assert not any(warning.startswith("Not measured") for warning in warnings(cheap))


def test_every_metric_that_can_be_chosen_has_its_cost():
    assert set(get_args(ChosenMetric)) == ALL_METRICS
    assert work_per_point(LONG).keys() == SHARED_WORK.keys()


def test_a_gradient_flow_costs_its_gradients_and_decompositions_not_one_step_to_a_waypoint():
    def flow(dim, **optimizer):
        content = {
            "teacher": {"kind": "delay"},
            "student": {"kind": "linear", "dim": dim, "structure": "general"},
            "training": {"length": 10},
            "optimizer": {"kind": "gradient_flow", "steps": 100} | optimizer,
            "evaluation": {"metrics": [], "points": 2},
        }
        return estimate(ExperimentSpec.model_validate(content))

    by_gd = flow(40, kind="gd").flop
    assert flow(40).flop > 1000 * by_gd
    assert flow(40, steps=1000).flop / flow(40).flop == pytest.approx(10, rel=0.1)
    n = 40 * 40 + 2 * 40
    assert flow(40).memory_mb - flow(40, kind="gd").memory_mb == pytest.approx(2 * 8 * n**2 / 1e6)


def test_the_flow_to_compare_with_counts():
    without, with_flow = (
        LONG.model_copy(update={"evaluation": LONG.evaluation.model_copy(update={"flow": flow})})
        for flow in (False, True)
    )
    assert estimate(with_flow).flop > estimate(without).flop + 1e9
    assert estimate(with_flow).memory_mb > estimate(without).memory_mb + 10


@pytest.mark.parametrize(
    ("baseline", "dim", "length"),
    [
        ("subspace", 40, 120),
        ("subspace", 5, 300),
        ("balanced_truncation", 300, 20),
        ("era", 5, 700),
        ("nuclear_norm", 5, 60),
        ("kernel", 5, 300),
    ],
)
def test_the_memory_of_a_baseline_is_estimated_within_a_factor_of_2(baseline, dim, length):
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "random", "dim": dim, "spectral_radius": 0.95},
            "student": {"kind": "linear", "dim": 2},
            "training": {"length": length},
            "evaluation": {"baselines": [baseline]},
        }
    )
    target = target_of(spec)
    tracemalloc.start()
    try:
        METHODS[baseline](spec, target)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    flop, numbers = baseline_cost(spec)
    assert 0.5 < 8 * numbers / peak < 2
    assert estimate(spec).memory_mb > 8 * numbers / 1e6
    assert estimate(spec).flop > flop


@pytest.mark.parametrize("baseline", LONGEST)
def test_a_method_that_refuses_long_sequences_costs_nothing_there(baseline):
    longest, longer = (
        ExperimentSpec.model_validate(
            {
                "teacher": {"kind": "delay"},
                "student": {"kind": "linear", "dim": 2},
                "training": {"length": length},
                "evaluation": {"baselines": [baseline]},
            }
        )
        for length in (LONGEST[baseline], LONGEST[baseline] + 1)
    )
    assert min(baseline_cost(longest)) > 0
    assert baseline_cost(longer) == (0, 0)


def test_the_baseline_of_a_large_teacher_exceeds_a_limit():
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "random", "dim": 450},
            "student": {"kind": "linear", "dim": 2},
            "training": {"length": 1000},
            "optimizer": {"steps": 1},
            "evaluation": {"baselines": ["subspace"], "points": 2},
        }
    )
    assert estimate(spec).memory_mb > 1_000
    assert estimate(spec).flop > 1e11
