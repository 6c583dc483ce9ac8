"""Every loss is L = eᵀ M e: M agrees with the definition, by simulation on sequences."""

import numpy as np
import pytest

from core.losses import Diagonal, label_noise, loss_matrix, sample, target_of
from core.metrics.errors import train_loss
from core.run import run
from core.spec import ExperimentSpec, Training, spec_hash


def squared_outputs(errors, inputs, outputs):
    """The loss by definition: the mean square of the outputs of the filter e that count."""
    k = len(errors)
    y = np.array(
        [[sum(errors[j] * x[t - j] for j in range(t + 1)) for t in range(k)] for x in inputs]
    )
    return np.mean(y[:, -1] ** 2) if outputs == "last" else np.mean(y**2)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_a_finite_sample_loss_is_the_mean_over_its_sequences(outputs):
    generator = np.random.default_rng(0)
    inputs, errors = generator.standard_normal((7, 5)), generator.standard_normal(5)
    training = Training.model_validate(
        {
            "length": 5,
            "outputs": outputs,
            "loss": {"kind": "finite_sample", "inputs": inputs.tolist()},
        }
    )
    M = loss_matrix(training)
    assert errors @ M @ errors == pytest.approx(squared_outputs(errors, inputs, outputs), rel=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize(
    "covariance", [None, {"kind": "ar1", "rho": 0.8}, {"kind": "explicit", "matrix": None}]
)
def test_a_population_loss_is_that_of_a_sample_with_its_covariance(outputs, covariance):
    generator = np.random.default_rng(1)
    root = generator.standard_normal((4, 4))
    sigma = root @ root.T
    if covariance is None:
        sigma = np.eye(4)
    elif covariance["kind"] == "ar1":
        sigma = 0.8 ** np.abs(np.subtract.outer(range(4), range(4)))
    else:
        covariance = {"kind": "explicit", "matrix": sigma.tolist()}
    # The scaled rows of a square root of sigma have exactly its second moments.
    inputs = 2 * np.linalg.cholesky(sigma).T
    errors = generator.standard_normal(4)
    M = loss_matrix(
        Training.model_validate(
            {"length": 4, "outputs": outputs, "loss": {"covariance": covariance}}
        )
    )
    assert errors @ M @ errors == pytest.approx(squared_outputs(errors, inputs, outputs), rel=1e-12)


def test_whitened_inputs_weight_each_lag_by_the_share_of_outputs_that_see_it():
    np.testing.assert_allclose(
        loss_matrix(Training(length=4, outputs="all")), np.diag([1, 0.75, 0.5, 0.25])
    )


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_the_diagonal_matrix_of_white_inputs_is_the_dense_one(outputs):
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "delay"},
            "student": {"kind": "linear", "dim": 8},
            "training": {"length": 7, "outputs": outputs},
        }
    )
    M, dense = target_of(spec).M, loss_matrix(spec.training)
    assert isinstance(M, Diagonal)
    assert len(M) == len(dense)
    assert np.array_equal(np.asarray(M), dense)
    x = np.random.default_rng(0).standard_normal((2, 7, 3))
    assert np.array_equal(M @ x, dense @ x)


def test_a_drawn_sample_has_the_distribution_and_seed_of_the_spec():
    def matrix(**loss):
        return loss_matrix(
            Training.model_validate({"length": 3, "loss": {"kind": "finite_sample", **loss}})
        )

    signs = matrix(sequences=50, distribution="rademacher", seed=2)
    np.testing.assert_allclose(np.diag(signs), 1)
    assert np.array_equal(signs, matrix(sequences=50, distribution="rademacher", seed=2))
    np.testing.assert_allclose(matrix(sequences=20_000), np.eye(3), atol=0.05)
    assert np.linalg.matrix_rank(matrix(sequences=2)) == 2


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("sequences", [3, 9])
def test_noise_on_labels_moves_the_minimum_and_leaves_out_a_constant(outputs, sequences):
    """The squared errors on noisy labels, less their least value, are the loss."""
    loss = {"kind": "finite_sample", "sequences": sequences, "noise": 0.3, "seed": 4}
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "rotation"},
            "student": {"kind": "linear", "dim": 2},
            "training": {"length": 5, "outputs": outputs, "loss": loss},
        }
    )
    target, inputs = target_of(spec), sample(spec.training.loss, 5)
    noise = label_noise(spec.training.loss, (sequences, 5, 1))[:, :, 0]

    def squared_error(response):
        y = np.array([[response[: t + 1] @ x[t::-1] for t in range(5)] for x in inputs])
        exact = np.array(
            [[target.response[: t + 1, 0, 0] @ x[t::-1] for t in range(5)] for x in inputs]
        )
        error = y - exact - noise
        return np.mean(error[:, -1] ** 2) if outputs == "last" else np.mean(error**2)

    least = squared_error(target.taught.ravel())
    for seed in range(3):
        h = np.random.default_rng(seed).standard_normal(5)
        padded = np.concatenate([h, np.zeros(target.horizon - 5)]).reshape(-1, 1, 1)
        loss_of_h = train_loss(padded, target)
        assert loss_of_h == pytest.approx(squared_error(h) - least, rel=1e-10)
        assert loss_of_h >= 0
    assert np.abs(target.shift).max() > 0.01


def test_noise_leaves_the_sequences_and_the_hash_of_specs_without_it():
    def spec(**loss):
        return ExperimentSpec.model_validate(
            {
                "teacher": {"kind": "delay"},
                "student": {"kind": "linear", "dim": 8},
                "training": {
                    "length": 6,
                    "loss": {"kind": "finite_sample", "sequences": 4, **loss},
                },
            }
        )

    clean, noisy = spec(), spec(noise=0.1)
    assert np.array_equal(loss_matrix(clean.training), loss_matrix(noisy.training))
    assert "noise" not in clean.training.loss.model_dump()
    assert spec_hash(spec(noise=0)) == spec_hash(clean) != spec_hash(noisy)


def test_training_on_noisy_labels_reaches_their_least_squares_response():
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "memoryless"},
            "student": {
                "kind": "linear",
                "dim": 6,
                "structure": "general",
                "start": {"scale": 0.9},
            },
            "training": {
                "length": 2,
                "loss": {"kind": "finite_sample", "sequences": 30, "noise": 0.5},
            },
            "optimizer": {"lr": 0.05, "steps": 3000},
            "seeds": 1,
        }
    )
    (trained,) = run(spec).runs
    np.testing.assert_allclose(trained.response[:2], target_of(spec).taught.ravel(), atol=1e-6)
    assert trained.summary["fit_error"] > 0.01
    assert abs(trained.summary["train_loss"]) < 1e-10
