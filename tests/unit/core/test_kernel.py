"""The compiled loops of linear students agree with torch, over random experiments."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cost import LONG_LENGTH
from core.losses import Diagonal
from core.spec import ExperimentSpec, LinearStudent, Numerics
from core.training import begin
from core.training.closed_form.gradient import gradient_of
from core.training.closed_form.kernel import KernelStepper
from core.training.loops import (
    cells,
    formulas,
    lanes,
    linear,
    linear_gradient,
    networks,
    optimizer_steps,
    tiles,
)
from core.training.stepper import DIVERGED, RUNNING, STOPPED, TorchStepper

DTYPES = {"float64": (torch.float64, 1e-10), "float32": (torch.float32, 2e-3)}
SCHEDULES = (
    {"kind": "constant"},
    {"kind": "cosine", "floor": 0.2},
    {"kind": "exponential", "decay": 0.3, "every": 7},
    {"kind": "warmup", "steps": 10},
)


@st.composite
def specs(draw):
    length, tied = draw(st.integers(1, 9) | st.integers(10, 40)), draw(st.booleans())
    trained = draw(
        st.sampled_from(
            [["A", "B", "C"], ["A"], ["B", "C"]] + ([] if tied else [["A", "C"], ["B"]])
        )
    )
    stops = st.fixed_dictionaries(
        {"loss_below": st.sampled_from([0.02, 0.5, 1e3]), "more_steps": st.integers(0, 9)}
    )
    root = np.random.default_rng(draw(st.integers(0, 99))).standard_normal((length, length))
    return ExperimentSpec.model_validate(
        {
            "teacher": {
                "kind": "random",
                "dim": draw(st.integers(1, 4)),
                "seed": draw(st.integers(0, 99)),
            },
            "student": {
                "kind": "linear",
                # a tile is up to 8 registers wide
                "dim": draw(st.integers(1, 13) | st.integers(14, 90)),
                "structure": draw(
                    st.sampled_from(LinearStudent.model_fields["structure"].annotation.__args__)
                ),
                "tied": tied,
                "trained": trained,
                "start": {"scale": draw(st.sampled_from([1e-3, 0.5]))},
            },
            "training": {
                "length": length,
                "loss": {"kind": "second_moment", "matrix": (root @ root.T / length).tolist()},
            },
            "optimizer": draw(
                st.sampled_from(
                    [
                        {"kind": "gd"},
                        {"kind": "momentum", "momentum": 0.7},
                        {"kind": "adaptive_gd"},
                        # where a gradient is rounding, so is its sign
                        {"kind": "adam", "betas": [0.8, 0.99], "eps": 1e-4},
                    ]
                )
            )
            | {
                "lr": 1e-3,
                "steps": 20,
                "stop": draw(st.none() | stops),
                "schedule": draw(st.sampled_from(SCHEDULES)),
                "rates": draw(st.sampled_from([{}, {"A": 0.0, "B": 0.5, "C": 2.0}])),
            },
            "numerics": {"dtype": draw(st.sampled_from([*DTYPES]))},
            "seeds": draw(st.integers(1, 3)),
        }
    )


def steppers(spec, state):
    """The compiled stepper and the torch stepper of a spec."""
    dtype, _ = DTYPES[spec.numerics.dtype]
    layout, target = state.engine.layout, state.engine.target
    gradient = gradient_of(layout, target, dtype, torch.device("cpu"))
    return KernelStepper(spec.optimizer, layout, target, dtype), TorchStepper(
        gradient, spec.optimizer, layout
    )


@pytest.mark.timeout(600)  # the first example compiles the loops
@settings(max_examples=100, deadline=None)
@given(spec=specs(), steps=st.integers(1, 20))
def test_compiled_and_torch_steppers_take_the_same_steps(spec, steps):
    state = begin(spec)
    fast, slow = (stepper.advance(state.batch, steps) for stepper in steppers(spec, state))
    tolerance = DTYPES[spec.numerics.dtype][1]
    torch.testing.assert_close(fast.parameters, slow.parameters, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(fast.memory, slow.memory, rtol=tolerance, atol=tolerance)
    assert torch.equal(fast.steps, slow.steps)
    assert torch.equal(fast.status, slow.status)
    assert torch.equal(fast.until, slow.until)


@pytest.mark.parametrize("white", [True, False])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
@pytest.mark.parametrize("dim", [5, 17])
def test_compiled_and_torch_steppers_take_the_same_steps_at_a_long_length(
    dim, structure, tied, white
):
    student = {"kind": "linear", "dim": dim, "structure": structure, "tied": tied}
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, 1.0]}},
            "student": {**student, "start": {"scale": 0.5}},
            "training": {
                "length": LONG_LENGTH,
                "outputs": "all",
                "loss": {"covariance": None if white else {"kind": "ar1", "rho": 0.5}},
            },
            "optimizer": {"lr": 1e-4, "steps": 20},
            "seeds": 2,
        }
    )
    state = begin(spec)
    assert isinstance(state.engine.target.M, Diagonal) == white
    fast, slow = (stepper.advance(state.batch, 20) for stepper in steppers(spec, state))
    torch.testing.assert_close(fast.parameters, slow.parameters, rtol=1e-11, atol=1e-12)
    if structure == "symmetric":
        A = state.engine.layout.views(fast.parameters)["A"]
        assert torch.equal(A, A.mT)


def spec_of(scale, **optimizer):
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
            "student": {
                "kind": "linear",
                "dim": 6,
                "structure": "general",
                "start": {"scale": scale},
            },
            "training": {"length": 5},
            "optimizer": {"lr": 0.02, **optimizer},
            "seeds": 12,
        }
    )


@pytest.mark.parametrize(
    ("spec", "statuses"),
    [
        (spec_of(1.6), {DIVERGED, RUNNING}),
        (spec_of(0.7, stop={"loss_below": 1e-3}), {STOPPED, RUNNING}),
        (spec_of(0.7, stop={"loss_below": 1e-3, "more_steps": 11}), {STOPPED, RUNNING}),
    ],
    ids=["some diverge", "some stop", "some stop later"],
)
def test_both_steppers_end_each_seed_at_the_same_step_with_the_same_status(spec, statuses):
    state = begin(spec)
    fast, slow = (stepper.advance(state.batch, 130) for stepper in steppers(spec, state))
    assert set(fast.status.tolist()) == statuses
    assert torch.equal(fast.status, slow.status)
    assert torch.equal(fast.steps, slow.steps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "k", [2, 7, linear_gradient.SHORT_LENGTH, linear_gradient.SHORT_LENGTH + 1]
)
@pytest.mark.parametrize("d", [1, 8, 9, 20, 33, 50])
def test_a_symmetric_student_stays_exactly_symmetric(d, k, dtype):
    student = {"kind": "linear", "dim": d, "structure": "symmetric", "start": {"scale": 0.3}}
    spec = spec_of(0.3, lr=1e-3).model_copy(update={"numerics": Numerics(dtype=dtype)})
    spec = ExperimentSpec.model_validate(
        {**spec.model_dump(), "student": student, "training": {"length": k}}
    )
    state = begin(spec)
    A = state.engine.layout.views(state.engine.stepper.advance(state.batch, 20).parameters)["A"]
    assert torch.equal(A, A.mT)


def test_a_check_changes_neither_parameters_nor_steps():
    spec = spec_of(1.6)
    state = begin(spec)
    for stepper in steppers(spec, state):
        batch = stepper.advance(state.batch, 100)
        checked = stepper.check(batch)
        assert torch.equal(checked.parameters, batch.parameters)
        assert torch.equal(checked.steps, batch.steps)


def test_a_seed_does_not_depend_on_the_other_seeds():
    spec = spec_of(0.5)
    state = begin(spec)
    together = steppers(spec, state)[0].advance(state.batch, 200).parameters
    spec = spec.model_copy(update={"seeds": [7]})
    state = begin(spec)
    alone = steppers(spec, state)[0].advance(state.batch, 200).parameters
    assert torch.equal(alone, together[7:8])


@pytest.mark.parametrize("threads", [1, 2])
def test_only_the_compiled_loops_flush_subnormal_numbers_to_zero(request, threads):
    before = torch.get_num_threads()
    request.addfinalizer(lambda: torch.set_num_threads(before))
    torch.set_num_threads(threads)
    spec = spec_of(1e-310, lr=1e-9)
    state = begin(spec)
    batch = steppers(spec, state)[0].advance(state.batch, 1)
    assert not batch.parameters.any()
    assert np.float64(1e-310) / 2 > 0


@pytest.mark.parametrize(
    ("loops", "modules"),
    [
        (linear, (lanes, tiles, optimizer_steps, linear_gradient)),
        (networks, (lanes, tiles, optimizer_steps, formulas, cells)),
    ],
    ids=["linear", "networks"],
)
def test_the_source_digest_invalidates_the_cache_when_a_compiled_module_changes(loops, modules):
    sources = b"".join(Path(module.__file__).read_bytes() for module in modules)
    digest = hashlib.sha256(sources).hexdigest()[:16]
    assert digest == loops.SOURCE_DIGEST, f'set SOURCE_DIGEST = "{digest}" in {loops.__name__}'


def test_loops_compile_without_a_writable_cache():
    no_cache = {**os.environ, "NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}
    code = "from core.training.loops import linear; print(linear.train._cache.cache_path)"
    process = subprocess.run(
        [sys.executable, "-c", code], env=no_cache, capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "None"


def test_results_do_not_depend_on_the_number_of_threads(request):
    threads = torch.get_num_threads()
    request.addfinalizer(lambda: torch.set_num_threads(threads))
    spec = spec_of(0.5)
    state = begin(spec)
    parameters = []
    for count in (1, 3):
        torch.set_num_threads(count)
        parameters.append(steppers(spec, state)[0].advance(state.batch, 200).parameters)
    assert torch.equal(*parameters)


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the loops for smaller registers are NOT tested here"
)
@pytest.mark.timeout(900)  # it compiles all loops again
def test_loops_for_smaller_registers_take_the_same_steps(tmp_path):
    haswell = {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+sse4.2,+avx,+avx2,+fma,+bmi,+bmi2",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    code = """
from core.training.loops import lanes
from tests.unit.core.test_kernel import *
from tests.unit.core.test_sequence_kernel import test_compiled_loops_and_torch_agree
print(lanes.BYTES)
test_compiled_and_torch_steppers_take_the_same_steps()
test_a_seed_does_not_depend_on_the_other_seeds()
for d in (3, 9, 16, 20, 33):
    test_a_symmetric_student_stays_exactly_symmetric(d, 7, "float64")
test_compiled_loops_and_torch_agree()
"""
    process = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **haswell},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == "32"
