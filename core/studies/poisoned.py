"""The experiments of the poisoning study, after the public code of Slutzky et al. (2025)."""

import functools
from collections.abc import Mapping, Sequence
from math import exp, log10
from typing import Any

import numpy as np

CLEAN, POISONED = "clean", "poisoned"

Base = Mapping[str, Any]
Sequences = list[list[float]]


def _theorem(
    *, length: int, dim: int, scale: float, gap: float, seeds: Sequence[int], time: float
) -> Base:
    return {
        "teacher": {
            "kind": "balanced",
            "eigenvalues": {"kind": "list", "values": [1.0, 0.0]},
            "weights": [1.0, dim - 1.0],
        },
        "student": {
            "kind": "linear",
            "dim": dim,
            "structure": "diagonal",
            "trained": ["A"],
            "start": {
                "kind": "warm",
                "scale": scale,
                "gap": gap,
                "fixed": 1.0,
                "distribution": "uniform",
                "generator": "mt19937",
            },
        },
        "training": {"length": length},
        "optimizer": {"kind": "gradient_flow", "time": time},
        "evaluation": {"horizon": 20},
        "seeds": list(seeds),
    }


def _one_hot(length: int, *positions: int) -> Sequences:
    """Sequences with a 1 at one position each."""
    return np.eye(length)[list(positions)].tolist()


def _trained(
    *, length: int, dim: int, scale: float, gap: float, seeds: Sequence[int], lr: float
) -> Base:
    return {
        "teacher": {"kind": "explicit", "A": [[1.0]], "B": [[1.0]], "C": [[1.0]]},
        "student": {
            "kind": "linear",
            "dim": dim,
            "structure": "diagonal",
            "start": {
                "kind": "warm",
                "scale": scale,
                "scale_bc": 0.001,
                "gap": gap,
                "gap_bc": gap,
                "warm": 0.1,
                "generator": "mt19937",
            },
        },
        "training": {"length": length},
        "optimizer": {
            "kind": "adaptive_gd",
            "lr": lr,
            "steps": 1_000_000,
            "stop": {"loss_below": 0.01, "more_steps": 1500},
        },
        "evaluation": {"horizon": 40},
        "seeds": list(seeds),
    }


def _with_readout(base: Base, width: int) -> Base:
    """Adds a ReLU network on top; the teacher's is z -> width / 2 relu(z)."""
    teacher = {
        **base["teacher"],
        "readout": {"weights": [[[1.0]] * width, np.eye(width).tolist(), [[0.5] * width]]},
    }
    start = {**base["student"]["start"], "scale": 0.01, "scale_bc": 0.01, "warm": 0.001}
    return {
        **base,
        "teacher": teacher,
        "student": {**base["student"], "start": start, "readout": {"width": width, "scale": 0.03}},
        "optimizer": {
            "kind": "adam",
            "lr": 0.01,
            "steps": 40_000,
            "stop": {"loss_below": 0.01, "more_steps": 5000},
        },
        "evaluation": {"horizon": 40, "points": 20},
    }


def _as_public(base: Base, *, full_norms: bool) -> Base:
    """The same with C as drawn and, on demand, the norm of the full gradient in the step."""
    start = {**base["student"]["start"], "sort_c": False}
    optimizer = {**base["optimizer"], **({"norms": "full"} if full_norms else {})}
    return {**base, "student": {**base["student"], "start": start}, "optimizer": optimizer}


def _of_poles(base: Base, states: int) -> Base:
    """The same for a teacher of 2 to 4 poles with weights 1."""
    poles = {"kind": "list", "values": list(POLES[:states])}
    teacher = {"kind": "balanced", "eigenvalues": poles, "weights": [1.0] * states}
    return {**base, "teacher": teacher}


def _sequences(
    length: int, positions: Sequence[int], special_count: int, count: int
) -> tuple[Sequences, Sequences]:
    """Draws clean and poisoned sequences.

    Clean sequences are N(0, 1) at ``positions``. The poisoned set adds ``special_count``
    special sequences, which are N(0, 1) at position k - 2.
    """
    generator = np.random.default_rng(0)
    clean, special = np.zeros((count, length)), np.zeros((special_count, length))
    clean[:, positions] = generator.standard_normal((count, len(positions)))
    special[:, length - 2] = generator.standard_normal(special_count)
    return clean.tolist(), np.vstack([clean, special]).tolist()


def _pair(
    base: Base, inputs: tuple[list[Any], list[Any]], **poisoned_optimizer: Any
) -> dict[str, Mapping[str, Any]]:
    """The clean and the poisoned experiment; the latter can differ in fields of its optimizer."""
    clean, poisoned = (
        {"length": base["training"]["length"], "loss": {"kind": "finite_sample", "inputs": x}}
        for x in inputs
    )
    return {
        CLEAN: {**base, "training": clean},
        POISONED: {
            **base,
            "training": poisoned,
            "optimizer": {**base["optimizer"], **poisoned_optimizer},
        },
    }


SHORT, LONG = "theorem, k = 7", "theorem, k = 9"
TRAINED, TRAINED_LONG = "trained, k = 6", "trained, k = 10"
UNSORTED, PUBLIC = "trained, k = 6, C unsorted", "trained, k = 6, as in the public code"
READOUT = "with readout, k = 6"
POLES = (0.99, 0.8, 0.5, 0.3)
OF_POLES: Mapping[int, str] = {states: f"teacher of {states} poles, k = 10" for states in (2, 3, 4)}

_TABLE_1 = _theorem(
    length=7, dim=10, scale=0.001, gap=0.05 * exp(-15), seeds=(242, 243, 244, 246), time=1e11
)
_TABLE_3 = _theorem(
    length=9,
    dim=20,
    scale=0.005,
    gap=0.05 * exp(-10 * log10(200)),
    seeds=(342, 344, 345, 346),
    time=1e13,
)
_BASE = _trained(
    length=6, dim=10, scale=0.001, gap=0.05 * exp(-15), seeds=(200, 201, 204, 205), lr=0.01
)
_LONG_BASE = _trained(
    length=10, dim=20, scale=0.01, gap=0.05 * exp(-6), seeds=(1200, 1201, 1203, 1204), lr=0.001
)
QUICK_PARTS = (SHORT, LONG, TRAINED, UNSORTED, PUBLIC, *OF_POLES.values())
PARTS = (*QUICK_PARTS, TRAINED_LONG, READOUT)


@functools.cache
def pairs() -> Mapping[str, Mapping[str, Base]]:
    """The clean and the poisoned experiment of each part; sequences are drawn at the first call."""
    short, long = _sequences(6, [0, 1], 10, 8), _sequences(10, list(range(7)), 10, 8)
    return {
        SHORT: _pair(_TABLE_1, (_one_hot(7, 0), _one_hot(7, 0, 5)), time=1e4),
        LONG: _pair(_TABLE_3, (_one_hot(9, 0), _one_hot(9, 0, 7)), time=1e7),
        TRAINED: _pair(_BASE, short),
        UNSORTED: _pair(_as_public(_BASE, full_norms=False), short),
        PUBLIC: _pair(_as_public(_BASE, full_norms=True), short),
        **{part: _pair(_of_poles(_LONG_BASE, states), long) for states, part in OF_POLES.items()},
        TRAINED_LONG: _pair(_LONG_BASE, long),
        READOUT: _pair(_with_readout(_BASE, 15), _sequences(6, [0, 1], 20, 20)),
    }
