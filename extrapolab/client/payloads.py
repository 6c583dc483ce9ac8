"""What is sent to a lab, made of what a user holds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.spec import ExperimentSpec

Spec = ExperimentSpec | Mapping[str, Any]
"""A validated spec, or one to be validated by the lab; NumPy arrays in it are sent as lists."""


def spec_body(spec: object) -> Any:
    """An experiment as it travels.

    Raises:
        TypeError: It is neither a spec nor a mapping.
    """
    if isinstance(spec, ExperimentSpec):
        return spec.model_dump(mode="json")
    if isinstance(spec, Mapping):
        return dict(spec)
    what = f"it is a {type(spec).__name__}: {spec!r:.80}"
    raise TypeError(
        f"a spec is an ExperimentSpec or a dictionary; {what}. The command line reads files."
    )


def sweep_body(
    base: Mapping[str, Any], axes: Sequence[Mapping[str, Any]], name: str, tags: Sequence[str]
) -> dict[str, Any]:
    """A sweep as it travels."""
    return {"name": name, "base": dict(base), "axes": [*map(dict, axes)], "tags": [*tags]}


def joined(names: Iterable[str] | None) -> str | None:
    """Names as they travel; one name may stand for itself.

    Example:
        >>> joined(["fit_error", "imbalance"]), joined("fit_error"), joined(None)
        ('fit_error,imbalance', 'fit_error', None)
    """
    return names if names is None or isinstance(names, str) else ",".join(names)


def instant(moment: datetime | None) -> str | None:
    """A time as it travels.

    Raises:
        ValueError: It has no time zone.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(
            f"not_before needs a time zone, such as datetime(..., tzinfo=UTC); it is {moment}"
        )
    return moment.isoformat()
