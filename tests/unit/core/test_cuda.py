"""Training on CUDA agrees with training on the CPU; skipped without a device."""

import numpy as np
import pytest
import torch

from core.training import advance, begin, cancel, finish, resume, snapshot
from tests.unit.core.test_training import STRUCTURES, spec_of

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device: training on CUDA is NOT tested here"
)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_cuda_run_agrees_with_a_cpu_run(structure):
    spec = spec_of(structure)
    on_gpu, on_cpu = (finish(advance(begin(spec, device), 10_000)) for device in ("cuda", "cpu"))
    for gpu_run, cpu_run in zip(on_gpu.runs, on_cpu.runs, strict=True):
        assert (gpu_run.outcome, gpu_run.steps) == (cpu_run.outcome, cpu_run.steps)
        np.testing.assert_allclose(gpu_run.response, cpu_run.response, rtol=1e-9, atol=1e-9)


def test_a_cuda_run_can_be_resumed_and_cancelled():
    state = advance(begin(spec_of(), "cuda"), 40)
    state = cancel(advance(resume(spec_of(), snapshot(state), "cuda"), 20))
    assert {(run.outcome.value, run.steps) for run in finish(state).runs} == {("cancelled", 60)}
