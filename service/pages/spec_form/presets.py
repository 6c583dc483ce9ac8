"""Experiments to begin with: specs that are worth a change, each trained in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.spec.examples import EXAMPLE, GATED

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Preset:
    """A spec, its title, and what one sees with it."""

    title: str
    sentence: str
    spec: Json


_POLES = {"kind": "list", "values": [0.9, -0.6, 0.3]}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "balanced": Preset(
            "Balanced teacher, near zero",
            "The main result: a student with far more states than it needs still extrapolates.",
            EXAMPLE,
        ),
        "large-start": Preset(
            "General student, large start",
            "The same teacher, a start far from zero: it fits, and does not extrapolate.",
            {
                "name": "general student, large start",
                "teacher": {"kind": "balanced", "eigenvalues": _POLES},
                "student": {
                    "kind": "linear",
                    "dim": 40,
                    "structure": "general",
                    "start": {"kind": "gaussian", "scale": 0.9},
                },
                "training": {"length": 8},
                "optimizer": {"kind": "gd", "lr": 0.005, "steps": 10000},
                "evaluation": {"horizon": 40},
            },
        ),
        "memoryless": Preset(
            "Memoryless teacher",
            "The teacher forgets at once; does the student learn to forget?",
            {
                "name": "memoryless teacher",
                "teacher": {"kind": "memoryless", "gain": 1.0},
                "student": {
                    "kind": "linear",
                    "dim": 40,
                    "structure": "general",
                    "start": {"kind": "gaussian", "scale": 0.5},
                },
                "training": {"length": 5},
                "optimizer": {"kind": "gd", "lr": 0.02, "steps": 5000},
                "evaluation": {"horizon": 20},
            },
        ),
        "long-memory": Preset(
            "Memory past the training length",
            "A delay that short sequences can't show: nothing can be learned from them.",
            {
                "name": "memory past the training length",
                "teacher": {"kind": "delay", "lag": 10},
                "student": {"kind": "linear", "dim": 40, "structure": "general"},
                "training": {"length": 6},
                "optimizer": {"kind": "gd", "lr": 0.02, "steps": 3000},
                "evaluation": {"horizon": 24},
            },
        ),
        "gradient-flow": Preset(
            "Gradient flow, balanced start",
            "Every assumption of the theorem holds: fitting implies extrapolating.",
            {
                "name": "gradient flow, balanced start",
                "teacher": {"kind": "balanced", "eigenvalues": _POLES},
                "student": {
                    "kind": "linear",
                    "dim": 20,
                    "structure": "symmetric",
                    "start": {"kind": "gaussian", "scale": 0.01, "balanced": True},
                },
                "training": {"length": 8},
                "optimizer": {"kind": "gradient_flow", "time": 1000.0},
                "evaluation": {"horizon": 40},
                "seeds": 3,
            },
        ),
        "gru": Preset(
            "GRU",
            "A gated student of a gated teacher, trained on fresh sequences.",
            GATED,
        ),
    }
)
