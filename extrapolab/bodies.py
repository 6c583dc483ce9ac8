"""What is sent to a lab, made of what a user holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.spec import ExperimentSpec

Spec = ExperimentSpec | Mapping[str, Any]
"""A validated spec, or one to be validated by the lab; NumPy arrays in it are sent as lists."""


def spec_body(spec: Spec) -> Any:
    """An experiment as it travels."""
    return spec.model_dump(mode="json") if isinstance(spec, ExperimentSpec) else dict(spec)


def sweep_body(
    base: Mapping[str, Any], axes: Sequence[Mapping[str, Any]], name: str, tags: Sequence[str]
) -> dict[str, Any]:
    """A sweep as it travels."""
    return {"name": name, "base": dict(base), "axes": [*map(dict, axes)], "tags": [*tags]}


def instant(moment: datetime | None) -> str | None:
    """A time as it travels.

    Raises:
        ValueError: It has no time zone.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"not_before needs a time zone, such as datetime(..., tzinfo=UTC); it is {moment}")
    return moment.isoformat()
