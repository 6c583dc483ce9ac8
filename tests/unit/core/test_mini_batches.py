"""Mini-batches: pure functions of seed and step, with the distribution of the spec."""

import numpy as np
import pytest
import torch

from core import networks
from core.losses import input_moments, sample
from core.training.sequences.inputs import (
    Teacher,
    colouring_matrix,
    evaluation_sequences,
    mini_batches,
)
from tests.unit.core.test_sequences import CPU, SAMPLE, spec_of


def test_a_mini_batch_depends_only_on_its_seed_and_step():
    spec = spec_of()
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, CPU)

    def inputs_of(seeds, steps):
        changed = spec.model_copy(update={"seeds": seeds})
        return mini_batches(changed, teacher, torch.float64, CPU).at(steps)[0]

    small, large = 3, 2**63 - 1
    together = inputs_of((small, large), [5, 9])
    assert torch.equal(together[1], inputs_of((large,), [9])[0])
    assert not torch.equal(together[1], inputs_of((large,), [10])[0])
    assert not torch.equal(together[0], inputs_of((small + 1,), [5])[0])
    numbers = torch.cat([inputs_of((0,), [step]).flatten() for step in range(300)])
    assert numbers.unique().numel() == numbers.numel() == 300 * 8 * 4
    assert numbers.mean().abs() < 4 / len(numbers) ** 0.5
    assert (numbers.square().mean() - 1).abs() < 4 * (2 / len(numbers)) ** 0.5


def test_coloured_sequences_have_the_covariance_of_the_spec():
    spec = spec_of(
        loss=({"kind": "population", "covariance": {"kind": "ar1", "rho": 0.7}}, 100_000)
    )
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, CPU)
    inputs, _ = mini_batches(spec, teacher, torch.float64, CPU).at([0, 0, 0])
    sequences = inputs[0, :, :, 0]
    np.testing.assert_allclose(
        sequences @ sequences.T / 100_000,
        input_moments(spec.training),
        atol=5 * 2**0.5 / 100_000**0.5,
    )
    root = colouring_matrix(spec)
    np.testing.assert_allclose(root @ root.T, input_moments(spec.training), atol=1e-12)


@pytest.mark.parametrize("distribution", ["gaussian", "rademacher"])
def test_a_sample_has_the_moments_of_the_closed_form(distribution, monkeypatch):
    monkeypatch.setattr("core.losses._NUMBERS_PER_BLOCK", 40)  # moments of several blocks
    loss = {**SAMPLE, "distribution": distribution}
    spec = spec_of(loss=(loss, None))
    sequences = sample(spec.training.loss, 4)
    assert np.array_equal(sample(spec.training.loss, 4, 7), sequences[:7])
    np.testing.assert_allclose(
        sequences.T @ sequences / 24, input_moments(spec.training), rtol=1e-12, atol=1e-13
    )


def test_subsets_of_explicit_inputs_have_no_repetition():
    explicit = np.arange(12.0).reshape(3, 4)
    spec = spec_of(loss=({"kind": "finite_sample", "inputs": explicit.tolist()}, 2))
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, CPU)
    batches = mini_batches(spec, teacher, torch.float64, CPU)
    sequences = set()
    for step in range(40):
        inputs, labels = batches.at([step] * 3)
        assert (inputs.shape, labels.shape) == ((3, 4, 2, 1), (3, 1, 2, 1))
        torch.testing.assert_close(labels, teacher.outputs(inputs, last=True), rtol=0, atol=1e-15)
        rows = [tuple(row) for row in inputs[0, :, :, 0].T.tolist()]
        assert len(set(rows)) == 2
        sequences |= set(rows)
    assert sequences == {tuple(row) for row in explicit.tolist()}


def test_evaluation_and_training_sequences_are_disjoint():
    spec = spec_of(seeds=[0])
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, CPU)
    inputs, _ = mini_batches(spec, teacher, torch.float64, CPU).at([0])
    assert not np.intersect1d(inputs.numpy(), evaluation_sequences(spec)).size
