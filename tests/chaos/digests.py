"""The numbers of experiments: what they should be without faults, to the bit, and what they are."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from core.run import run
from core.spec import ExperimentSpec
from service.schemas.base import to_json

_BASE = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "training": {"length": 6},
    "evaluation": {"horizon": 12, "points": 50},
    "seeds": [0],
}
_KINDS = (
    {"student": {"kind": "linear", "dim": 20}, "optimizer": {"kind": "gd", "steps": 12_000}},
    {
        "student": {"kind": "linear", "dim": 20, "structure": "general"},
        "optimizer": {"kind": "momentum", "steps": 8_000},
        "seeds": [3, 2**62],
    },
    {
        "student": {"kind": "linear", "dim": 12, "structure": "diagonal"},
        "optimizer": {"kind": "adam", "steps": 10_000},
    },
    {"student": {"kind": "gru", "dim": 4}, "optimizer": {"kind": "adam", "steps": 25}},
)
SPECS = [ExperimentSpec.model_validate({**_BASE, **kind}) for kind in _KINDS]
"""Specs that train for some tenths of a second each, on every stepper."""

SWEEP_SEEDS = ([11], [12], [13])
"""The seeds of the experiments of a sweep over the first of :data:`SPECS`."""


def name(spec: ExperimentSpec) -> str:
    """A unique name for each of :data:`SPECS`, and for each experiment of a sweep."""
    return f"{spec.student.kind} {spec.optimizer.kind} {spec.seeds[0]}"


def expected_digests() -> dict[str, str]:
    """By name, the digest of an undisturbed training."""
    of_sweep = [SPECS[0].model_copy(update={"seeds": tuple(seeds)}) for seeds in SWEEP_SEEDS]
    return {name(spec): expected_digest(spec) for spec in (*SPECS, *of_sweep)}


def expected_digest(spec: ExperimentSpec) -> str:
    """The digest of an undisturbed training on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = run(spec)
    torch.set_num_threads(threads)
    columns = {name: np.array(column) for name, column in result.series.items()}
    order = np.lexsort((columns["step"], columns["seed"]))
    series = {name: column[order].tolist() for name, column in columns.items()}
    return digest(json.loads(result.model_dump_json()), json.loads(to_json(series)))


def stored_digest(get: Callable[[str], Any], path: str) -> str:
    """The digest of an experiment in a lab; ``get`` gives the JSON at a path."""
    return digest(get(f"{path}/result"), get(f"{path}/series"))


def digest(result: Mapping[str, Any], series: Mapping[str, Any]) -> str:
    """SHA-256 of the outcomes, parameters and responses in a result, and of all recorded points."""
    runs = [
        (run["seed"], run["outcome"], run["parameters"], run["response"]) for run in result["runs"]
    ]
    return hashlib.sha256(json.dumps([runs, series], sort_keys=True).encode()).hexdigest()
