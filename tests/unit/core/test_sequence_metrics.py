"""Metrics of students on sequences agree with their definitions, on torch.nn's own layers."""

import numpy as np
import pytest
import torch

from core import networks
from core.metrics import effective_rank
from core.metrics.errors import over_variance
from core.metrics.sequences import hankel_singular_values_of
from core.result import METRICS
from core.run import run
from core.systems import LinearSystem, hankel_singular_values, impulse_response
from core.training.sequences.inputs import evaluation_sequences
from tests.unit.core.test_sequences import spec_of


def run_torch_layer(kind, weights, inputs):
    """States and outputs of torch.nn's layer for ``inputs`` (q, N, 1)."""
    layer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "tanh_rnn": torch.nn.RNN}[kind](
        1, len(weights["C"][0])
    )
    layer = layer.double()
    layer.load_state_dict(
        {f"{n}_l0": torch.as_tensor(w, dtype=torch.float64) for n, w in weights.items() if n != "C"}
    )
    with torch.no_grad():
        states = layer(torch.from_numpy(inputs))[0].numpy()
    return states, states @ np.array(weights["C"]).T


@pytest.mark.parametrize("kind", ["gru", "lstm", "tanh_rnn"])
def test_the_metrics_agree_with_their_definitions(kind):
    spec = spec_of({"kind": kind, "dim": 5}, outputs="all", seeds=[0])
    (r,) = run(spec).runs
    white = evaluation_sequences(spec)
    _, teacher = networks.of_teacher(spec.teacher)
    states, outputs = run_torch_layer(kind, r.parameters, white)
    _, labels = run_torch_layer("gru", teacher, white)
    impulse, silence = np.zeros((10, 1, 1)), np.zeros((10, 1, 1))
    impulse[0] = 1
    h, h_hat = (
        (run_torch_layer(k, w, impulse)[1] - run_torch_layer(k, w, silence)[1]).ravel()
        for k, w in ((kind, r.parameters), ("gru", teacher))
    )
    squared = np.mean((outputs - labels) ** 2, axis=1).ravel()
    relative = squared / labels.var(axis=1).ravel()
    flat = states.reshape(-1, 5)
    n = 5
    hankel = np.linalg.svdvals(np.array([[h[i + j] for j in range(n)] for i in range(n)]))
    error = np.abs(h - h_hat)
    expected = {
        "train_loss": squared[:4].mean(),
        "fit_error": error[:4].max(),
        "extrapolation_error": error[4:].max(),
        "extrapolation_error_rms": np.sqrt(np.mean(error[4:] ** 2)),
        "zero_baseline": np.abs(h_hat[4:]).max(),
        "relative_extrapolation_error": error[4:].max() / np.abs(h_hat[4:]).max(),
        "extrapolation_horizon": next(
            (j for j in range(10) if error[j] > 1e-3 * np.abs(h_hat[:4]).max()), 10
        ),
        "sequence_fit_error": relative[:4].max(),
        "sequence_extrapolation_error": relative[4:].max(),
        "effective_rank": effective_rank(hankel),
        "state_effective_rank": effective_rank(np.linalg.eigvalsh(np.cov(flat.T, bias=True))),
    }
    for name, value in expected.items():
        assert r.summary[name] == pytest.approx(value, rel=1e-8), name
    undefined = {name for name, value in r.summary.items() if np.isnan(value)}
    of_training = {name for name in METRICS if "plateau" in name or "to_fit" in name} | {"time"}
    assert undefined >= METRICS.keys() - expected.keys() - of_training
    np.testing.assert_allclose(r.hankel_singular_values, hankel, rtol=1e-8, atol=1e-14)


def test_hankel_singular_values_of_response_and_system_agree():
    generator = np.random.default_rng(3)
    A, B, C = (generator.standard_normal(shape) for shape in ((2, 4, 4), (2, 4, 3), (2, 2, 4)))
    system = LinearSystem(A / 4, B, C)
    values = hankel_singular_values_of(impulse_response(system, 13))
    np.testing.assert_allclose(values, hankel_singular_values(system, 13), rtol=1e-9, atol=1e-12)


def test_errors_at_a_constant_teacher_output_are_relative_to_the_variance_at_the_horizon():
    error, variance = np.array([[0.0, 1.0, 2.0]]), np.array([0.0, 2.0, 4.0])
    np.testing.assert_allclose(over_variance(error, variance), [[0.0, 0.5, 0.5]])
    np.testing.assert_allclose(over_variance(np.array([[3.0, 1.0, 2.0]]), variance)[0, 0], 0.75)
    with np.errstate(all="ignore"):
        assert np.isnan(over_variance(np.array([[0.0, 1.0]]), np.zeros(2))).all()
