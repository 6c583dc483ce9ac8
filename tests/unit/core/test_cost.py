"""Cost estimates grow with the work, and match counts by hand where those are easy."""

import pytest

from core.cost import estimate
from core.spec import ExperimentSpec

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
    student = {"kind": "linear", "dim": 512, "readout": {"width": 15}}
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
    assert sequences < cost(**large).memory_mb < 2 * sequences
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
