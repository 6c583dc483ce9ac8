"""The negative result: for every teacher, some student fits k lags and fails at the next."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core import students
from core.losses import target_of
from core.metrics import errors
from core.spec import ExperimentSpec

TEACHERS = st.one_of(
    st.builds(
        lambda seed, dim: {"kind": "balanced", "dim": dim, "seed": seed},
        st.integers(0, 10**6),
        st.integers(1, 8),
    ),
    st.builds(
        lambda seed, dim: {"kind": "unbalanced", "dim": dim, "seed": seed},
        st.integers(0, 10**6),
        st.integers(1, 8),
    ),
    st.builds(
        lambda seed, dim: {"kind": "random", "dim": dim, "seed": seed},
        st.integers(0, 10**6),
        st.integers(1, 8),
    ),
    st.builds(lambda lag: {"kind": "delay", "lag": lag}, st.integers(0, 20)),
    st.builds(lambda angle: {"kind": "rotation", "angle": angle}, st.floats(0, 3)),
)


@settings(max_examples=150, deadline=None)
@given(
    teacher=TEACHERS,
    length=st.integers(1, 12),
    beyond=st.floats(-10, 10).filter(lambda beyond: abs(beyond) > 0.01),
    seed=st.integers(0, 2**63 - 1),
    structure=st.sampled_from(["symmetric", "general", "diagonal"]),
)
def test_a_counterexample_has_zero_loss_and_the_given_error_beyond(
    teacher, length, beyond, seed, structure
):
    spec = ExperimentSpec.model_validate({
        "teacher": teacher,
        "student": {
            "kind": "linear",
            "dim": length + 1 + seed % 4,
            "structure": structure,
            "start": {"kind": "counterexample", "beyond": beyond},
        },
        "training": {"length": length},
    })  # fmt: skip
    target = target_of(spec)
    system = students.start(
        spec.student, seed, 1, 1, teacher_response=target.response[: length + 1, 0, 0]
    )
    powers = [np.linalg.matrix_power(system.A, j) for j in range(length + 1)]
    lags = np.array([(system.C @ power @ system.B) for power in powers])
    error = (lags - target.response[: length + 1]).ravel()
    scale = max(abs(beyond), np.abs(target.response).max())
    rounding = 2.0 ** (length - 50) * scale  # weights of size 2^k leave this much of 53 bits
    assert np.abs(error[:-1]).max() <= rounding
    assert abs(error[-1] - beyond) <= rounding
    padded = np.concatenate([lags, np.zeros((target.horizon - length - 1, 1, 1))])
    assert errors.train_loss(padded, target) <= length * rounding**2
    assert np.abs(np.linalg.eigvals(system.A)).max() <= 1
    assert np.count_nonzero(system.B) <= length + 1
