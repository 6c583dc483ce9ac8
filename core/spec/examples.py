"""Whole specs to begin with: one that shows what is meant, and one for each kind of a part."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.spec.experiment import ExperimentSpec
from core.spec.schema import experiment_schema, kinds_of

Json = Mapping[str, Any]

EXAMPLE: Json = MappingProxyType(
    {
        "name": "two poles, near zero",
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": 20, "start": {"kind": "gaussian", "scale": 0.001}},
        "training": {"length": 6},
        "optimizer": {"kind": "gd", "lr": 0.02, "steps": 5000},
        "seeds": 3,
    }
)
"""A student with far more states than its teacher, which extrapolates from a near-zero start."""

SWEEP_EXAMPLE: Json = MappingProxyType(
    {
        "name": "phase diagram",
        "base": {
            "teacher": EXAMPLE["teacher"],
            "student": {"kind": "linear", "dim": 20},
            "optimizer": {"lr": 0.02, "steps": 5000},
            "seeds": 3,
        },
        "axes": [
            {"path": "training.length", "values": [3, 4, 5, 6, 8]},
            {
                "path": "student.start.scale",
                "kind": "logspace",
                "low": 0.001,
                "high": 1,
                "count": 4,
            },
        ],
    }
)
"""The same student at several training lengths and scales of its start."""

GATED: Json = MappingProxyType(
    {
        "name": "GRU learns from a GRU",
        "teacher": {"kind": "gru", "dim": 4},
        "student": {"kind": "gru", "dim": 16},
        "training": {"length": 6},
        "optimizer": {"kind": "adam", "lr": 0.003, "steps": 500},
        "evaluation": {"horizon": 20},
        "seeds": 2,
    }
)
"""The same for networks that are trained on sequences."""

PARTS = ("teacher", "student", "optimizer")
"""The parts of which there is an example of each kind."""

_GIVEN: Json = {
    "teacher.explicit": {"A": [[0.9, 0.0], [0.0, -0.5]], "B": [[1.0], [0.5]], "C": [[0.7, 1.0]]},
    "student.linear": EXAMPLE["student"],
    **{f"student.{kind}": {"dim": 16} for kind in ("gru", "lstm", "tanh_rnn")},
    "optimizer.gd": EXAMPLE["optimizer"],
    "optimizer.momentum": {"lr": 0.02, "steps": 2000},
    "optimizer.adam": {"lr": 0.003, "steps": 2000},
}
"""The fields that an example gives the part that it is about; the rest have their defaults."""

ASYMMETRIC = frozenset({"delay", "rotation", "random"})
"""The teachers that no symmetric student matches."""

GATED_KINDS = frozenset({"gru", "lstm", "tanh_rnn"})
"""The networks that are trained on sequences."""


def kinds(part: str) -> list[str]:
    """The kinds of a part of an experiment, in the order of the reference.

    Example:
        >>> kinds("student")
        ['linear', 'gru', 'lstm', 'tanh_rnn']
    """
    schema = experiment_schema()
    return [*kinds_of(schema["properties"][part], schema["$defs"])]


def example(part: str, kind: str) -> dict[str, Any]:
    """A whole, valid experiment with a part of this kind, which has every one of its fields.

    Example:
        >>> example("teacher", "delay")["teacher"]
        {'kind': 'delay', 'lag': 4}
    """
    spec = {**(GATED if part != "optimizer" and kind in GATED_KINDS else EXAMPLE)}
    spec["name"] = f"{part} {kind}"
    if part == "teacher" and kind in ASYMMETRIC:
        spec["student"] = {**spec["student"], "structure": "general"}
    given = part_of_kind(part, kind)
    whole = ExperimentSpec.model_validate({**spec, part: given}).model_dump(mode="json")[part]
    schema = experiment_schema()
    fields = kinds_of(schema["properties"][part], schema["$defs"])[kind]["properties"]
    filled = {name: whole.get(name, field.get("default")) for name, field in fields.items()}
    return {**spec, part: {"kind": kind, **filled}}


def part_of_kind(part: str, kind: str) -> dict[str, Any]:
    """A part of an experiment with what its kind requires."""
    return {"kind": kind, **_GIVEN.get(f"{part}.{kind}", {})}
