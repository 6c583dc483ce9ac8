"""The door: a spec in, its result out, on this machine and in this process.

What a notebook calls.
"""

from collections.abc import Callable

import torch

from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.training import State, advance, begin, finish
from core.training.engine import Inherited

SLICE = 1000
"""Steps between two looks of the observer. It changes no bit of the result."""


def run(
    spec: ExperimentSpec,
    observe: Callable[[State], None] | None = None,
    inherited: Inherited | None = None,
) -> ExperimentResult:
    """Trains every seed of ``spec`` to its end.

    Args:
        spec: The experiment; its numerics say where (``auto``: CUDA where there is some, else CPU).
        observe: Called with the state now and then, to show progress.
        inherited: Where the start is ``from_experiment``, the parameters that each seed begins
            with, by seed and name: those of the earlier result's runs.

    Raises:
        NumericsUnavailable: The spec asks for a device that this machine doesn't have.
        SpecError: The inherited parameters don't fit the student.
        ValueError: The start is ``from_experiment``, and nothing is inherited.

    Example:
        >>> result = run(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9]}},
        ...     "student": {"kind": "linear", "dim": 8, "structure": "symmetric"},
        ...     "training": {"length": 4},
        ...     "optimizer": {"lr": 0.05, "steps": 4000},
        ...     "seeds": [0],
        ... }))
        >>> result.runs[0].outcome.value, result.runs[0].summary["extrapolation_error"] < 1e-6
        ('fitted', True)
    """
    device = spec.numerics.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    state = begin(spec, device, inherited)
    while not state.done:
        state = advance(state, SLICE)
        if observe is not None:
            observe(state)
    return finish(state)
