"""The result of an experiment with NumPy arrays; its JSON is the lab's, with lists."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from core.result import BaselineResult, ExperimentResult, RunResult
from extrapolab.models.base import SuggestingModel

if TYPE_CHECKING:
    import numpy as np

_KEPT = "_arrays"


class _Arrays:
    """Arrays by name, kept beside the fields; equal only to itself, so that fields decide."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}


def _array(owner: Any, name: str, value: Any) -> Any:
    """The numbers of a field as an array, or as one by name; made when they are first used."""
    arrays: dict[str, Any] = owner.__dict__.setdefault(_KEPT, _Arrays()).by_name
    if name not in arrays:
        import numpy as np  # noqa: PLC0415  # most commands need no arrays

        if isinstance(value, Mapping):
            arrays[name] = {key: np.array(part, np.float64) for key, part in value.items()}
        else:
            arrays[name] = np.array(value, np.float64)
    return arrays[name]


class Run(SuggestingModel, RunResult):
    """The result of one seed, with arrays.

    ``response`` is (q,), or (q, p, m) of several channels; ``eigenvalues`` (d, 2) as [re, im];
    ``hankel_singular_values`` (⌊q/2⌋,), or one for each channel; ``parameters`` has an array by
    name.
    """

    if TYPE_CHECKING:
        response: np.ndarray  # type: ignore[assignment]
        eigenvalues: np.ndarray  # type: ignore[assignment]
        hankel_singular_values: np.ndarray  # type: ignore[assignment]
        parameters: dict[str, np.ndarray]  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        is_array = name in {"response", "eigenvalues", "hankel_singular_values", "parameters"}
        return _array(self, name, value) if is_array else value


class Baseline(SuggestingModel, BaselineResult):
    """The result of a baseline, with arrays as of a :class:`Run`."""

    if TYPE_CHECKING:
        response: np.ndarray  # type: ignore[assignment]
        eigenvalues: np.ndarray  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return _array(self, name, value) if name in {"response", "eigenvalues"} else value


class Result(SuggestingModel, ExperimentResult):
    """All runs of an experiment, and its teacher's response, with arrays."""

    runs: list[Run]  # type: ignore[assignment]
    baselines: list[Baseline] = Field(default=[])  # type: ignore[assignment]
    if TYPE_CHECKING:
        teacher_response: np.ndarray  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return _array(self, name, value) if name == "teacher_response" else value
