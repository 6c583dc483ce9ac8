"""Small sweeps to submit."""

from typing import Any

from tests.kit import sample_specs

_SPEC = sample_specs.spec(tags=["phase"]).model_dump(mode="json")
BASE = {name: part for name, part in _SPEC.items() if name not in {"name", "notes"}}
K = {"path": "training.length", "values": [2, 3, 4]}
SCALE = {"path": "student.start.scale", "kind": "logspace", "low": 0.01, "high": 1.0, "count": 2}


def sweep(*axes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A sweep over ``axes``."""
    return {"name": "phase", "base": BASE, "axes": list(axes), **changes}
