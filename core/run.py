"""Runs a spec to its result in this process, as in a notebook."""

from collections.abc import Callable

import torch

from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.training import State, advance, begin, finish
from core.training.engine import InitialParameters

SLICE = 1000
"""Steps between two calls of the observer; the result does not depend on it."""


def run(
    spec: ExperimentSpec,
    observe: Callable[[State], None] | None = None,
    initial_parameters: InitialParameters | None = None,
) -> ExperimentResult:
    """Trains every seed of ``spec`` and returns the result.

    Args:
        spec: The experiment; the device ``auto`` is CUDA if available, else the CPU.
        observe: Called with the state every :data:`SLICE` steps, for instance to show progress.
        initial_parameters: Parameters by seed and name for a ``from_experiment`` start, from the
            earlier result's runs.

    Raises:
        NumericsUnavailable: This machine lacks the device that the spec asks for.
        SpecError: The initial parameters don't fit the student.
        ValueError: The start is ``from_experiment``, but no initial parameters are given.

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
    state = begin(spec, device, initial_parameters)
    while not state.done:
        state = advance(state, SLICE)
        if observe is not None:
            observe(state)
    return finish(state)
